"""Which version of the 2020 program drew the report's figures: the rule, fixed before the first record it judges.

The report's Figures 2 and 3 are means of five trials. A program's records are resampled five trials at a time; the
report fits where its curves, and the difference between its arms, are such as five trials of the program often give.
See data/registered.md for the words.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lth.errors import LthError
from lth.paths import ROOT
from lth.statistics.bootstrap import MissingRecords

FILE = ROOT / "data" / "reference" / "report-2020-figures.csv"
SHA256 = "d0f2635b79a325c4f9f53be9776184464b70018afb7b539160bbf8575d80b9b0"
FIGURES = {
    2: ("early_stop_test_acc", "final_test_acc"),
    3: ("early_stop_iteration",),
}  # what each may show
READING = {2: 0.0002, 3: 100.0}  # half-widths of the reading error
HIDDEN = {2: 0.0003, 3: 150.0}  # how close to the ticket's a point lies that is hidden under its line
LEVELS = 19  # the report's figures show levels 0 to 18
FIVE = 5  # trials in the report's means
FEWEST = 10  # trials of a program below which nothing is told
DRAWS = 10_000
LEVEL = 0.05


@dataclass(frozen=True)
class Curves:
    """A figure of the report: ticket and control at levels 0 to 18, and how far each point may be off, (2, 19) each."""

    values: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True)
class Shares:
    """How often five trials of a program are as far off as the report, in one figure."""

    closeness: float
    arms: float


def report(figure: int) -> Curves:
    """The report's Figure 2 (accuracy, 0 to 1) or 3 (iterations) as digitised; LthError unless the file is whole."""
    try:
        content = FILE.read_bytes()
    except OSError as error:
        raise LthError(f"the report's digitised figures are not in {FILE}: restore the file with git") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise LthError(f"{FILE} is not the file that was digitised (its SHA-256 differs): restore it with git")
    table = pd.read_csv(FILE)
    table = table[table["figure"] == figure]
    values = np.stack([table.loc[table["curve"] == curve, "value"].to_numpy() for curve in ("ticket", "random")])
    hidden = np.isnan(values)
    values[1, hidden[1]] = values[0, hidden[1]]
    return Curves(values, np.where(hidden, HIDDEN[figure], READING[figure]))


def shares(ticket: np.ndarray, control: np.ndarray, seen: Curves, generator: np.random.Generator) -> Shares:
    """The larger shares over paired and unpaired trials; `ticket` and `control` are (trials, 19), trial by trial."""
    found = [_shares(np.stack([ticket, control]), seen, paired, generator) for paired in (True, False)]
    return Shares(max(each.closeness for each in found), max(each.arms for each in found))


def _shares(program: np.ndarray, seen: Curves, paired: bool, generator: np.random.Generator) -> Shares:
    """Of DRAWS resamples; `program` is (2, trials, 19).

    A resample sets the mean of five trials, with a reading error, against the mean of the trials that are left.
    """
    trials = program.shape[1]
    mean, spread = program.mean(axis=1), program.std(axis=1, ddof=1)
    scale = np.sqrt(spread**2 / FIVE + seen.errors**2 / 3)
    orders = generator.permuted(np.tile(np.arange(trials), (1 if paired else 2, DRAWS, 1)), axis=2)
    drawn = np.zeros((2, DRAWS, trials))
    np.put_along_axis(drawn, np.broadcast_to(orders[..., :FIVE], (2, DRAWS, FIVE)), 1, axis=2)
    fives = drawn @ program / FIVE + generator.uniform(-1, 1, (2, DRAWS, LEVELS)) * seen.errors[:, None]
    rests = (1 - drawn) @ program / (trials - FIVE)
    off = np.sqrt((((fives - rests) / scale[:, None]) ** 2).mean(axis=(0, 2)))
    report_off = np.sqrt((((seen.values - mean) / scale) ** 2).mean())
    apart = np.abs(_between(fives - rests))
    return Shares(float((off >= report_off).mean()), float((apart >= abs(_between(seen.values - mean))).mean()))


def _between(curves: np.ndarray) -> np.ndarray:
    """Control minus ticket, averaged over the pruned levels; `curves` are (2, …, 19)."""
    return (curves[1] - curves[0])[..., 1:].mean(axis=-1)


def program_shares(runs: pd.DataFrame, control: str, generator: np.random.Generator) -> dict[int, Shares]:
    """The shares of each figure for one program's `runs`; MissingRecords below FEWEST trials of all 19 levels."""
    found = {}
    for figure, measures in FIGURES.items():
        seen, each = report(figure), []
        for measure in measures:
            table = runs[runs["arm"].isin(["ticket", control]) & (runs["level"] < LEVELS)].pivot_table(
                index="trial", columns=["arm", "level"], values=measure
            )
            columns = pd.MultiIndex.from_product([["ticket", control], range(LEVELS)])
            table = table.reindex(columns=columns).dropna()
            if len(table) < FEWEST:
                raise MissingRecords(f"{len(table)} trials of {control} are recorded, and the rule needs {FEWEST}")
            values = table.to_numpy(float)
            if figure == 3:
                values, curves = np.log(np.maximum(values, 1)), Curves(np.log(seen.values), seen.errors / seen.values)
            else:
                curves = seen
            each.append(shares(values[:, :LEVELS], values[:, LEVELS:], curves, generator))
        found[figure] = Shares(max(one.closeness for one in each), max(one.arms for one in each))
    return found


def fits(found: dict[int, Shares], arms_only: bool = False) -> bool:
    """Whether a program fits: none of its shares is below 5 % over their number (Bonferroni)."""
    values = [one.arms for one in found.values()]
    if not arms_only:
        values += [one.closeness for one in found.values()]
    return min(values) >= LEVEL / len(values)


def attribute(a: dict[int, Shares], b: dict[int, Shares], arms_only: bool = False) -> str:
    """To which program the report is attributed: "A", "B", "both" or "neither"."""
    which = [name for name, found in (("A", a), ("B", b)) if fits(found, arms_only)]
    return {0: "neither", 1: "".join(which), 2: "both"}[len(which)]

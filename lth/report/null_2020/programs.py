"""The two versions of the 2020 program beside what its report shows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth.claims.null_2020.attribution import FILE, LEVELS, report
from lth.records.published import Records
from lth.report.summaries import POINT
from lth.statistics.bootstrap import Estimate, as_ratio
from lth.statistics.contrasts import over_trials
from lth.statistics.paired import AT_EARLY, EARLY, Side, paired
from lth.statistics.placebo import other_half

FASTER = range(6, 19)  # levels from 26 % of the weights down to the report's last: its tickets stop earlier at each
BETTER = range(12, 19)  # from 7 % down: there they are more accurate, too
SCALE = {2: 100.0, 3: 1.0}  # accuracies in percent
PLATEAU = (20 * 916, 40 * 916)  # iterations between which Figure 1 is read
LINES = ("report ticket", "report control")


def lines(figure: int, panel: str) -> pd.DataFrame:
    """The report's Figure 2 (accuracy, in percent) or 3 (early stop) as two lines, in columns as POINT."""
    table = pd.read_csv(FILE)
    percents = table[(table["figure"] == figure) & (table["curve"] == "ticket")]["density_percent"]
    curves = zip(LINES, SCALE[figure] * report(figure).values, strict=True)
    shown = [pd.DataFrame({"line": name, "percent": percents, "mean": values}) for name, values in curves]
    return pd.concat(shown).assign(panel=panel).reindex(columns=POINT)


def means(runs: pd.DataFrame, control: str, column: str) -> np.ndarray:
    """The mean over trials of a column at the report's levels, of tickets and control: (2, 19)."""
    return np.stack([paired([Side(runs, arm, range(LEVELS))], column)[0].mean(axis=0) for arm in ("ticket", control)])


def faster(runs: pd.DataFrame, control: str, levels: Sequence[int] = FASTER) -> Estimate:
    """How many times as late the control stops as the ticket: the mean over levels and trials of its logarithm."""
    return _times(*paired([Side(runs, arm, levels) for arm in ("ticket", control)], EARLY))


def better(runs: pd.DataFrame, control: str, levels: Sequence[int] = BETTER) -> Estimate:
    """By how much the ticket is more accurate at early stop than the control, in percentage points."""
    return _points(*paired([Side(runs, arm, levels) for arm in ("ticket", control)], AT_EARLY))


def faster_by_chance(runs: pd.DataFrame, levels: Sequence[int] = FASTER) -> Estimate:
    """`faster` of tickets against tickets of other trials, where there is nothing to find."""
    (stops,) = paired([Side(runs, "ticket", levels)], EARLY)
    return _times(*other_half(stops))


def better_by_chance(runs: pd.DataFrame, levels: Sequence[int] = BETTER) -> Estimate:
    """`better` of tickets against tickets of other trials."""
    (accuracies,) = paired([Side(runs, "ticket", levels)], AT_EARLY)
    return _points(*other_half(accuracies))


def _times(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Theirs over ours, (trials, levels) each: the mean over both of its logarithm, as a ratio."""
    return as_ratio(over_trials(np.log(theirs / ours).mean(axis=1)))


def _points(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Ours minus theirs, accuracies (0-1) of (trials, levels) each, in percentage points."""
    return over_trials(100 * (ours - theirs).mean(axis=1))


def faster_in_report(levels: Sequence[int] = FASTER) -> float:
    """`faster` as the report's Figure 3 shows it: means of five trials, without an interval."""
    tickets, controls = report(3).values[:, list(levels)]
    return float(np.exp(np.log(controls / tickets).mean()))


def better_in_report(levels: Sequence[int] = BETTER) -> float:
    """`better` as the report's Figure 2 shows it."""
    tickets, controls = report(2).values[:, list(levels)]
    return float(100 * (tickets - controls).mean())


def plateaus(records: Records) -> dict[int, float]:
    """By level, the tickets' mean test accuracy in percent between epochs 20 and 40, where Figure 1 is level."""
    curves = records.curves[(records.curves["arm"] == "ticket") & records.curves["iteration"].between(*PLATEAU)]
    return (100 * curves.groupby("level")["test_acc"].mean()).to_dict()


def plateaus_in_report() -> dict[int, tuple[float, float]]:
    """`plateaus` as the report's Figure 1 shows them: by level, the percent of the weights and the accuracy."""
    table = pd.read_csv(FILE)
    percents = table[(table["figure"] == 2) & (table["curve"] == "ticket")]["density_percent"].to_numpy()
    shown = table[(table["figure"] == 1) & (table["curve"] == "ticket")]
    rows = zip(shown["density_percent"], 100 * shown["value"], strict=True)
    return {int(np.abs(percents - percent).argmin()): (percent, value) for percent, value in rows}

"""How large the winning ticket's advantage over its control is, and how much of the protocol's a deviation leaves.

A configuration is a recipe and the control that tickets are compared with. Its effects, each over the same trials:

speed: how many times as fast tickets reach their early stop, which is the control's mean over the tickets', at each
    level; over several levels the geometric mean of these ratios.
accuracy, final accuracy: tickets minus control at early stop and after training, in percentage points, paired within
    trials; over several levels the mean.

What remains of the protocol's effect is the configuration's effect over the protocol's (of speed, the ratio of the
logarithms), over the trials that both have. Intervals are 95 % percentile bootstrap intervals over trials (see
lth.statistics): a resample takes whole trials, with the tickets and controls of both configurations in them.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import pandas as pd

from lth.errors import LthError, check_choice
from lth.report.null_2020.configurations import PROTOCOL, Configuration
from lth.statistics.bootstrap import Estimate, MissingRecords, Statistic, estimate

MEASURES = {
    "speed": "early_stop_iteration",
    "accuracy": "early_stop_test_acc",
    "final accuracy": "final_test_acc",
}
JUDGED = (0.513, 0.264, 0.136, 0.070, 0.036)  # densities of LeNet's levels 3, 6, 9, 12 and 15
NEAR = 1.1  # a level is at a density where the two differ by less than this factor: levels are at least 1.25 apart
LATE = 0.9  # an early stop after this share of training may have been cut off by its end


def judged_levels(runs: pd.DataFrame) -> list[int]:
    """The levels at the densities of JUDGED, as far as there are tickets; MissingRecords where there is none."""
    densities = runs[runs["arm"] == "ticket"].groupby("level")["density"].mean()
    off = [np.abs(np.log(densities / density)) for density in JUDGED]
    levels = sorted({int(one.idxmin()) for one in off if len(one) and one.min() < np.log(NEAR)})
    if not levels:
        raise MissingRecords("no level of these records is at a density that is judged: run the study further")
    return levels


def sides(runs: pd.DataFrame, one: Configuration, measure: str, levels: Sequence[int]) -> pd.DataFrame:
    """A row for each trial that has everything, columns (arm, level): the mean over draws of a measure of MEASURES.

    MissingRecords where no trial has tickets and control at all these levels.
    """
    check_choice("measure", measure, MEASURES)
    rows = runs[(runs["recipe"] == one.recipe) & runs["arm"].isin(["ticket", one.control])]
    table = rows.pivot_table(index="trial", columns=["arm", "level"], values=MEASURES[measure], aggfunc="mean")
    columns = pd.MultiIndex.from_product([["ticket", one.control], levels])
    table = table.reindex(columns=columns).dropna()
    if table.empty:
        raise MissingRecords(
            f"no trial of {one.recipe} has tickets and {one.control} at levels {', '.join(map(str, levels))}"
        )
    return table


def statistic(measure: str, table: pd.DataFrame) -> Statistic:
    """The effect over levels, where no effect is 0: the logarithm of the speed ratio, or percentage points.

    `table` is what `sides` returns: its first half of columns are tickets, the other the control.
    """
    tickets, controls = np.split(table.to_numpy(float), 2, axis=1)  # (trials, levels) each
    if measure != "speed":
        differences = 100 * (tickets - controls).mean(axis=1)
        return lambda trials: differences[trials].mean(axis=-1)
    if np.any(tickets == 0) or np.any(controls == 0):
        raise LthError("a network that stops at iteration 0 never improved, and has no speed: look at that run")
    return lambda trials: np.log(controls[trials].mean(axis=-2) / tickets[trials].mean(axis=-2)).mean(axis=-1)


def effect(
    runs: pd.DataFrame, one: Configuration, measure: str, levels: Sequence[int], generator: np.random.Generator
) -> Estimate:
    """The effect of a configuration over `levels`: times as fast (none: 1), or percentage points (none: 0)."""
    table = sides(runs, one, measure, levels)
    found = estimate(statistic(measure, table), len(table), generator)
    return _as_ratio(found) if measure == "speed" else found


def remaining(
    runs: pd.DataFrame,
    one: Configuration,
    reference: pd.DataFrame,
    measures: Sequence[str],
    levels: Sequence[int],
    generator: np.random.Generator,
) -> Estimate:
    """The share of the protocol's effect that a configuration has, paired over trials; several measures are averaged.

    `reference` holds the runs of the protocol, at the same levels. 1: all of it; 0: none; below 0: tickets lose.
    """
    parts = []
    for measure in measures:
        both, n = _paired([(runs, one), (reference, Configuration(PROTOCOL))], measure, levels)
        parts.append(both)

    def share(positions: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.mean([top(positions) / bottom(positions) for top, bottom in parts], axis=0)

    return estimate(share, n, generator)


def brought_back(
    runs: pd.DataFrame,
    one: Configuration,
    other: Configuration,
    reference: pd.DataFrame,
    measure: str,
    generator: np.random.Generator,
) -> Estimate:
    """How much larger a share of the protocol's effect `one` has than `other`, paired over trials.

    `runs` holds both, `reference` the protocol, all on one ladder. 0: nothing is brought back.
    """
    levels = judged_levels(reference)
    rows = [(runs, one), (runs, other), (reference, Configuration(PROTOCOL))]
    (ours, others, protocol), n = _paired(rows, measure, levels)
    return estimate(lambda at: (ours(at) - others(at)) / protocol(at), n, generator)


def late_stops(runs: pd.DataFrame, curves: pd.DataFrame) -> float:
    """The share of runs whose early stop lies in the last tenth of training: it might have come later still."""
    keys = ["recipe", "arm", "trial", "draw", "level"]
    last = curves.groupby(keys)["iteration"].max().rename("last")
    return float((runs.join(last, on=keys).eval("early_stop_iteration > @LATE * last")).mean())


def _paired(
    rows: Sequence[tuple[pd.DataFrame, Configuration]], measure: str, levels: Sequence[int]
) -> tuple[list[Statistic], int]:
    """The statistic of each configuration over the trials that all of them have, and how many those are."""
    tables = [sides(runs, one, measure, levels) for runs, one in rows]
    trials = reduce(pd.Index.intersection, [table.index for table in tables])
    if trials.empty:
        raise MissingRecords(f"no trial has all of {', '.join(one.recipe for _, one in rows)}")
    return [statistic(measure, table.loc[trials]) for table in tables], len(trials)


def _as_ratio(one: Estimate) -> Estimate:
    ends = [None if end is None else float(np.exp(end)) for end in (one.value, one.low, one.high)]
    return Estimate(*ends, one.n, None)

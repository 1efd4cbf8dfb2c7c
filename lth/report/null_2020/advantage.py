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
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lth.errors import LthError, check_choice
from lth.report.null_2020.configurations import Configuration
from lth.report.selections import run_keys
from lth.statistics.bootstrap import Estimate, MissingRecords, Statistic, as_ratio, estimate
from lth.statistics.paired import AT_EARLY, AT_END, EARLY, Side, paired

MEASURES = {"speed": EARLY, "accuracy": AT_EARLY, "final accuracy": AT_END}
NO_EFFECT = {"speed": 1.0, "accuracy": 0.0, "final accuracy": 0.0}
JUDGED = (0.513, 0.264, 0.136, 0.070, 0.036)  # densities of LeNet's levels 3, 6, 9, 12 and 15
NEAR = 1.1  # a level is at a density where the two differ by less than this factor: levels are at least 1.25 apart
LATE = 0.9  # an early stop after this share of training may have been cut off by its end


@dataclass(frozen=True)
class Case:
    """A configuration, the runs that hold it, and the levels at which it is looked at."""

    runs: pd.DataFrame
    configuration: Configuration
    levels: Sequence[int]

    @property
    def sides(self) -> tuple[Side, Side]:
        """The tickets and their control."""
        recipe, control = self.configuration.recipe, self.configuration.control
        return Side(self.runs, "ticket", self.levels, recipe), Side(self.runs, control, self.levels, recipe)


def judged_levels(runs: pd.DataFrame) -> list[int]:
    """The levels at the densities of JUDGED, as far as there are tickets; MissingRecords where there is none."""
    densities = runs[runs["arm"] == "ticket"].groupby("level")["density"].mean()
    distances = [np.abs(np.log(densities / density)) for density in JUDGED]
    levels = sorted({int(off.idxmin()) for off in distances if len(off) and off.min() < np.log(NEAR)})
    if not levels:
        raise MissingRecords("no level of these records is at a density that is judged: run the study further")
    return levels


def statistics(cases: Sequence[Case], measure: str) -> tuple[list[Statistic], int]:
    """Each case's effect over its levels, over the trials that all of them have, and how many trials these are.

    No effect is 0: effects on speed are logarithms, the others percentage points. LthError for a measure that is not in
    MEASURES; MissingRecords as in paired.
    """
    check_choice("measure", measure, MEASURES)
    values = paired([side for case in cases for side in case.sides], MEASURES[measure])
    pairs = zip(values[::2], values[1::2], strict=True)
    return [_statistic(measure, tickets, controls) for tickets, controls in pairs], len(values[0])


def _statistic(measure: str, tickets: np.ndarray, controls: np.ndarray) -> Statistic:
    """The effect between tickets and control, (trials, levels) each."""
    if measure != "speed":
        differences = 100 * (tickets - controls).mean(axis=1)
        return lambda trials: differences[trials].mean(axis=-1)
    if np.any(tickets == 0) or np.any(controls == 0):
        raise LthError("a network that stops at iteration 0 never improved and has no speed: look at that run")
    return lambda trials: np.log(controls[trials].mean(axis=-2) / tickets[trials].mean(axis=-2)).mean(axis=-1)


def effect(
    runs: pd.DataFrame,
    configuration: Configuration,
    measure: str,
    levels: Sequence[int],
    generator: np.random.Generator,
) -> Estimate:
    """The effect of a configuration over `levels`: times as fast (none: 1), or percentage points (none: 0)."""
    (of,), n = statistics([Case(runs, configuration, levels)], measure)
    size = estimate(of, n, generator)
    return as_ratio(size) if measure == "speed" else size


def remaining(case: Case, protocol: Case, measures: Sequence[str], generator: np.random.Generator) -> Estimate:
    """The share of the protocol's effect that a case has, paired over trials; several measures are averaged.

    1: all of it; 0: none; below 0: tickets lose. Both are taken at their own levels, which should be equally dense.
    """
    parts = []
    for measure in measures:
        both, n = statistics([case, protocol], measure)
        parts.append(both)

    def share(trials: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.mean([ours(trials) / whole(trials) for ours, whole in parts], axis=0)

    return estimate(share, n, generator)


def brought_back(case: Case, other: Case, protocol: Case, measure: str, generator: np.random.Generator) -> Estimate:
    """How much larger a share of the protocol's effect one case has than another, paired over trials. None: 0."""
    (ours, others, whole), n = statistics([case, other, protocol], measure)
    return estimate(lambda trials: (ours(trials) - others(trials)) / whole(trials), n, generator)


def late_stops(runs: pd.DataFrame, curves: pd.DataFrame) -> float:
    """The share of runs whose early stop lies in the last tenth of training: it might have come later still."""
    keys = run_keys(runs)
    last = runs.join(curves.groupby(keys)["iteration"].max().rename("last"), on=keys)["last"]
    return float((runs["early_stop_iteration"] > LATE * last).mean())

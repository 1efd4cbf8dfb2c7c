"""Which of three settings take the tickets' advantage at the paper's length: the rule, fixed before its first record.

See data/registered.md for the words. A cell is a combination of small weights (S), carried optimizer (C) and standard
inputs (I). A trial is a block, and counts where all eight cells have tickets and fresh weights at all judged levels.
Intervals are 95 % t intervals over trials.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from lth.errors import LthError
from lth.records.selections import run_keys
from lth.statistics.bootstrap import Estimate, as_ratio
from lth.statistics.contrasts import factorial, over_trials
from lth.studies.null_2020 import SETTINGS

CELLS = {  # by the settings that are on: the recipe
    on: "+".join(on) or "protocol" for size in range(len(SETTINGS) + 1) for on in combinations(SETTINGS, size)
}
NONE, S, C = "protocol", "small-weights", "carried-optimizer"
SC, SCI = "small-weights+carried-optimizer", "small-weights+carried-optimizer+standard-inputs"
ARMS = ("ticket", "reinit")
LEVELS = (1, 2, 3, 4)  # those judged
TRIALS = 10  # those registered: trials that are added later are not judged
LAST = 10  # measurements whose mean is the final accuracy
FEWEST = 5  # trials for a verdict
TAKEN = 1.25  # times as early: below, the speed is taken
MARGIN = 0.1  # percentage points: within, no accuracy is left
MEASURES = ("speed", "iterations", "accuracy", "final")
SUPPORTED, IN_PART, CONTRADICTED = "supported", "supported in part", "contradicted"
UNTOLD = "cannot be told"
TOO_FEW = "no verdict: fewer than five trials are complete"

Measured = Mapping[str, pd.DataFrame]  # by measure: a row a trial, a column a cell, by its recipe


@dataclass(frozen=True)
class Judgement:
    """A hypothesis, the registered word for it or TOO_FEW, the trials it rests on, and the estimates it looked at."""

    hypothesis: str
    verdict: str
    n: int
    estimates: dict[str, Estimate]


def measured(runs: pd.DataFrame, curves: pd.DataFrame) -> Measured:
    """Every measure by complete trial (rows) and cell (columns), averaged over the judged levels.

    speed: natural logarithm of the control's early-stop iteration over the ticket's; iterations: control minus ticket.
    accuracy, final: test accuracy at early stop, and the mean of the last ten measurements, ticket minus control, in
    percentage points. ticket stop, control stop: natural logarithms of the arm's early-stop iteration. LthError where
    a run stops at iteration 0.
    """
    judged = runs[runs["arm"].isin(ARMS) & runs["level"].isin(LEVELS) & runs["recipe"].isin(CELLS.values())]
    judged = judged[judged["trial"] < TRIALS]
    for run in judged[judged["early_stop_iteration"] == 0].itertuples():
        raise LthError(
            f"the {run.arm} of {run.recipe}, trial {run.trial}, level {run.level}, stops at iteration 0: it never "
            "improved and has no speed: look at that run"
        )
    keys = run_keys(judged)
    last = curves.sort_values("iteration").groupby(keys).tail(LAST).groupby(keys)["test_acc"].mean()
    values = {"early_stop_iteration": "iterations", "early_stop_test_acc": "accuracy"}
    rows = judged.rename(columns=values).join(last.rename("final"), on=keys)
    rows["stop"] = np.log(rows["iterations"].astype(float))
    names = ("stop", "iterations", "accuracy", "final")
    columns = pd.MultiIndex.from_product([names, CELLS.values(), ARMS, LEVELS])
    table = rows.pivot(index="trial", columns=["recipe", "arm", "level"], values=list(names))
    complete = table.reindex(columns=columns).dropna()
    shape = (len(complete), len(names), len(CELLS), len(ARMS), len(LEVELS))
    means = complete.to_numpy(float).reshape(shape).mean(axis=-1)
    ticket, control = (
        {name: pd.DataFrame(means[:, i, :, arm], complete.index, list(CELLS.values())) for i, name in enumerate(names)}
        for arm in range(len(ARMS))
    )
    return {
        "speed": control["stop"] - ticket["stop"],
        "iterations": control["iterations"] - ticket["iterations"],
        "accuracy": 100 * (ticket["accuracy"] - control["accuracy"]),
        "final": 100 * (ticket["final"] - control["final"]),
        "ticket stop": ticket["stop"],
        "control stop": control["stop"],
    }


def cells_table(measures: Measured) -> pd.DataFrame:
    """A row a cell: cell (its recipe), n, and each of MEASURES with its ends ("speed low"); speed in times as early."""
    return pd.DataFrame(
        [
            {"cell": recipe, "n": len(measures["speed"])}
            | _columns({measure: over_trials(measures[measure][recipe].to_numpy()) for measure in MEASURES})
            for recipe in CELLS.values()
        ]
    )


def terms_table(measures: Measured) -> pd.DataFrame:
    """A row a main effect or interaction: term, order (1: a main effect), n, and each of MEASURES with its ends.

    "speed p" is Holm's p value over the seven terms of that measure. Speed is a factor: by how many times a setting
    multiplies "times as early" (no effect: 1); the other measures keep their unit (no effect: 0).
    """
    terms = {
        measure: factorial({on: measures[measure][recipe].to_numpy() for on, recipe in CELLS.items()})
        for measure in MEASURES
    }
    return pd.DataFrame(
        [
            {"term": " × ".join(on).replace("-", " "), "order": len(on), "n": len(measures["speed"])}
            | _columns({measure: terms[measure][on].estimate for measure in MEASURES})
            | {f"{measure} p": terms[measure][on].adjusted for measure in MEASURES}
            for on in CELLS
            if on
        ]
    )


def _columns(estimates: dict[str, Estimate]) -> dict:
    """Estimates of measures as columns, speed as a ratio."""
    columns: dict[str, float | None] = {}
    for measure, estimate in estimates.items():
        shown = as_ratio(estimate) if measure == "speed" else estimate
        columns |= {measure: shown.value, f"{measure} low": shown.low, f"{measure} high": shown.high}
    return columns


def judge(measures: Measured) -> list[Judgement]:
    """H1, H2 and H3 with the registered words; TOO_FEW below five complete trials."""
    n = len(measures["speed"])
    speeds = {cell: as_ratio(over_trials(measures["speed"][cell].to_numpy())) for cell in (NONE, S, C, SC)}
    accuracy, stop = measures["accuracy"], {arm: measures[f"{arm} stop"] for arm in ("control", "ticket")}
    left = {"SC minus SCI": accuracy[SC] - accuracy[SCI], "SCI": accuracy[SCI]}
    accuracies = {name: over_trials(values.to_numpy()) for name, values in left.items()}
    stops = {arm: over_trials((values[SCI] - values[NONE]).to_numpy()) for arm, values in stop.items()}
    rules = (
        ("H1", speed_is_taken_by_both(*speeds.values()), speeds),
        ("H2", inputs_take_accuracy(*accuracies.values()), accuracies),
        ("H3", control_catches_up(*stops.values()), stops),
    )
    return [Judgement(name, word if n >= FEWEST else TOO_FEW, n, estimates) for name, word, estimates in rules]


def speed_is_taken_by_both(none: Estimate, small: Estimate, carried: Estimate, both: Estimate) -> str:
    """H1, from "times as early" in the cells without any setting, S, C and SC."""
    if both.above(TAKEN) or small.below(TAKEN) or carried.below(TAKEN):
        return CONTRADICTED
    return SUPPORTED if both.below(TAKEN) and none.above(TAKEN) else UNTOLD


def inputs_take_accuracy(difference: Estimate, left: Estimate) -> str:
    """H2, from the paired difference of accuracy, SC minus SCI, and the accuracy of SCI, in percentage points."""
    if difference.above(0):
        return SUPPORTED if left.within(-MARGIN, MARGIN) else IN_PART
    return CONTRADICTED if difference.below(0) else UNTOLD


def control_catches_up(control: Estimate, ticket: Estimate) -> str:
    """H3, from the paired differences of the logarithms of early stops, SCI minus the cell without any setting.

    How much later the ticket stops is compared by its mean: the registered words ask an interval of the control alone.
    That the control does not stop earlier takes an interval that is wholly above 0: one that includes 0 cannot tell.
    """
    if control.below(0):
        return SUPPORTED if -control.value > ticket.value else UNTOLD
    return CONTRADICTED if control.above(0) else UNTOLD

"""Measures that curves give beside the early stop: iterations to a quality, and accuracy over the end of training.

The early stop is the place of a minimum, which wanders where a curve is flat and is cut off where training ends. When a
curve first reaches a quality is neither, as far as every run reaches it. Post hoc: the studies' measures are those of
their records.
"""

import pandas as pd

from lth.records.published import Records
from lth.records.selections import run_keys
from lth.statistics.paired import LATE, TO_ACCURACY, TO_LOSS

ACCURACY = 0.95  # on the validation images
LOSS = 0.15  # likewise
LAST = 10  # measurements


def measured(records: Records) -> pd.DataFrame:
    """The runs with three more columns.

    `iterations_to_accuracy`, `iterations_to_loss`: when the validation accuracy is first at least ACCURACY, and the
    loss at most LOSS; nan where it never is. `late_test_acc`: the mean test accuracy (0-1) of the LAST measurements.
    """
    keys = run_keys(records.runs)
    curves = records.curves.dropna(subset=["val_acc"]).sort_values("iteration")
    columns = (
        curves[curves["val_acc"] >= ACCURACY].groupby(keys)["iteration"].first().rename(TO_ACCURACY),
        curves[curves["val_loss"] <= LOSS].groupby(keys)["iteration"].first().rename(TO_LOSS),
        curves.groupby(keys).tail(LAST).groupby(keys)["test_acc"].mean().rename(LATE),
    )
    runs = records.runs
    for column in columns:
        runs = runs.merge(column.reset_index(), on=keys, how="left")
    return runs


def unreached(runs: pd.DataFrame, measure: str) -> int | None:
    """The first level at which one of the runs never reaches the quality; None where all do."""
    levels = runs.loc[runs[measure].isna(), "level"]
    return int(levels.min()) if len(levels) else None

"""The studies of a quarter of the paper's length, read so that their end cuts nothing off.

At 12,000 iterations many fresh weights have not reached their lowest validation loss, so that early stops are cut off,
and ratios of them with it. How soon a run reaches a fixed quality is not, at the levels that every run reaches.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lth.claims.null_2020.stale_steps import reached
from lth.records.published import Records
from lth.records.selections import run_keys
from lth.report.summaries import interval
from lth.statistics.contrasts import Term

ONE_AT_A_TIME, COMBINED, ALL_BUT_ONE, REPEATED = "suspects", "factorial", "leave-one-out", "together"
ALL_AT_LENGTH, ALL_THREE = "culprits", "lenet-culprits"  # all three at the paper's length: study and recipe
LEVELS = (1, 2, 3, 4)  # of the coarse ladder: 51 to 7 % of the weights; at level 5 some runs do not get there
AT_LENGTH = (3, 6, 9, 12)  # LeNet's levels of the same densities
ARMS = ("ticket", "control")


def with_reached(records: Records) -> pd.DataFrame:
    """The runs with `reached`, the iteration at which their validation accuracy first is 95 %; NaN for never."""
    return records.runs.join(reached(records.curves).rename("reached"), on=run_keys(records.curves))


def stopped_within(records: Records, iterations: int) -> pd.DataFrame:
    """The runs with the `early_stop_iteration` that they would have if training had ended at `iterations`."""
    curves = records.curves[records.curves["iteration"] <= iterations].sort_values("iteration", kind="stable")
    keys = run_keys(curves)
    stops = curves.loc[curves.groupby(keys)["val_loss"].idxmin()].set_index(keys)["iteration"]
    return records.runs.drop(columns="early_stop_iteration").join(stops.rename("early_stop_iteration"), on=keys)


def by_trial(
    runs: pd.DataFrame,
    column: str,
    recipe: str,
    levels: Sequence[int] = LEVELS,
    control: str = "reinit",
    logarithm: bool = False,
) -> pd.DataFrame:
    """The mean over levels of a column, or of its logarithm: a row a trial, columns "ticket" and "control".

    Trials in which a level of either arm has no number are left out: a mean of fewer levels would be another quantity.
    """
    names = {"ticket": "ticket", control: "control"}
    rows = runs[(runs["recipe"] == recipe) & runs["level"].isin(levels) & runs["arm"].isin(list(names))]
    rows = rows.assign(arm=rows["arm"].map(names), value=rows[column].astype(float))
    if logarithm:
        rows["value"] = np.log(rows["value"])
    table = rows.groupby(["trial", "arm", "level"])["value"].mean().unstack(["arm", "level"])
    table = table.reindex(columns=pd.MultiIndex.from_product([ARMS, levels])).dropna()
    return pd.DataFrame({arm: table[arm].mean(axis=1) for arm in ARMS})


def head_start(sides: pd.DataFrame) -> np.ndarray:
    """By how many iterations the control comes later than the ticket, one number a trial, from `by_trial`."""
    return (sides["control"] - sides["ticket"]).to_numpy()


def ahead(runs: pd.DataFrame, recipe: str, levels: Sequence[int] = LEVELS, control: str = "reinit") -> np.ndarray:
    """Test accuracy at early stop, ticket minus control in percentage points, one number a trial."""
    sides = by_trial(runs, "early_stop_test_acc", recipe, levels, control)
    return 100 * (sides["ticket"] - sides["control"]).to_numpy()


def arms_frame(sides: Mapping[str, pd.DataFrame], panel: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Rows of a figure (lth.report.intervals): by its label, the mean of each arm; `labels` name the groups by arm."""
    rows = [
        {"panel": panel, "row": row, "group": labels[arm]} | interval(values[arm].to_numpy())
        for arm in ARMS
        for row, values in sides.items()
    ]
    return pd.DataFrame(rows)


def effects_frame(effects: Mapping[str, np.ndarray], panel: str) -> pd.DataFrame:
    """Rows of a figure: the mean of each effect, which is one number a trial, by its label."""
    return pd.DataFrame([{"panel": panel, "row": row} | interval(values) for row, values in effects.items()])


def terms_frame(terms: Mapping[str, Term], panel: str) -> pd.DataFrame:
    """Rows of a figure: estimates, with a star where Holm's p value is below 0.05."""
    return pd.DataFrame(
        [
            {"panel": panel, "row": row, "mean": term.estimate.value, "low": term.estimate.low}
            | {"high": term.estimate.high, "note": "*" if term.adjusted is not None and term.adjusted < 0.05 else None}
            for row, term in terms.items()
        ]
    )

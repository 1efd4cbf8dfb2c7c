"""What rules, figures and prose ask of records. Tables in, tables and numbers out; nothing is trained."""

import pandas as pd

from lth.arms import ARMS
from lth.errors import LthError
from lth.records import KEYS
from lth.records.published import Records

ILLUSTRATIVE_LEVELS = (0, 3, 7, 15)  # 100 %, 51.3 %, 21.1 % and 3.6 % of LeNet's weights, as in [FC] Figure 3


def check_one_recipe(records: Records) -> None:
    """LthError where the records are of several recipes: their mean would be that of different experiments."""
    names = sorted(records.runs["recipe"].unique())
    if len(names) > 1:
        raise LthError(
            f"{records.study!r} has the recipes {', '.join(names)}: draw one of them, with the parameter recipes such "
            f"as {names[0]!r}"
        )


def average_draws(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """One row a trial, arm and level (and iteration, in curves): the mean of `columns` over the draws of a trial.

    The density, which belongs to the level, is kept where there is one: the mean of three equal numbers may differ from
    them in its last bit, and trials with several draws would be drawn beside the others.
    """
    keys = [name for name in ("recipe", "arm", "trial", "level", "density", "iteration") if name in rows]
    return rows.groupby(keys, as_index=False)[columns].mean()


def with_dense(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs, with the ticket's level 0 repeated for the arms that start from the same dense net, in their trials."""
    dense = runs[(runs["arm"] == "ticket") & (runs["level"] == 0)]
    sharing = runs[runs["arm"].isin([name for name, arm in ARMS.items() if arm.first_level > 0])]
    repeated = [
        dense[(dense["recipe"] == recipe) & dense["trial"].isin(group["trial"])].assign(arm=arm)
        for (recipe, arm), group in sharing.groupby(["recipe", "arm"])
    ]
    return pd.concat([runs, *repeated], ignore_index=True)


def at(runs: pd.DataFrame, arm: str, level: int, column: str) -> pd.Series:
    """`column` of one arm and level by trial, draws averaged; LthError where the arm or the level is missing."""
    rows = runs[(runs["arm"] == arm) & (runs["level"] == level)]
    if rows.empty:
        known = ", ".join(f"{a} up to level {group.max()}" for a, group in runs.groupby("arm")["level"])
        raise LthError(f"there is no {arm} at level {level} in these records, which hold {known}")
    return rows.groupby("trial")[column].mean()


def mean_at(runs: pd.DataFrame, arm: str, level: int, column: str) -> float:
    """Mean over trials of `column` for one arm and level."""
    return float(at(runs, arm, level, column).mean())


def mean_gain(runs: pd.DataFrame, column: str, one: tuple[str, int], other: tuple[str, int]) -> float:
    """Mean over trials of `column` at `one` (arm, level) minus at `other`, paired within each trial."""
    return float((at(runs, *one, column) - at(runs, *other, column)).dropna().mean())


def best_level(runs: pd.DataFrame, column: str) -> int:
    """The pruned level at which the mean of the tickets' `column` is highest; the lowest such level on a tie."""
    tickets = runs[(runs["arm"] == "ticket") & (runs["level"] > 0)]
    return int(tickets.groupby("level")[column].mean().idxmax())


def density_at(runs: pd.DataFrame, level: int) -> float:
    """The tickets' density at a level."""
    return mean_at(runs, "ticket", level, "density")


def illustrative_levels(runs: pd.DataFrame) -> list[int]:
    """The levels that Figure 3 of the paper shows, as far as the records go, and otherwise the deepest there is."""
    deepest = int(runs["level"].max())
    return sorted(
        {*(level for level in ILLUSTRATIVE_LEVELS if level <= deepest), min(deepest, ILLUSTRATIVE_LEVELS[-1])}
    )


def run_keys(frame: pd.DataFrame) -> list[str]:
    """The columns by which curves belong to runs, of those that the frame has."""
    return [key for key in KEYS if key in frame]


def curves_at(records: Records, levels: list[int]) -> pd.DataFrame:
    """The curves at these levels with their density; LthError where a level is missing."""
    for level in levels:
        if level not in set(records.runs["level"]):
            raise LthError(f"these records hold no level {level}: choose from 0 to {records.runs['level'].max()}")
    keys = run_keys(records.runs)
    rows = records.curves[records.curves["level"].isin(levels)]
    return rows.merge(records.runs[[*keys, "density"]], on=keys)


def lead_until(runs: pd.DataFrame, column: str, higher: bool = True) -> float:
    """The lowest density (0-1) at which the tickets' mean of `column` is better than the dense network's, or nan."""
    tickets = runs[runs["arm"] == "ticket"].groupby("level")[[column, "density"]].mean()
    gains = (tickets[column] - tickets.loc[0, column]) * (1 if higher else -1)
    return float(tickets["density"][gains > 0].min())


def on_copies(runs: pd.DataFrame) -> str:
    """Which copies of data sets the runs were trained on: ", on CIFAR-10 (JPEG copy)", or nothing for originals."""
    labels = sorted({label for label in runs.get("data", ()) if str(label).endswith(" copy)")})
    return f", on {' and '.join(labels)}" if labels else ""

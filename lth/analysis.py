"""What the figures and the prose need to know of records. Tables in, tables and numbers out; nothing is trained."""

import pandas as pd

from lth.errors import LthError
from lth.records import Records
from lth.runs import FROM_DENSE

ILLUSTRATIVE_LEVELS = (0, 3, 7, 15)  # 100 %, 51.3 %, 21.1 % and 3.6 % of LeNet's weights, as in [FC] Figure 3


def with_dense(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs, with the ticket's level 0 repeated for the arms that start from the same dense net."""
    dense = runs[(runs["arm"] == "ticket") & (runs["level"] == 0)]
    sharing = [arm for arm in runs["arm"].unique() if arm not in FROM_DENSE]
    return pd.concat([runs, *(dense.assign(arm=arm) for arm in sharing)], ignore_index=True)


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


def curves_at(records: Records, levels: list[int]) -> pd.DataFrame:
    """The curves at these levels with their density; LthError where a level is missing."""
    for level in levels:
        if level not in set(records.runs["level"]):
            raise LthError(f"these records hold no level {level}: choose from 0 to {records.runs['level'].max()}")
    keys = ["recipe", "arm", "trial", "draw", "level"]
    rows = records.curves[records.curves["level"].isin(levels)]
    return rows.merge(records.runs[[*keys, "density"]], on=keys)


def trials_note(runs: pd.DataFrame, planned: int) -> str:
    """How many trials a figure shows: "n = 3 trials", or "n = 2 of 5 trials" while a study is unfinished."""
    n = runs["trial"].nunique()
    return f"n = {n} trial{'s'[: n != 1]}" if n >= planned else f"n = {n} of {planned} trials"

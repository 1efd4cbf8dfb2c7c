"""How far training carries the surviving weights from where they started, from the column `drift` of the runs."""

import json
from collections.abc import Sequence

import pandas as pd

from lth.statistics.bootstrap import MissingRecords


def drifts(runs: pd.DataFrame, recipes: Sequence[str], level: int, arm: str = "ticket") -> pd.DataFrame:
    """A row for each recipe, trial, layer and measured iteration of an arm's runs at a level.

    scale and moved: root mean square of the survivors' starting values and of their changes; steps: moved in learning
    rates, of which a fresh Adam moves a weight by at most one a step; grown: moved over scale; cosine: between the
    starting values and those now. MissingRecords where a recipe has no such measurements.
    """
    measured_runs = runs[(runs["arm"] == arm) & (runs["level"] == level) & runs["recipe"].isin(recipes)]
    measured_runs = measured_runs.dropna(subset=["drift"]) if "drift" in measured_runs else measured_runs[:0]
    missing = [recipe for recipe in recipes if recipe not in set(measured_runs["recipe"])]
    if missing:
        raise MissingRecords(f"how far {arm}s of {', '.join(missing)} move at level {level} is not recorded")
    rows = []
    for _, run in measured_runs.iterrows():
        rate = json.loads(run["spec"])["recipe"]["optimizer"]["learning_rate"]
        for measured in json.loads(run["drift"]):
            for layer, values in measured.items():
                if layer != "iteration":
                    key = {"recipe": run["recipe"], "trial": run["trial"], "layer": layer}
                    rows.append(key | {"iteration": measured["iteration"], "rate": rate} | values)
    if not rows:
        raise MissingRecords(f"how far {arm}s move at level {level} is not recorded for any recipe")
    table = pd.DataFrame(rows)
    return table.assign(steps=table["moved"] / table["rate"], grown=table["moved"] / table["scale"])


def at(table: pd.DataFrame, recipe: str, layer: str, iteration: int, quantity: str) -> float:
    """Mean over trials of a quantity at an iteration; MissingRecords where it was not measured."""
    there = (table["recipe"] == recipe) & (table["layer"] == layer) & (table["iteration"] == iteration)
    if not there.any():
        raise MissingRecords(f"{recipe} has no measurement of {layer} at iteration {iteration}")
    return float(table[there][quantity].mean())


def outgrown(table: pd.DataFrame, recipe: str, layer: str) -> int | None:
    """The first measured iteration at which the mean change is as large as the mean start; None if never."""
    rows = table[(table["recipe"] == recipe) & (table["layer"] == layer)]
    grown = rows.groupby("iteration")["grown"].mean()
    past = grown.index[grown.to_numpy() >= 1]
    return int(past.min()) if len(past) else None

"""How far training carries the surviving weights from where they started, from the column `drift` of the runs."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from lth.report import text
from lth.report.null_2020.configurations import PROTOCOL
from lth.report.text import listed, number
from lth.statistics.bootstrap import MissingRecords

QUANTITIES = {  # column: what an axis says
    "steps": "mean change\n(learning rates)",
    "grown": "mean change\n(initial sizes)",
    "cosine": "cosine between\nstart and now",
}


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


def recorded(runs: pd.DataFrame, recipes: Sequence[str], level: int, arm: str = "ticket") -> list[str]:
    """Those of the recipes that have such measurements at a level."""
    rows = runs[(runs["arm"] == arm) & (runs["level"] == level)].dropna(subset=["drift"])
    return [recipe for recipe in recipes if recipe in set(rows["recipe"])]


def table(moves: pd.DataFrame, names: dict[str, str]) -> str:
    """How the survivors of every layer move, recipe by recipe, as Markdown; `names` of the recipes."""
    early, later, last = _iterations_told(moves)
    steps_head = ("Start", "First step (learning rates)", f"After {early} (learning rates)")
    later_head = (f"After {later} (initial sizes)", "Outgrown at", f"Cosine after {later}", f"Cosine after {last:,}")
    head = ("Recipe", "Layer", *steps_head, *later_head, "n")
    rows = []
    for recipe, name in names.items():
        here = moves[moves["recipe"] == recipe]
        for layer in here["layer"].unique():
            past = outgrown(moves, recipe, layer)
            steps = [f"{at(moves, recipe, layer, i, 'steps'):.2f}" for i in (here["iteration"].min(), early)]
            cosines = [number(at(moves, recipe, layer, i, "cosine"), "{:.2f}") for i in (later, last)]
            start = f"{at(moves, recipe, layer, last, 'scale'):.3f}"
            grown = f"{at(moves, recipe, layer, later, 'grown'):.2f}"
            past_at = "never" if past is None else f"{past:,}"
            plain_layer = layer.removesuffix(".weight")
            rows.append((name, plain_layer, start, *steps, grown, past_at, *cosines, here["trial"].nunique()))
    return text.table(head, rows)


def scales_sentence(moves: pd.DataFrame, layer: str, names: dict[str, str]) -> str:
    """How soon the change outgrows the start."""
    found = {recipe: outgrown(moves, recipe, layer) for recipe in names}
    parts = [f"{past:,} {_with(recipe, names[recipe])}" for recipe, past in found.items() if past is not None]
    never = [_with(recipe, names[recipe]) for recipe, past in found.items() if past is None]
    said = [f"is first seen to be as large as the start at iteration {listed(parts)}"] if parts else []
    said += [f"never gets as large as the start {listed(never)}"] if never else []
    return f"The change {'; it '.join(said)}."


def steps_sentence(moves: pd.DataFrame, layer: str, names: dict[str, str]) -> str:
    """How large the first steps are, in learning rates."""
    early, _, _ = _iterations_told(moves)
    first = int(moves["iteration"].min())
    parts = [
        f"{_with(recipe, name)}, {at(moves, recipe, layer, first, 'steps'):.2f} after the first step and "
        f"{at(moves, recipe, layer, early, 'steps'):.1f} after {early}"
        for recipe, name in names.items()
    ]
    return f"In learning rates, weights have moved by this much: {'; '.join(parts)}."


def ends_sentence(moves: pd.DataFrame, layer: str, names: dict[str, str]) -> str:
    """How much of the start is left at the end of training."""
    _, _, last = _iterations_told(moves)
    parts = [
        f"{number(at(moves, recipe, layer, last, 'cosine'), '{:.2f}')} {_with(recipe, name)}"
        for recipe, name in names.items()
    ]
    return f"At the end of training, the cosine between the weights and their start is {listed(parts)}."


def accounts_sentence(moves: pd.DataFrame, layer: str, names: dict[str, str]) -> str:
    """With which recipes the start is written over sooner than under the protocol, and with which less of it is left.

    Sooner: at an earlier measured iteration. Less: in every trial that both have, a smaller cosine at the end.
    """
    others = [recipe for recipe in names if recipe != PROTOCOL]
    if not others or PROTOCOL not in names:
        return "Nothing is compared with the protocol here."
    _, _, last = _iterations_told(moves)
    ends = moves[(moves["layer"] == layer) & (moves["iteration"] == last)]
    ends = ends.pivot_table(index="trial", columns="recipe", values="cosine")
    past = {recipe: outgrown(moves, recipe, layer) or last + 1 for recipe in names}
    groups: dict[str, list[str]] = {}
    for recipe in others:
        both = ends[[recipe, PROTOCOL]].dropna()
        sooner, less = past[recipe] < past[PROTOCOL], bool((both[recipe] < both[PROTOCOL]).all())
        what = {
            (True, True): "written over sooner than under the protocol, and less of it is left in the end,",
            (True, False): "written over sooner, but not in every trial with less of it left,",
            (False, True): "written over no sooner, with less of it left in the end,",
            (False, False): "written over no sooner, and not in every trial with less of it left,",
        }[sooner, less]
        groups.setdefault(what, []).append(names[recipe])
    return f"The start is {'; it is '.join(f'{what} with {listed(found)}' for what, found in groups.items())}."


def _iterations_told(moves: pd.DataFrame) -> tuple[int, int, int]:
    """The measured iterations that the text speaks of: about 10, about 100, and the last."""
    measured = np.sort(moves["iteration"].unique())
    early, later = (int(measured[np.abs(np.log(measured / wanted)).argmin()]) for wanted in (10, 100))
    return early, later, int(measured[-1])


def _with(recipe: str, name: str) -> str:
    """A recipe in prose: "under the protocol", or with its name."""
    return "under the protocol" if recipe == PROTOCOL else f"with {name}"

"""Made-up records of recipes whose winning tickets have a known advantage."""

import json

import numpy as np
import pandas as pd

from lth.studies.deviations import CERTAIN, DEVIATIONS

SPEED, POINTS = 2.0, 0.8  # of the protocol: times as fast, percentage points more accurate


def made(shares: dict[str, dict[str, float]], trials: int = 5, noise: float = 0.02, levels: int = 5) -> pd.DataFrame:
    """Runs of some recipes; `shares` gives, by recipe and control, the share of the protocol's advantage there is.

    The advantage is the same at every pruned level, on the logarithmic scale for speed. Densities are LeNet's, three
    levels at once. `noise` is the deviation of the logarithm of early-stop iterations; accuracies have a tenth of it
    in percentage points.
    """
    generator, rows = np.random.default_rng(0), []
    for recipe, controls in shares.items():
        for trial in range(trials):
            for level in range(levels + 1):
                for arm in ("ticket", *controls):
                    behind = 0 if arm == "ticket" or level == 0 else controls[arm]
                    stop = 3000 * SPEED**behind * np.exp(noise * generator.standard_normal())
                    accuracy = 0.98 - (POINTS * behind + 0.1 * noise * generator.standard_normal()) / 100
                    rows.append(("made", recipe, arm, trial, 0, level, 0.8 ** (3 * level), stop, accuracy, accuracy))
    names = "study recipe arm trial draw level density early_stop_iteration early_stop_test_acc final_test_acc"
    return pd.DataFrame(rows, columns=names.split())


def with_drift(runs: pd.DataFrame, moved: dict[str, dict[int, float]], scale: float = 0.04, rate: float = 1e-3):
    """The runs with a column `drift`: by recipe and iteration, how far the first layer has moved."""

    def drift(run) -> str:
        measured = moved[run["recipe"]].items()
        layer = [{"scale": scale, "moved": far, "cosine": 1 - far} for _, far in measured]
        return json.dumps([{"iteration": i, "fc1.weight": one} for (i, _), one in zip(measured, layer, strict=True)])

    spec = json.dumps({"recipe": {"optimizer": {"learning_rate": rate}}})
    return runs.assign(drift=runs.apply(drift, axis=1), spec=spec)


def suspects(trials=5, **shares):
    """The line-up: each deviation alone leaves its share (1.0 where none is given)."""
    names = [name for name in DEVIATIONS if name != "chain-control"]
    recipes = {name: {"reinit": shares.get(name.replace("-", "_"), 1.0)} for name in names}
    return made({"protocol": {"reinit": 1.0, "chain-reinit": shares.get("chain_control", 1.0)}} | recipes, trials)


def left_out(together=0.0, lost=0.0, trials=5, **shares):
    """The reconstruction: without a deviation, its share of the advantage is back (otherwise what all leave)."""
    recipes = {
        f"all-but-{name}": {"chain-reinit": shares.get(name.replace("-", "_"), together)}
        for name in CERTAIN
        if name != "chain-control"
    }
    everything = {"chain-reinit": together, "reinit": shares.get("chain_control", together)}
    return made({"all": everything, "all-and-lost-weights": {"chain-reinit": lost}} | recipes, trials)


def rows(verdicts: dict[str, str], recipe: str = "{}") -> pd.DataFrame:
    """Rows of rule.table; the first deviation leaves least."""
    numbers = {
        f"{m} {what}{end}": 0.1
        for m, what in (("speed", "effect"), ("accuracy", "effect"), ("final accuracy", "effect"))
        for end in ("", " low", " high")
    }
    numbers |= {
        f"{m} share{end}": v for m in ("speed", "accuracy") for end, v in (("", 0.2), (" low", -0.1), (" high", 0.3))
    }
    return pd.DataFrame(
        [
            {"deviation": name, "recipe": recipe.format(name), "control": "reinit", "n": 5, "verdict": verdict}
            | numbers
            | {"mean share": 0.1 * i, "mean share low": 0.0, "mean share high": 0.1 * i + 0.1}
            for i, (name, verdict) in enumerate(verdicts.items())
        ]
    )


def together(verdict):
    return rows({"": verdict}, "all").iloc[0]


ALONE = dict.fromkeys(DEVIATIONS, "no loss shown")
LEFT = dict.fromkeys(CERTAIN, "not necessary")


def verdicts(rows):
    """The verdicts by deviation."""
    return dict(zip(rows["deviation"], rows["verdict"], strict=True))

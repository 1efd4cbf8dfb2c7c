"""Made-up records of recipes whose winning tickets have a known advantage."""

import json

import numpy as np
import pandas as pd

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

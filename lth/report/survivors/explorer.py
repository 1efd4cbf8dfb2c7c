"""What the explorer shows of tickets and fresh weights, level by level: a few kilobytes of JSON."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from lth.records.selections import at, density_at
from lth.report.survivors.counts import connections, relative
from lth.report.survivors.figures import MOST

STEPS = 255  # of the brightness of a pixel


def explorer(runs: pd.DataFrame, curves: pd.DataFrame, arms: Iterable[str]) -> dict[str, Any]:
    """By level: percent of the weights, of each layer, the map of connections and, by arm, means over trials.

    The map holds a byte a pixel, row by row, in base64: 0 for no connection, 255 for MOST times the average pixel's or
    more. Of each arm: `before`, the test accuracy before training, `accuracy`, that at early stop, in percent, and
    `stop`, the early-stop iteration. Arms that a level lacks are left out.
    """
    first = curves[curves["iteration"] == 0]
    levels = []
    for level in sorted(runs.loc[runs["arm"] == "ticket", "level"].unique()):
        run = runs[(runs["arm"] == "ticket") & (runs["level"] == level)].iloc[0]
        remaining, prunable = json.loads(run["remaining"]), json.loads(run["prunable"])
        pixels = np.clip(relative(connections(runs, level)) / MOST, 0, 1)
        levels.append(
            {
                "level": int(level),
                "percent": round(100 * density_at(runs, level), 2),
                "layers": {name: round(100 * remaining[name] / prunable[name], 2) for name in prunable},
                "map": base64.b64encode(np.rint(STEPS * pixels).astype(np.uint8).tobytes()).decode(),
                "arms": {
                    arm: {
                        "before": round(100 * float(at(first, arm, level, "test_acc").mean()), 1),
                        "accuracy": round(100 * float(at(runs, arm, level, "early_stop_test_acc").mean()), 2),
                        "stop": round(float(at(runs, arm, level, "early_stop_iteration").mean())),
                    }
                    for arm in arms
                    if len(runs[(runs["arm"] == arm) & (runs["level"] == level)])
                },
            }
        )
    return {"levels": levels}

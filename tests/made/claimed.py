"""Made-up records of `lenet` whose effects on the claims are known."""

import json

import numpy as np
import pandas as pd

from lth.claims import rule

TRIALS = 8


SPEC = json.dumps({"recipe": {"iterations": 50_000}})


def records(stop=lambda arm, level: 1.0, accuracy=lambda arm, level: 0.0, trials=TRIALS, levels=25, noise=1.0):
    """Made-up records of the study `lenet`: early-stop iterations as a factor of 6,000, accuracies in pp above 98 %.

    Trials differ a lot, and so does every run a little, the same way at each call.
    """
    generator, rows = np.random.default_rng(0), []
    for trial in range(trials):
        slow, good = generator.uniform(0.7, 1.3), generator.normal(0, 0.1)
        for arm in ("ticket", "reinit", "oneshot"):
            for level in range(arm == "oneshot", levels + 1):
                luck, chance = noise * generator.uniform(-0.05, 0.05), noise * generator.normal(0, 0.02)
                acc = 0.98 + (accuracy(arm, level) + good + chance) / 100
                rows.append(
                    {"recipe": "lenet", "arm": arm, "trial": trial, "draw": 0, "level": level, "spec": SPEC}
                    | {"density": 0.8**level}
                    | {"early_stop_iteration": 6000 * slow * stop(arm, level) * (1 + luck)}
                    | {"early_stop_test_acc": acc, "final_test_acc": acc}
                )
    return pd.DataFrame(rows)


def only(arm, wanted, value, otherwise):
    """A function of (arm, level): `value` for the arm at the wanted levels."""
    return lambda this, level: value if this == arm and level in wanted else otherwise


def table(runs):
    """The verdicts on the claims about LeNet."""
    found = rule.table({"lenet": runs})
    return found[found["study"] == "lenet"]

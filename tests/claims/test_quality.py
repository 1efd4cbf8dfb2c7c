"""Measures that curves give beside the early stop."""

import numpy as np
import pandas as pd
import pytest

from lth.claims import quality
from lth.records import Records


@pytest.fixture
def runs():
    """Two runs of 20 measurements, a hundred iterations apart; the second never reaches a loss of 0.15."""
    keys = [
        {"study": "s", "recipe": "lenet", "arm": "ticket", "trial": 0, "draw": 0, "level": level} for level in (0, 1)
    ]
    steps = np.arange(20)
    curves = pd.concat(
        pd.DataFrame(
            key
            | {"iteration": 100 * steps, "val_acc": 0.9 + 0.01 * steps, "val_loss": loss - 0.01 * steps}
            | {"test_acc": np.where(steps < 10, 0.0, 0.98 + 0.0001 * steps)}
        )
        for key, loss in zip(keys, (0.251, 0.5), strict=True)
    )
    return quality.measured(Records("s", curves.sample(frac=1, random_state=0), pd.DataFrame(keys)))


def test_the_first_measurement_at_a_quality_counts(runs):
    assert list(runs["iterations_to_accuracy"]) == [500, 500]
    assert runs["iterations_to_loss"][0] == 1100 and np.isnan(runs["iterations_to_loss"][1])


def test_late_accuracy_is_the_mean_of_the_last_ten(runs):
    assert runs["late_test_acc"].tolist() == pytest.approx([0.98145] * 2)


def test_the_first_level_with_a_run_that_never_gets_there(runs):
    assert quality.unreached(runs, "iterations_to_loss") == 1
    assert quality.unreached(runs, "iterations_to_accuracy") is None

"""Runs that are only pretended to have been trained, and whether two finished runs agree."""

import numpy as np

from lth import pruning
from lth.training import Trained

TIMES = {"seconds", "time"}  # all that may differ between two runs of one specification


def same(one, other) -> bool:
    """Whether two finished runs agree bit for bit."""
    assert one.summary.keys() == other.summary.keys() and one.curve.keys() == other.curve.keys()
    summaries = all(one.summary[k] == other.summary[k] for k in one.summary.keys() - TIMES)
    return summaries and all(one.curve[n].tobytes() == other.curve[n].tobytes() for n in one.curve)


def pretend(job) -> Trained:
    row = np.array([1.0])
    copies = (pruning.apply(job.masks, job.weights) for _ in range(2))
    columns = ("train_loss", "train_acc", "val_loss", "val_acc", "test_loss", "test_acc")
    return Trained({"iteration": np.array([0])} | {n: row.copy() for n in columns}, *copies, 0.0)

"""Training a published run again, with the chain that leads to it, and comparing what comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from lth.datasets import loading
from lth.engines.gradients import LossGradients
from lth.errors import LthError
from lth.lottery import Left, next_level
from lth.records import KEYS, Records
from lth.records.contents import named
from lth.records.finished import Finished
from lth.running.worker import execute
from lth.runs import Run
from lth.studies.study import Study


@dataclass(frozen=True)
class Compared:
    """A run that was trained again beside its record."""

    run: str  # as tables name it
    mask: bool  # whether it has the published mask
    curve: bool  # whether every measurement is the published one, bit for bit
    apart: float  # the largest difference of a test accuracy, 0 to 1
    machine: str  # where the published one was trained
    finished: Finished

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        mask = "the published mask" if self.mask else "ANOTHER MASK"
        curve = "the published curve, bit for bit" if self.curve else f"test accuracies apart by up to {self.apart:.4f}"
        return f"{self.run}: {mask}, {curve}"


def retrain(study: Study, records: Records, trial: int, level: int, arm: str = "ticket") -> Iterator[Compared]:
    """Train the ticket of a trial from level 0 to `level`, and `arm` there; each run beside its record.

    Nothing that is kept is used, and nothing is kept. LthError where no such run is published.
    """
    rows = {row["key"]: row for row in records.runs.to_dict("records")}
    chains = [chain for chain in study.chains() if chain.trial == trial]
    wanted = [chain for chain in chains if chain.run(arm, level).key in rows]
    if not wanted:
        raise LthError(
            f"no run of {study.name} with the arm {arm!r}, trial {trial} and level {level} is published: `lth verify "
            f"{study.name}` says what is missing"
        )
    for chain in wanted:
        dense = before = None
        head = next(h for h in chain.heads() if h[0] == arm or arm not in {name for name, _ in chain.heads()})
        for at in range(level + 1):
            pruned = chain.head_run(head, at)
            gradients = LossGradients(pruned.recipe, partial(loading.load, pruned.recipe, pruned.split()))
            jobs = next_level(chain, head, at, dense, before, gradients)
            for job in jobs:
                if job is jobs[0] or (at == level and job.run.arm == arm and job.run.draw == 0):
                    (finished,) = execute([job])
                    if job.run.key in rows or job.run.recipe == chain.recipe:
                        yield compared(job.run, finished, rows, records)
                    if job is jobs[0]:
                        before = Left(finished.weights, finished.rewound, job.masks, finished.moments)
                        dense = dense or before


def compared(run: Run, finished: Finished, rows: dict[str, dict], records: Records) -> Compared:
    """A run that was trained again beside its record; LthError where that is not published."""
    if run.key not in rows:
        raise LthError(f"{named(finished.summary)} is not published, so that nothing can be compared")
    row = rows[run.key]
    curve = records.curves.merge(records.runs[records.runs["key"] == run.key][KEYS], on=KEYS)
    same = all(np.array_equal(finished.curve[name], curve[name].to_numpy(), equal_nan=True) for name in finished.curve)
    short = min(len(curve), len(finished.curve["test_acc"]))
    apart = np.abs(finished.curve["test_acc"][:short] - curve["test_acc"].to_numpy()[:short]).max()
    mask = row["mask_sha256"] == finished.summary["mask_sha256"]
    return Compared(named(row), mask, same, float(apart), row["machine"], finished)

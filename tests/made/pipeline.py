"""A whole lottery ticket pipeline of seconds, watched: what every run started from and every step it took."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import tiny_study
import torch
from tiny_study import TINY

from lth.data import TrialData
from lth.datasets import catalogue, loading
from lth.engines import choose
from lth.lottery import Chain, Job, Left, next_level
from lth.models import Weights
from lth.pruning import density
from lth.recipes import Pruning, Recipe
from lth.records import store
from lth.running.worker import finish
from lth.studies.catalogue import STUDIES
from lth.studies.deviations import control, deviate, rules
from lth.training import EngineFactory, Moments, Trained, train

SIZES = (784, 30, 20, 10)
SMALL = replace(TINY, name="protocol", model="fc-30-20", iterations=20, pruning=Pruning(linear=0.4, output=0.2))
EPOCH = 10  # batches of 20 in the 200 training images


@contextlib.contextmanager
def small_world(folder: Path, files: dict[str, bytes]) -> Iterator[None]:
    """Here "mnist" means the tiny files in the data folder `folder`, and no write is flushed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LTH_DATA", str(folder))
        patch.setattr(os, "fsync", lambda _: None)
        patch.setitem(catalogue.DATA_SETS, "mnist", catalogue.MNIST)
        patch.setitem(STUDIES, "tiny", tiny_study.STUDY)
        catalogue.MNIST.path.mkdir(parents=True)
        for name, content in files.items():
            (catalogue.MNIST.path / name).write_bytes(content)
        tiny_study.install()
        yield


@dataclass(frozen=True)
class Seen:
    """One run of a pipeline: its job, its images, Adam's state before the first step, the weights after each step."""

    job: Job
    data: TrialData
    began: Moments
    trail: list[Weights]  # the starting weights first
    trained: Trained

    @property
    def place(self) -> tuple[str, int]:
        return self.job.run.arm, self.job.run.level


class Watched:
    """An engine that takes its steps one by one and keeps the weights after each."""

    def __init__(self, factory: EngineFactory, *arguments):
        self.stack = factory(*arguments)
        self.began, self.trail = self.stack.moments(0), [self.stack.weights(0)]

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        losses = []
        for step in range(indices.shape[1]):
            losses.append(self.stack.advance(indices[:, step : step + 1], iteration + step))
            self.trail.append(self.stack.weights(0))
        return np.mean(losses, axis=0)

    def __getattr__(self, name: str) -> Callable:
        return getattr(self.stack, name)


class Hooked(Watched):
    """An engine that gives its weights as torch.nn.utils.prune has them: as they were in the last forward pass.

    A step ends with an update, after its forward pass; measuring is a forward pass as well.
    """

    def __init__(self, factory: EngineFactory, *arguments):
        super().__init__(factory, *arguments)
        self.seen = self.trail[0]

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        losses = super().advance(indices, iteration)
        self.seen = self.trail[-2]
        return losses

    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        self.seen = self.trail[-1]
        return self.stack.evaluate(part)

    def weights(self, replica: int) -> Weights:
        return self.seen


def watch(job: Job, engine: type[Watched] = Watched, past: int = 0) -> Seen:
    """Train one job on one core, so many steps past its length."""
    run, engines = job.run, []
    trial = loading.load(run.recipe, run.split())
    factory = choose(run.recipe, density(job.masks), run.engine)[1]
    recipe = replace(run.recipe, iterations=run.recipe.iterations + past)
    trained = train(recipe, [trial], [job.start()], lambda *a: engines.append(engine(factory, *a)) or engines[0])
    return Seen(job, trial, engines[0].began, engines[0].trail, trained[0])


def pipeline(
    recipe: Recipe,
    draws: dict[str, int],
    sittings: tuple[int, ...] = (2,),
    engine: str = "stacked",
    watch: Callable[[Job], Seen] = watch,
):
    """Every run of trial 0 as {(arm, level): Seen}; `sittings` says to which level each process came before it ended.

    As in lth.running.queue, a chain goes on from what is kept on disk, also in a later process. `watch` trains a job.
    """
    seen = {}
    for levels in sittings:
        chain = Chain(recipe, 0, levels, draws, engine=engine, rules=rules(recipe))
        for head in chain.heads():
            dense = before = None
            for level in range(levels + 1):
                jobs = next_level(chain, head, level, dense, before)
                for job in jobs:
                    if job.run.key not in store.keys():
                        watched = watch(job)
                        seen[watched.place] = watched
                        store.write(finish(job, watched.trained, "MNIST", engine, "cpu", ""))
                kept = store.read(jobs[0].run.key)
                before = Left(kept.weights, kept.rewound, kept.masks, kept.moments)
                dense = dense or before
    return seen


def deviating(*deviations: str, sittings: tuple[int, ...] = (1, 2), engine: str = "stacked", **changes):
    """The pipeline of SMALL with these deviations: tickets and the control that belongs to them, interrupted once."""
    recipe = deviate(replace(SMALL, **changes), "protocol", *deviations)
    return pipeline(recipe, {"ticket": 1, control(*deviations): 1}, sittings, engine)

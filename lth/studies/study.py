"""Grids of runs: what a study consists of, what of it is missing, and how to get its records."""

import sys
from dataclasses import dataclass

import torch

from lth import lottery, records
from lth.arms import ARMS
from lth.datasets import catalogue, loading
from lth.datasets.catalogue import DataSet
from lth.engines import choose
from lth.errors import LthError
from lth.lottery import Chain
from lth.models import skeleton
from lth.pruning import ladder
from lth.recipes import Recipe
from lth.records import Records, store
from lth.runs import Run, stream


@dataclass(frozen=True)
class Grid:
    """Trials 0, 1, … of some arms; `draws` says how often each arm is drawn in a trial.

    It holds for the study's recipes of these names, or for all of them where none is named.
    """

    draws: dict[str, int]
    trials: int
    recipes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """A named grid of runs with one recipe or several; levels 0 to `levels`."""

    name: str
    recipes: tuple[Recipe, ...]
    grids: tuple[Grid, ...]
    levels: int
    root_seed: int = 0
    engine: str = "auto"

    @property
    def trials(self) -> int:
        """How many trials the largest grid has."""
        return max(grid.trials for grid in self.grids)

    def chains(self) -> list[Chain]:
        """One chain for every recipe and trial."""
        return [
            Chain(recipe, trial, self.levels, self._draws(trial, recipe), self.root_seed, self.engine)
            for trial in range(self.trials)
            for recipe in self.recipes
        ]

    def runs(self) -> list[Run]:
        """Every run of the study."""
        return [run for chain in self.chains() for run in chain.runs()]

    def published(self) -> list[Run]:
        """The runs whose records are published."""
        there = set(records.load_or_empty(self.name).runs["key"])
        return [run for run in self.runs() if run.key in there]

    def missing(self) -> list[Run]:
        """The runs that are neither published nor kept."""
        done = set(records.load_or_empty(self.name).runs["key"]) | store.keys()
        return [run for run in self.runs() if run.key not in done]

    def check(self, device: str = "cpu") -> None:
        """LthError where the engine does not fit, the ladder is too deep or the data set cannot be read."""
        for recipe in self.recipes:
            arms = {arm for trial in range(self.trials) for arm in self._draws(trial, recipe)}
            lottery.check(recipe, arms, self.levels)
            choose(recipe, 1.0, self.engine, device)
            check_fits(recipe, catalogue.find(recipe.dataset))
            loading.load(recipe, stream(self.root_seed, 0, "split"))
        self.check_levels()

    def check_levels(self) -> None:
        """LthError where a recipe's network cannot be pruned so many times."""
        for recipe in self.recipes:
            ladder(skeleton(recipe), recipe.pruning, self.levels)

    def run(self, **options) -> Records:
        """Train what is missing (options: see lth.running.queue.run) and return the records of all its runs."""
        for problem in store.verify(run.key for run in self.runs()):
            print(problem, file=sys.stderr)
        if self.missing():
            from lth.running import queue  # Dask and Rich are needed only where something is trained

            queue.run(self, **options)
        return records.collect(self.name, self.runs())

    def _draws(self, trial: int, recipe: Recipe) -> dict[str, int]:
        grids = [g for g in self.grids if trial < g.trials and (not g.recipes or recipe.name in g.recipes)]
        return {arm: max(g.draws.get(arm, 0) for g in grids) for arm in ARMS if any(arm in g.draws for g in grids)}


def check_fits(recipe: Recipe, data_set: DataSet) -> None:
    """LthError where the recipe's network cannot take the images of its data set."""
    try:
        skeleton(recipe)(torch.empty(2, *data_set.shape, device="meta"))
    except RuntimeError as error:
        channels, height, width = data_set.shape
        raise LthError(
            f"the network {recipe.model!r} cannot take {data_set.label}'s images of {channels}x{height}x{width} "
            f"(channels, height, width): lenet is for mnist and fashion-mnist, the others are for cifar10"
        ) from error

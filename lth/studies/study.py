"""Grids of runs: what a study consists of. Nothing here looks at the disk; `Study.run` hands over to lth.running."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lth.arms import ARMS
from lth.errors import LthError, check_name, check_whole
from lth.lottery import Chain, Draws
from lth.recipes import Recipe
from lth.runs import Run
from lth.studies.deviations import rules
from lth.studies.sources import identified

if TYPE_CHECKING:
    from lth.records import Records


@dataclass(frozen=True)
class Grid:
    """Trials 0, 1, … of some arms.

    Arguments:
        draws: how often each arm is drawn in a trial; a mapping, kept as pairs.
        trials: how many trials.
        recipes: the names of the study's recipes that it holds for; all of them where none is named.
    """

    draws: Draws
    trials: int
    recipes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.draws, Mapping):
            object.__setattr__(self, "draws", tuple(self.draws.items()))

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that are drawn."""
        return tuple(dict(self.draws))

    def holds_for(self, recipe: Recipe, trial: int) -> bool:
        """Whether this trial of this recipe is part of the grid."""
        return trial < self.trials and (not self.recipes or recipe.name in self.recipes)


@dataclass(frozen=True)
class Study:
    """A named grid of runs with one recipe or several; levels 0 to `levels`.

    controls_from: the level from which controls of the ticket are trained; 1 where no second dense network is wanted.
    dense: pairs of names (recipe, other), for recipes that share the dense network of another one.
    """

    name: str
    recipes: tuple[Recipe, ...]
    grids: tuple[Grid, ...]
    levels: int
    root_seed: int = 0
    engine: str = "auto"
    controls_from: int = 0
    dense: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        check_name("the name of a study", self.name)
        check_whole("levels", self.levels)
        check_whole("root seed", self.root_seed)
        object.__setattr__(self, "recipes", tuple(map(identified, self.recipes)))

    @property
    def trials(self) -> int:
        """How many trials the largest grid has."""
        return max(grid.trials for grid in self.grids)

    def chains(self) -> list[Chain]:
        """One chain for every recipe and trial."""
        return [self._chain(trial, recipe) for trial in range(self.trials) for recipe in self.recipes]

    @cached_property
    def counts(self) -> dict[tuple[Recipe, int], int]:
        """How many runs there are of each recipe and level, said from the grids without making a run."""
        counts: dict[tuple[Recipe, int], int] = {}
        for trial in range(self.trials):
            for recipe in self.recipes:
                chain = self._chain(trial, recipe)
                for arm, draws in dict(chain.draws).items():
                    for level in range(chain.first_level(arm), self.levels + 1):
                        counts[recipe, level] = counts.get((recipe, level), 0) + draws
        return counts

    def run_of(self, spec: Mapping[str, Any]) -> Run | None:
        """The run of this study that has this specification (as a record has it), or None where none has."""
        try:
            recipe = next(each for each in self.recipes if each.name == spec["recipe"]["name"])
            arm, draw, level, trial = (spec[name] for name in ("arm", "draw", "level", "trial"))
            chain = self._chain(trial, recipe)
            planned = trial < self.trials and draw < dict(chain.draws).get(arm, 0)
            if not planned or not chain.first_level(arm) <= level <= self.levels:
                return None
            run = Run(recipe, arm, trial, draw, level, self.root_seed, self.engine)
        except (LthError, StopIteration, KeyError, TypeError):  # of another study
            return None
        return run if json.loads(run.spec) == spec else None

    def runs(self) -> list[Run]:
        """Every run of the study."""
        return [run for chain in self.chains() for run in chain.runs()]

    def run(self, **options: Any) -> Records:
        """Train what is missing and return the records of all its runs (options: see lth.running.complete.train)."""
        from lth.running import complete  # Dask and Rich are needed only where something is trained

        return complete.run(self, **options)

    def _chain(self, trial: int, recipe: Recipe) -> Chain:
        """The chain of one recipe and trial."""
        shared = dict(self.dense).get(recipe.name)
        return Chain(
            recipe,
            trial,
            self.levels,
            self._draws(trial, recipe),
            root_seed=self.root_seed,
            engine=self.engine,
            rules=rules(recipe),
            controls_from=self.controls_from,
            dense=next((other for other in self.recipes if other.name == shared), None),
        )

    def _draws(self, trial: int, recipe: Recipe) -> tuple[tuple[str, int], ...]:
        """How often each arm is drawn in a trial: as often as in the grid that draws it most."""
        held = [dict(grid.draws) for grid in self.grids if grid.holds_for(recipe, trial)]
        return tuple((arm, max(draws.get(arm, 0) for draws in held)) for arm in ARMS if any(arm in d for d in held))

"""Studies: named grids of runs, and how to get their records."""

import sys
from dataclasses import dataclass, replace

from lth import data, records, store
from lth.engines import choose
from lth.errors import LthError, check_choice, check_positive
from lth.lottery import Chain
from lth.models import skeleton
from lth.pruning import ladder
from lth.recipes import RECIPES, Pruning, Recipe
from lth.records import Records
from lth.runs import ARMS, Run, stream


@dataclass(frozen=True)
class Grid:
    """Trials 0, 1, … of some arms; `draws` says how often each arm is drawn in a trial."""

    draws: dict[str, int]
    trials: int


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
            Chain(recipe, trial, self.levels, self._draws(trial), self.root_seed, self.engine)
            for trial in range(self.trials)
            for recipe in self.recipes
        ]

    def runs(self) -> list[Run]:
        """Every run of the study."""
        return [run for chain in self.chains() for run in chain.runs()]

    def missing(self) -> list[Run]:
        """The runs that are neither published nor kept."""
        done = set(records.load_or_empty(self.name).runs["key"]) | store.keys()
        return [run for run in self.runs() if run.key not in done]

    def check(self, device: str = "cpu") -> None:
        """LthError where the engine does not fit, the ladder is too deep or the data set cannot be read."""
        for recipe in self.recipes:
            choose(recipe, 1.0, self.engine, device)
            ladder(skeleton(recipe), recipe.pruning, self.levels)
            data.load(recipe, stream(self.root_seed, 0, "split"))

    def run(self, **options) -> Records:
        """Train what is missing (options: see lth.runner.run) and return the records of all of the study's runs."""
        for problem in store.verify(run.key for run in self.runs()):
            print(problem, file=sys.stderr)
        if self.missing():
            from lth import runner  # Dask and Rich are needed only where something is trained

            runner.run(self, **options)
        return records.collect(self.name, self.runs())

    def _draws(self, trial: int) -> dict[str, int]:
        grids = [grid for grid in self.grids if trial < grid.trials]
        return {arm: max(g.draws.get(arm, 0) for g in grids) for arm in ARMS if any(arm in g.draws for g in grids)}


def cost(run: Run) -> float:
    """Roughly what a run costs, in dense iterations: below a third, the cost falls with the density."""
    rung = ladder(skeleton(run.recipe), run.recipe.pruning, run.level)
    density = sum(rung[-1].values()) / sum(rung[0].values())
    return run.recipe.iterations * min(1.0, 0.1 + 2.7 * density)


LENET = RECIPES["lenet"]
STUDIES = {
    study.name: study
    for study in (
        # The replication itself, at the paper's length; trials are added as they are finished.
        Study("lenet", (LENET,), (Grid({"ticket": 1, "reinit": 1}, 3),), 25),
        # A few coarse levels, trained live in a minute: enough to see a ticket beat its reinitialisation.
        Study(
            "quickstart",
            (replace(LENET, name="lenet-coarse", iterations=3000, pruning=Pruning(linear=0.5, output=0.25)),),
            (Grid({"ticket": 1, "reinit": 1}, 1),),
            4,
        ),
    )
}


def parse_arms(arms: str) -> dict[str, int]:
    """Draws of each arm from text such as "ticket,reinit:3" (three draws of reinit in every trial)."""
    draws = {}
    for item in arms.split(","):
        arm, _, count = item.strip().partition(":")
        check_choice("arm", arm, ARMS)
        if count and not (count.isdigit() and int(count)):
            raise LthError(f"the draws of {arm} must be a whole number of at least 1, not {count!r}: write {arm}:3")
        draws[arm] = int(count or 1)
    return draws


def study(
    name: str,
    trials: int | None = None,
    levels: int | None = None,
    iterations: int | None = None,
    arms: str | None = None,
    rewind: int | None = None,
    engine: str | None = None,
) -> Study:
    """The study of that name, changed where an argument is given.

    `arms` is text such as "ticket,reinit:3"; `levels` counts pruning rounds, so levels 0 to `levels` are trained;
    `trials` sets the size of the largest grid and limits the others. Raises LthError for unknown names and bad values.
    """
    check_choice("study", name, STUDIES)
    chosen = STUDIES[name]
    for what, value in (("trials", trials), ("levels", levels), ("iterations", iterations)):
        if value is not None:
            check_positive(what, value)
    if arms is not None:
        chosen = replace(chosen, grids=(Grid(parse_arms(arms), chosen.trials),))
    if trials is not None:
        grids = [
            replace(g, trials=trials if g.trials == chosen.trials else min(g.trials, trials)) for g in chosen.grids
        ]
        chosen = replace(chosen, grids=tuple(grids))
    changes = {what: value for what, value in (("iterations", iterations), ("rewind", rewind)) if value is not None}
    recipes = tuple(replace(recipe, **changes) for recipe in chosen.recipes)
    return replace(chosen, recipes=recipes, levels=levels or chosen.levels, engine=engine or chosen.engine)

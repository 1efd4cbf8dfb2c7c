"""How long runs may take, judged by those that are published."""

from collections.abc import Iterable
from functools import lru_cache

from lth.engines.cost import cost, cost_at
from lth.models import FullyConnected, skeleton
from lth.recipes import Recipe
from lth.records import glance
from lth.runs import Run
from lth.studies.catalogue import STUDIES

YARDSTICK = "lenet"  # the study that tells what other fully connected networks take


def seconds(runs: Iterable[Run], study: str) -> float | None:
    """Roughly how long it takes to train runs of a study, one after the other.

    Judged by the study's own published runs, or where there are none by those of YARDSTICK; None for other networks.
    """
    runs = tuple(runs)
    rate = _rate(study)
    if rate is None and all(isinstance(skeleton(recipe), FullyConnected) for recipe in {run.recipe for run in runs}):
        rate = _rate(YARDSTICK)
    return None if rate is None else rate * sum(cost(run) * _size(run.recipe) for run in runs)


@lru_cache(maxsize=8)
def _rate(name: str) -> float | None:
    """Seconds an iteration of a dense network takes for each of its parameters; None where nothing is published."""
    spent = whole = 0.0
    for took, spec in glance.runs(name).values() if name in STUDIES else ():
        if run := STUDIES[name].run_of(spec):
            spent += took
            whole += cost_at(run.recipe, run.level) * _size(run.recipe)
    return spent / whole if whole else None


@lru_cache(maxsize=256)
def _size(recipe: Recipe) -> int:
    """The parameters of the dense network."""
    return sum(parameter.numel() for parameter in skeleton(recipe).parameters())

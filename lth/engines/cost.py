"""What a run costs, for progress bars and for what is left of a study."""

from functools import lru_cache
from itertools import islice

import numpy as np

from lth.models import FullyConnected, skeleton
from lth.pruning import rungs
from lth.recipes import Recipe
from lth.runs import Run

# Of LeNet's step at these densities, over that of the dense network: measured, see the chapter "What a ticket costs".
DENSITIES = (0.0, 0.01, 0.07, 0.21, 0.51, 1.0)
RELATIVE = (0.02, 0.03, 0.11, 0.24, 0.50, 1.0)


def cost(run: Run) -> float:
    """Roughly what a run costs, in iterations of the dense network: that of fully connected nets follows density."""
    return cost_at(run.recipe, run.level)


@lru_cache(maxsize=10_000)
def cost_at(recipe: Recipe, level: int) -> float:
    """Likewise, of any run of that recipe and level."""
    densities = _densities(recipe, 100 * (level // 100 + 1))
    relative = 1.0 if densities is None else float(np.interp(densities[level], DENSITIES, RELATIVE))
    return recipe.iterations * relative


@lru_cache(maxsize=256)
def _densities(recipe: Recipe, levels: int) -> tuple[float, ...] | None:
    """The density at each of so many levels; None for networks whose cost does not follow it."""
    net = skeleton(recipe)
    if not isinstance(net, FullyConnected) or recipe.pruning.frozen or recipe.optimizer.name != "adam":
        return None
    left = [sum(rung.values()) for rung in islice(rungs(net, recipe.pruning), levels)]
    return tuple(remaining / left[0] for remaining in left)

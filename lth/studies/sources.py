"""What is not the library's, identified in a run's key: networks, criteria and data of one's own."""

from collections.abc import Callable
from dataclasses import replace

from lth.criteria import CRITERIA
from lth.datasets import loading
from lth.datasets.tensors import Data
from lth.names import source_of
from lth.recipes import Recipe


def identified(recipe: Recipe) -> Recipe:
    """The recipe as a study has it: with the shape and classes of its data, and hashes of what is not the library's."""
    recipe = loading.shaped(recipe)
    if recipe.masks_from:
        recipe = replace(recipe, masks_from=identified(recipe.masks_from))
    if callable(recipe.dataset):
        recipe = _with(recipe, data=loading.own(recipe.dataset).sha256)
    return with_sources(recipe)


def with_sources(recipe: Recipe) -> Recipe:
    """The recipe with hashes of a network and a criterion that are not the library's."""
    if callable(recipe.model):
        recipe = _with(recipe, network=source_of(recipe.model))
    criterion = recipe.pruning.criterion
    score = CRITERIA.get(criterion) if isinstance(criterion, str) else criterion
    if score is not None and not _of_the_library(score):
        recipe = _with(recipe, criterion=source_of(score))
    return recipe


def on(recipe: Recipe, data: Data) -> Recipe:
    """The recipe on tensors at hand; floats are taken as they are."""
    preprocessing = recipe.preprocessing if recipe.preprocessing in data.preprocessings else data.preprocessings[0]
    changed = replace(
        recipe, dataset=data.name, preprocessing=preprocessing, shape=data.shape, classes=data.classes, copy=""
    )
    return _with(changed, data=data.sha256)


def _with(recipe: Recipe, **hashes: str) -> Recipe:
    return replace(recipe, sources=tuple(sorted((dict(recipe.sources) | hashes).items())))


def _of_the_library(thing: Callable) -> bool:
    return getattr(thing, "__module__", "").split(".")[0] == "lth"

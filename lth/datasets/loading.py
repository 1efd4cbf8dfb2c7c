"""A recipe's data: its data set, preprocessed, with a trial's split."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch

from lth.data import Images, TrialData, preprocess, split
from lth.datasets import catalogue, reading
from lth.datasets.corruption import corrupted, cut
from lth.datasets.tensors import Data, prepared
from lth.errors import LthError, check_choice
from lth.paths import datasets_dir
from lth.recipes import Recipe

DATA_SETS_IN_MEMORY = 3  # a process seldom trains on more


def load(recipe: Recipe, generator: torch.Generator) -> TrialData:
    """The recipe's data set, preprocessed, with a random split drawn from `generator` (on the CPU).

    [FC] appendices G and H: 55,000/5,000 images of MNIST and 45,000/5,000 of CIFAR-10 train and validate; the test set
    stays whole. Raises LthError where the data set is missing or corrupt or too small for the recipe.
    """
    if callable(recipe.dataset):
        if recipe.corruption:
            raise LthError(f"{recipe.corruption} is for data sets with a name only: corrupt what your function makes")
        data = own(recipe.dataset)
        if dict(recipe.sources).get("data", data.sha256) != data.sha256:
            raise LthError(
                f"{data.name} is not what the study was made for (its SHA-256 differs): start the study anew"
            )
        return split(data.name, *prepared(data, recipe.preprocessing), recipe, generator)
    data_set = catalogue.find(recipe.dataset)
    check_choice(f"preprocessing of {data_set.label}", recipe.preprocessing, ("l2", "unit", "standard"))
    name, images, test = _prepared(data_set, recipe.copy, recipe.preprocessing, datasets_dir(), recipe.corruption)
    return cut(split(name, images, test, recipe, generator), recipe.corruption)


def as_found(recipe: Recipe) -> Recipe:
    """The recipe on what is in the data folder: on the image copy of its data set where there is no original."""
    if recipe.masks_from:
        recipe = replace(recipe, masks_from=as_found(recipe.masks_from))
    if callable(recipe.dataset):
        return recipe
    return replace(recipe, copy=reading.copy_label(catalogue.find(recipe.dataset)))


def shaped(recipe: Recipe) -> Recipe:
    """The recipe with the shape of an image and the number of classes that its data set has."""
    if callable(recipe.dataset):
        data = own(recipe.dataset)
        return replace(recipe, shape=data.shape, classes=data.classes)
    data_set = catalogue.find(recipe.dataset)
    return replace(recipe, shape=data_set.shape, classes=len(data_set.classes))


@lru_cache(maxsize=DATA_SETS_IN_MEMORY)
def own(make: Callable[[], Data]) -> Data:
    """What one's own function makes, once in a process; LthError where it fails or makes no Data."""
    try:
        data = make()
    except LthError:
        raise
    except Exception as error:  # whatever another's code raises
        raise LthError(f"the data could not be made: {type(error).__name__}: {error}") from error
    if not isinstance(data, Data):
        raise LthError(f"a data set must be an lth.Data, not {type(data).__name__}: give a function that makes one")
    return data


@lru_cache(maxsize=DATA_SETS_IN_MEMORY)
def _prepared(
    data_set: catalogue.DataSet, copy: str, preprocessing: str, folder: Path, corruption: str
) -> tuple[str, Images, Images]:
    """The label, the training images and the test images, shared by all trials of a process.

    Where they are read from depends on the data folder, `folder`: another one is another entry of the cache.
    """
    raw = reading.read(data_set, copy)
    train, test = (
        Images(*part, *preprocess(part[0], preprocessing, data_set.mean, data_set.std))
        for part in (raw.train, raw.test)
    )
    return raw.label, corrupted(train, corruption), test

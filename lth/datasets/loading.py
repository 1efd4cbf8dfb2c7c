"""A recipe's data: its data set, preprocessed, with a trial's split."""

import functools
from dataclasses import replace
from pathlib import Path

import torch

from lth.data import Images, TrialData, preprocess
from lth.datasets import catalogue, reading
from lth.errors import LthError, check_choice
from lth.paths import datasets_dir
from lth.recipes import PREPROCESSINGS, Recipe


def load(recipe: Recipe, generator: torch.Generator) -> TrialData:
    """The recipe's data set, preprocessed, with a random split drawn from `generator` (on the CPU).

    [FC] appendices G and H: 55,000/5,000 images of MNIST and 45,000/5,000 of CIFAR-10 train and validate; the test set
    stays whole. Raises LthError where the data set is missing or corrupt or too small for the recipe.
    """
    check_choice("preprocessing", recipe.preprocessing, PREPROCESSINGS)
    name, images, test = _prepared(catalogue.find(recipe.dataset), recipe.copy, recipe.preprocessing, datasets_dir())
    if recipe.validation_size >= len(images):
        raise LthError(f"validation size must be below the {len(images)} training images, not {recipe.validation_size}")
    order = torch.randperm(len(images), generator=generator)
    validation, train = order[: recipe.validation_size], order[recipe.validation_size :]
    return TrialData(name, images, test, train, validation, train[: recipe.train_eval_size])


def as_found(recipe: Recipe) -> Recipe:
    """The recipe on what is in the data folder: on the image copy of its data set where there is no original."""
    return replace(recipe, copy=reading.copy_label(catalogue.find(recipe.dataset)))


@functools.cache
def _raw(data_set: catalogue.DataSet, copy: str, folder: Path) -> reading.Raw:
    """The data set, read and verified once per process; `folder` tells apart what LTH_DATA points to."""
    return reading.read(data_set, copy)


@functools.cache
def _prepared(data_set: catalogue.DataSet, copy: str, preprocessing: str, folder: Path) -> tuple[str, Images, Images]:
    """The label, the training images and the test images, shared by all trials of a process."""
    raw = _raw(data_set, copy, folder)
    train, test = (Images(*part, *preprocess(part[0], preprocessing, data_set)) for part in (raw.train, raw.test))
    return raw.label, train, test

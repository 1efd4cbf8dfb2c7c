"""Images as tensors with a recipe's preprocessing, and a trial's split into training and validation images."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from lth import datasets
from lth.errors import LthError, check_choice
from lth.paths import datasets_dir
from lth.recipes import PREPROCESSINGS, Recipe


@dataclass(frozen=True)
class Images:
    """Images kept as bytes, and the scale and shift that make floats of them on the way into a network."""

    pixels: torch.Tensor  # uint8 (n, channels, height, width)
    labels: torch.Tensor  # int64 (n,)
    scale: torch.Tensor  # float32 (n or 1, channels or 1, 1, 1)
    shift: torch.Tensor  # float32 (1, channels, 1, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def floats(self, index: torch.Tensor | slice) -> torch.Tensor:
        """The images at `index` as the recipe wants them: float32 (k, channels, height, width)."""
        return self.as_floats(self.pixels[index], index)

    def as_floats(self, pixels: torch.Tensor, index: torch.Tensor | slice) -> torch.Tensor:
        """`pixels`, which augmentation made of those at `index`, as the recipe wants them."""
        scale = self.scale if len(self.scale) == 1 else self.scale[index]
        return pixels * scale + self.shift


@dataclass(frozen=True)
class TrialData:
    """What one trial trains, validates and tests on; the images are shared between trials, the split is its own."""

    name: str  # the data set's label; that of a copy says so
    images: Images  # all training images
    test: Images
    train: torch.Tensor  # int64 indices into `images`
    validation: torch.Tensor  # likewise, disjoint from `train`
    subset: torch.Tensor  # the part of `train` on which training accuracy is measured


def load(recipe: Recipe, generator: torch.Generator) -> TrialData:
    """The recipe's data set, preprocessed, with a random split drawn from `generator` (on the CPU).

    [FC] appendices G and H: 55,000/5,000 images of MNIST and 45,000/5,000 of CIFAR-10 train and validate; the test set
    stays whole. Raises LthError where the data set is missing or corrupt or too small for the recipe.
    """
    check_choice("preprocessing", recipe.preprocessing, PREPROCESSINGS)
    name, images, test = _prepared(datasets.find(recipe.dataset), recipe.copy, recipe.preprocessing, datasets_dir())
    if recipe.validation_size >= len(images):
        raise LthError(f"validation size must be below the {len(images)} training images, not {recipe.validation_size}")
    order = torch.randperm(len(images), generator=generator)
    validation, train = order[: recipe.validation_size], order[recipe.validation_size :]
    return TrialData(name, images, test, train, validation, train[: recipe.train_eval_size])


def as_found(recipe: Recipe) -> Recipe:
    """The recipe on what is in the data folder: on the image copy of its data set where there is no original."""
    return replace(recipe, copy=datasets.copy_label(datasets.find(recipe.dataset)))


def preprocess(
    pixels: torch.Tensor, preprocessing: str, data_set: datasets.DataSet
) -> tuple[torch.Tensor, torch.Tensor]:
    """(scale, shift) such that `pixels * scale + shift` is the preprocessed image.

    "l2" divides each image by its L2 norm, as the first author of [FC] did in his released code; "unit" maps bytes to
    [0, 1]; "standard" subtracts the data set's mean and divides by its standard deviation, per channel.
    """
    channels = pixels.shape[1]
    none = torch.zeros(1, channels, 1, 1)
    if preprocessing == "l2":
        # Sums of squared bytes are exact in float64, so the norms do not depend on the order of summation.
        squares = [part.double().square().sum(1) for part in pixels.flatten(1).split(10_000)]
        norms = torch.cat(squares).sqrt().clamp(min=1.0)  # a black image stays black
        return (1 / norms).float().reshape(-1, 1, 1, 1), none
    if preprocessing == "unit":
        return torch.full((1, 1, 1, 1), 1 / 255), none
    mean, std = (torch.tensor(values).double().reshape(1, -1, 1, 1) for values in (data_set.mean, data_set.std))
    return (1 / (255 * std)).float(), (-mean / std).float()


@functools.cache
def _raw(data_set: datasets.DataSet, copy: str, folder: Path) -> datasets.Raw:
    """The data set, read and verified once per process; `folder` tells apart what LTH_DATA points to."""
    return datasets.read(data_set, copy)


@functools.cache
def _prepared(data_set: datasets.DataSet, copy: str, preprocessing: str, folder: Path) -> tuple[str, Images, Images]:
    """The label, the training images and the test images, shared by all trials of a process."""
    raw = _raw(data_set, copy, folder)
    train, test = (Images(*part, *preprocess(part[0], preprocessing, data_set)) for part in (raw.train, raw.test))
    return raw.label, train, test

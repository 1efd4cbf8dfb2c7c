"""Images as tensors, one's own among them, with a recipe's preprocessing, a trial's split, and augmentation."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch.nn import functional as F

from lth.errors import LthError, check_choice
from lth.recipes import PREPROCESSINGS, Recipe

Labelled = tuple[torch.Tensor, torch.Tensor]  # images (n, …), labels int64 (n,)


@dataclass(frozen=True)
class Data:
    """One's own data set, as tensors.

    Arguments:
        train: images uint8 (n, channels, height, width), which a recipe's preprocessing turns into floats; or floats
            (n, …) of any shape, which are taken as they are (with the preprocessing "none"). Labels int64 (n,), from 0.
            A recipe's validation images are taken from these.
        test: likewise.
        name: its label in figures and records.

    Raises LthError where tensors do not have these types and shapes, or where labels do not fit.
    """

    train: Labelled
    test: Labelled
    name: str = "own data"

    def __post_init__(self) -> None:
        for part, pair in (("train", self.train), ("test", self.test)):
            if len(pair) != 2 or not all(isinstance(tensor, torch.Tensor) for tensor in pair):
                raise LthError(f"{part} must be a pair of tensors, images and labels, not {_types(pair)}")
            images, labels = pair
            if images.dtype not in (torch.uint8, torch.float32):
                raise LthError(f"{part} images must be uint8 or float32, not {images.dtype}: convert them")
            if images.dtype == torch.uint8 and images.dim() != 4:
                raise LthError(
                    f"{part} images of uint8 must have the shape (n, channels, height, width), "
                    f"not {tuple(images.shape)}: reshape them, or give floats"
                )
            if images.is_floating_point() and not images.isfinite().all():
                raise LthError(f"{part} images hold NaN or infinite values: clean them first")
            if labels.dtype != torch.int64 or labels.shape != images.shape[:1] or not len(labels):
                raise LthError(
                    f"{part} labels must be int64, one for each of the {len(images)} images, "
                    f"not {labels.dtype} of shape {tuple(labels.shape)}"
                )
            if labels.min() < 0 or labels.max() >= self.classes:
                raise LthError(
                    f"{part} labels must lie between 0 and {self.classes - 1}, the classes of the training images, "
                    f"not at {int(labels.min())} to {int(labels.max())}"
                )
        if self.train[0].shape[1:] != self.test[0].shape[1:] or self.train[0].dtype != self.test[0].dtype:
            raise LthError(
                f"training and test images must be alike, not {self.train[0].dtype} {tuple(self.train[0].shape[1:])} "
                f"and {self.test[0].dtype} {tuple(self.test[0].shape[1:])}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one image."""
        return tuple(self.train[0].shape[1:])

    @property
    def classes(self) -> int:
        """How many classes the training images have."""
        return int(self.train[1].max()) + 1

    @property
    def preprocessings(self) -> tuple[str, ...]:
        """What a recipe can do with these images: floats are taken as they are."""
        return ("none",) if self.train[0].is_floating_point() else PREPROCESSINGS[:-1]

    @cached_property
    def sha256(self) -> str:
        """A hash of all images and labels: what identifies them in a run's key."""
        total = hashlib.sha256()
        for tensor in (*self.train, *self.test):
            total.update(f"{tensor.dtype} {tuple(tensor.shape)} ".encode() + tensor.contiguous().numpy().tobytes())
        return total.hexdigest()


def _types(pair: object) -> str:
    return ", ".join(type(item).__name__ for item in pair) if isinstance(pair, Sequence) else type(pair).__name__


@dataclass(frozen=True)
class Images:
    """Images as they are stored, and the scale and shift that make a network's inputs of them."""

    pixels: torch.Tensor  # uint8 (n, channels, height, width), or float32 (n, …)
    labels: torch.Tensor  # int64 (n,)
    scale: torch.Tensor  # float32 (n or 1, channels or 1, 1, 1), or one 1 for each dimension
    shift: torch.Tensor  # float32 (1, channels, 1, 1), likewise

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


def split(name: str, images: Images, test: Images, recipe: Recipe, generator: torch.Generator) -> TrialData:
    """A trial's data: a random split of the training images, drawn from `generator` (on the CPU).

    LthError where the recipe wants more validation images, or a larger batch, than there are images.
    """
    most = len(images) - recipe.batch_size
    if recipe.validation_size > most:
        raise LthError(
            f"validation size must leave a batch of {recipe.batch_size} of the {len(images)} training images, so be at "
            f"most {most}, not {recipe.validation_size}"
        )
    order = torch.randperm(len(images), generator=generator)
    validation, train = order[: recipe.validation_size], order[recipe.validation_size :]
    return TrialData(name, images, test, train, validation, train[: recipe.train_eval_size])


def prepared(data: Data, preprocessing: str) -> tuple[Images, Images]:
    """One's own training and test images, preprocessed; LthError where the preprocessing does not suit them."""
    check_choice(f"preprocessing of images of {data.train[0].dtype}", preprocessing, data.preprocessings)
    if preprocessing == "none":
        one, zero = torch.ones((1,) * data.train[0].dim()), torch.zeros((1,) * data.train[0].dim())
        return Images(*data.train, one, zero), Images(*data.test, one, zero)
    pixels = data.train[0].double() / 255
    moments = pixels.mean((0, 2, 3)).tolist(), pixels.std((0, 2, 3)).clamp(min=1e-6).tolist()
    train, test = (Images(*part, *preprocess(part[0], preprocessing, *moments)) for part in (data.train, data.test))
    return train, test


def preprocess(
    pixels: torch.Tensor, preprocessing: str, mean: Sequence[float], std: Sequence[float]
) -> tuple[torch.Tensor, torch.Tensor]:
    """(scale, shift) such that `pixels * scale + shift` is the preprocessed image; `pixels` uint8 (n, channels, …).

    "l2" divides each image by its L2 norm, as the first author of [FC] did in his released code; "unit" maps bytes to
    [0, 1]; "standard" subtracts the mean and divides by the standard deviation of each channel (of pixels in [0, 1]).
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
    means, stds = (torch.tensor(values).double().reshape(1, -1, 1, 1) for values in (mean, std))
    return (1 / (255 * stds)).float(), (-means / stds).float()


PAD = 4  # black pixels on each side, before cropping to the old size ([FC] appendix I)
SHIFTS = 2 * PAD + 1  # where a crop may begin, in each direction
KINDS = 2 * SHIFTS * SHIFTS  # ways to flip and crop an image


def draw(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Which of KINDS for each image, int64 of `shape`.

    Drawn one after the other, so that two calls give what one call for as many images gives.
    """
    return torch.randint(KINDS, shape, generator=generator)


def augment(x: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    """Images (n, channels, height, width) flipped and cropped as `kinds` (n,) says; any device, no synchronisation."""
    n, channels, height, width = x.shape
    wide = width + 2 * PAD
    kinds = kinds.view(n, 1)
    rows = kinds % (SHIFTS * SHIFTS) // SHIFTS + torch.arange(height, device=x.device)
    columns = kinds % SHIFTS + torch.arange(width, device=x.device)
    columns = torch.where(kinds >= SHIFTS * SHIFTS, wide - 1 - columns, columns)  # of the image that is not flipped
    places = (rows.unsqueeze(2) * wide + columns.unsqueeze(1)).view(n, 1, height * width)
    padded = F.pad(x, (PAD,) * 4).flatten(2)
    return padded.gather(2, places.expand(-1, channels, -1)).view(x.shape)

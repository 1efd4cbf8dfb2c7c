"""Data sets of one's own, as tensors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from lth.data import Images, preprocess
from lth.errors import LthError, check_choice, check_name
from lth.recipes import PREPROCESSINGS

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
        check_name("the name of data", self.name)
        for part, pair in (("train", self.train), ("test", self.test)):
            if (
                not isinstance(pair, tuple | list)
                or len(pair) != 2
                or not all(isinstance(tensor, torch.Tensor) for tensor in pair)
            ):
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

"""The rows of Table 1 as data: network, data set, preprocessing, optimizer, schedule and pruning rates.

Source: Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635), Figure 2 and appendices G to I.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from lth.errors import LthError, check_choice, check_name, check_positive, check_switch, check_whole

PREPROCESSINGS = ("l2", "unit", "standard", "none")
SCOPES = ("layer", "global")
CORRUPTIONS = ("", "shuffled-pixels", "random-labels", "tenth")  # of the training images (see lth.datasets.corruption)
CARRIED = (False, True, "moments", "steps", "shuffled")
LARGEST = 1e6  # standard deviation of initial weights: beyond it no sum of their products is a float32


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Optimizer:
    """How weights move: "adam", or "sgd" with momentum and weight decay."""

    name: str = "adam"
    learning_rate: float = 1.2e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    milestones: tuple[int, ...] = ()  # iterations at which the learning rate is divided by ten ([FC] appendix I)
    warmup: int = 0  # iterations over which the learning rate rises linearly from 0

    def __post_init__(self) -> None:
        check_choice("optimizer", self.name, ("adam", "sgd"))
        if not (_is_number(self.learning_rate) and 0 < self.learning_rate < math.inf):
            raise LthError(f"the learning rate must be a number above 0, not {self.learning_rate!r}")
        if not (_is_number(self.momentum) and 0 <= self.momentum < 1):
            raise LthError(f"momentum must be a number from 0 to below 1, not {self.momentum!r}")
        if not (_is_number(self.weight_decay) and 0 <= self.weight_decay < math.inf):
            raise LthError(f"weight decay must be a number of at least 0, not {self.weight_decay!r}")
        if not (isinstance(self.milestones, tuple) and all(type(m) is int for m in self.milestones)):
            raise LthError(f"milestones must be a tuple of iterations, not {self.milestones!r}")
        rising = all(a < b for a, b in zip((0, *self.milestones), self.milestones, strict=False))
        if not rising:
            raise LthError(f"milestones must be iterations above 0 in rising order, not {self.milestones}")
        check_whole("warmup", self.warmup)
        if self.milestones and self.warmup > self.milestones[0]:
            raise LthError(
                f"warmup must end by the first drop of the learning rate, at iteration {self.milestones[0]}, "
                f"not at {self.warmup}"
            )

    def learning_rate_at(self, iteration: int) -> float:
        """The learning rate of the step that follows `iteration` finished steps."""
        warming = min(1.0, (iteration + 1) / self.warmup) if self.warmup else 1.0
        return self.learning_rate * warming * 0.1 ** sum(iteration >= m for m in self.milestones)


@dataclass(frozen=True)
class Pruning:
    """What one level removes: the rate for each kind of layer, within each layer or over all of them at once.

    Rates are shares of the weights that are left, from 0 to below 1; a rate of 0 exempts that kind of layer. The
    defaults are LeNet's: 20 % of each layer, half that of the output layer ([FC] section 2 and Figure 2).
    """

    scope: str = "layer"
    criterion: str | Callable = "magnitude"  # a name of lth.criteria.CRITERIA, or a function like those
    convolution: float = 0.0  # rate of convolutions
    linear: float = 0.2  # rate of linear layers but the last
    output: float = 0.1  # rate of the last linear layer
    biases: bool = False  # prune each layer's biases as well, at the layer's rate (the 2020 code did)
    lag: int = 0  # score the weights of this many steps before the end
    inverted: bool = False  # remove the highest-scoring instead
    frozen: bool = False  # pruned weights stay at their start instead of 0 (Zhou et al., arXiv 1905.01067, section 3)

    def __post_init__(self) -> None:
        check_choice("pruning scope", self.scope, SCOPES)
        if not (isinstance(self.criterion, str) or callable(self.criterion)):
            raise LthError(f"a pruning criterion must be a name or a function, not {self.criterion!r}")
        for switch in ("biases", "inverted", "frozen"):
            check_switch(switch, getattr(self, switch))
        check_whole("pruning lag", self.lag)
        if self.biases and self.scope == "global":
            raise LthError("biases are pruned within their layer only: choose the pruning scope layer")
        for kind, rate in self.rates.items():
            if not (_is_number(rate) and 0 <= rate < 1):
                raise LthError(f"the pruning rate of {kind} layers must be from 0 to below 1, not {rate!r}")

    @property
    def rates(self) -> dict[str, float]:
        """The rate of each kind of layer."""
        return {"convolution": self.convolution, "linear": self.linear, "output": self.output}


@dataclass(frozen=True)
class Recipe:
    """One row of Table 1, or one's own: all that identifies how a network is trained and pruned."""

    name: str
    model: str | Callable  # a name that lth.models knows, such as "fc-500-200"; or what makes an nn.Module
    dataset: str | Callable  # a name of lth.datasets; or what makes an lth.Data
    preprocessing: str
    optimizer: Optimizer
    pruning: Pruning
    batch_size: int
    iterations: int
    rewind: int = 0  # k: tickets restart from the dense run's weights after step k
    validation_size: int = 5000
    augment: bool = False  # random flips and 4-pixel pad-and-crop
    eval_every: int = 100
    train_eval_every: int = 1000
    train_eval_size: int = 10_000
    # The label of the image copy that stands in for the data set. It is part of a run's key, but not of what tells two
    # studies apart: it says where a study is trained, not what it asks (see lth.studies.parameters.study).
    copy: str = field(default="", compare=False)
    drift_at: tuple[int, ...] = ()  # iterations at which the distance from the start is measured
    steps_at: tuple[int, ...] = ()  # iterations, from 1, at which the length of the step is measured, with losses
    # What the 2020 replication's code did otherwise (see lth.studies.deviations):
    initial_std: float | None = None  # of initial weights; None: Gaussian Glorot
    carry_optimizer: bool | str = False  # each level goes on with the moments that the level before it left; or a part
    split_per_arm: bool = False  # controls have a split of their own
    resume_level: int = 0  # from this level on the ticket is rewound to a new draw; 0: never
    corruption: str = ""  # what is done to the training images, one of CORRUPTIONS; never to the test images
    # Another recipe, on whose tickets' masks, level by level, the arms of this one are trained.
    masks_from: Recipe | None = None
    # What the data have, from which the network takes its inputs and outputs; the data set's name identifies them.
    shape: tuple[int, ...] = (1, 28, 28)  # of one image: channels, height, width; or (features,)
    classes: int = 10
    # Hashes of what is not the library's (network, criterion, data), by name: part of a run's key.
    sources: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        self._check_kinds()
        check_choice("preprocessing", self.preprocessing, PREPROCESSINGS)
        check_choice("corruption", self.corruption, CORRUPTIONS)
        if self.masks_from and self.masks_from.masks_from:
            raise LthError(f"{self.name} takes masks from {self.masks_from.name}, which has none of its own: name that")
        sizes = ("batch_size", "validation_size", "train_eval_size", "classes")
        for name in ("iterations", "eval_every", "train_eval_every", *sizes):
            check_positive(name.replace("_", " "), getattr(self, name))
        for iteration in self.drift_at:
            check_whole("an iteration at which drift is measured", iteration)
        for iteration in self.steps_at:
            check_positive("an iteration at which a step is measured", iteration)
        for name, value in (
            ("rewind", self.rewind),
            ("warmup", self.optimizer.warmup),
            ("pruning lag", self.pruning.lag),
        ):
            if type(value) is not int or not 0 <= value <= self.iterations:
                raise LthError(f"{name} must lie between 0 and the {self.iterations} iterations, not {value!r}")
        if late := [m for m in self.optimizer.milestones if m >= self.iterations]:
            raise LthError(f"milestones must lie below the {self.iterations} iterations, not at {late[0]}")
        if self.initial_std is not None and not (_is_number(self.initial_std) and 0 < self.initial_std < LARGEST):
            raise LthError(
                f"initial std must be a number above 0 and below {LARGEST:g}, or None for Gaussian Glorot, not "
                f"{self.initial_std!r}"
            )
        check_choice("part of an optimizer to carry", self.carry_optimizer, CARRIED)
        if self.carry_optimizer and self.optimizer.name != "adam":
            raise LthError(f"carry optimizer needs adam, whose moments can be carried, not {self.optimizer.name}")

    def _check_kinds(self) -> None:
        """LthError where a value is of another kind than its field."""
        check_name("the name of a recipe", self.name)
        for what, given in (("model", self.model), ("data set", self.dataset)):
            if not (isinstance(given, str) or callable(given)):
                raise LthError(f"the {what} of a recipe must be a name, or what makes one, not {given!r}")
        if not isinstance(self.optimizer, Optimizer) or not isinstance(self.pruning, Pruning):
            raise LthError(
                f"a recipe needs an lth.Optimizer and an lth.Pruning, not {type(self.optimizer).__name__} and "
                f"{type(self.pruning).__name__}"
            )
        for switch in ("augment", "split_per_arm"):
            check_switch(switch.replace("_", " "), getattr(self, switch))
        check_whole("resume level", self.resume_level)
        if not (isinstance(self.copy, str) and isinstance(self.drift_at, tuple)):
            raise LthError(f"copy must be a text and drift_at a tuple, not {self.copy!r} and {self.drift_at!r}")
        if not isinstance(self.steps_at, tuple):
            raise LthError(f"steps_at must be a tuple of iterations, not {self.steps_at!r}")
        if not (self.masks_from is None or isinstance(self.masks_from, Recipe)):
            raise LthError(f"masks come from an lth.Recipe, or None for its own tickets, not {self.masks_from!r}")
        if not (isinstance(self.shape, tuple) and self.shape and all(type(n) is int and n > 0 for n in self.shape)):
            raise LthError(f"the shape of an image must be a tuple of numbers above 0, not {self.shape!r}")

    def but(self, **changes: Any) -> Recipe:
        """This recipe with other values of its fields, such as `but(iterations=3000)`; LthError for unknown fields."""
        for name in changes:
            check_choice("field of a recipe", name, [f.name for f in fields(self)])
        return replace(self, **changes)


LENET = Recipe(
    name="lenet",
    model="lenet",
    dataset="mnist",
    preprocessing="l2",  # not stated in the paper; each image over its L2 norm, as in the first author's code
    optimizer=Optimizer("adam", learning_rate=1.2e-3),
    pruning=Pruning(linear=0.2, output=0.1),
    batch_size=60,
    iterations=50_000,
)


def _conv(name: str, *, pruned: float, learning_rate: float, iterations: int) -> Recipe:
    """A Conv-2/4/6 row: Adam, batches of 60, layer-wise pruning ([FC] Figure 2)."""
    return Recipe(
        name=name,
        model=name,
        dataset="cifar10",
        preprocessing="standard",
        optimizer=Optimizer("adam", learning_rate=learning_rate),
        pruning=Pruning(convolution=pruned, linear=0.2, output=0.1),
        batch_size=60,
        iterations=iterations,
        shape=(3, 32, 32),
    )


def _deep(name: str, *, milestones: tuple[int, int], batch_size: int, iterations: int) -> Recipe:
    """A ResNet-18 or VGG-19 row: SGD with momentum, global pruning of convolutions, augmentation ([FC] appendix I)."""
    return Recipe(
        name=name,
        model=name,
        dataset="cifar10",
        preprocessing="standard",
        optimizer=Optimizer("sgd", learning_rate=0.1, momentum=0.9, weight_decay=1e-4, milestones=milestones),
        pruning=Pruning("global", convolution=0.2, linear=0.0, output=0.0),
        batch_size=batch_size,
        iterations=iterations,
        augment=True,
        shape=(3, 32, 32),
    )


VGG19_EPOCH = 703  # batches of 64 in 45,000 images

RECIPES = {
    recipe.name: recipe
    for recipe in (
        LENET,
        _conv("conv2", pruned=0.1, learning_rate=2e-4, iterations=20_000),
        _conv("conv4", pruned=0.1, learning_rate=3e-4, iterations=25_000),
        _conv("conv6", pruned=0.15, learning_rate=3e-4, iterations=30_000),
        _deep("resnet18", milestones=(20_000, 25_000), batch_size=128, iterations=30_000),
        _deep("vgg19", milestones=(80 * VGG19_EPOCH, 120 * VGG19_EPOCH), batch_size=64, iterations=160 * VGG19_EPOCH),
    )
}

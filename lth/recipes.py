"""The rows of Table 1 as data: network, data set, preprocessing, optimizer, schedule and pruning rates.

Source: Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635), Figure 2 and appendices G to I.
"""

from dataclasses import dataclass, field

from lth.errors import LthError, check_choice, check_positive, check_whole

DATASETS = ("mnist", "fashion-mnist", "cifar10")
PREPROCESSINGS = ("l2", "unit", "standard")
SCOPES = ("layer", "global")
CRITERIA = ("magnitude",)


def optional(default):
    """A field that a run's specification leaves out at its default: records from before it existed keep their keys."""
    return field(default=default, metadata={"optional": True})


@dataclass(frozen=True)
class Optimizer:
    """How weights move: "adam", or "sgd" with momentum and weight decay."""

    name: str = "adam"
    learning_rate: float = 1.2e-3
    momentum: float = 0.0
    weight_decay: float = 0.0
    milestones: tuple[int, ...] = ()  # iterations at which the learning rate is divided by ten
    warmup: int = 0  # iterations over which the learning rate rises linearly from 0

    def __post_init__(self):
        check_choice("optimizer", self.name, ("adam", "sgd"))
        if not self.learning_rate > 0:
            raise LthError(f"the learning rate must be above 0, not {self.learning_rate}")
        if list(self.milestones) != sorted({m for m in self.milestones if m > 0}):
            raise LthError(f"milestones must be iterations above 0 in rising order, not {self.milestones}")
        if not 0 <= self.warmup <= min(self.milestones, default=self.warmup):
            first = f" and the first drop, at iteration {self.milestones[0]}" if self.milestones else ""
            raise LthError(f"warmup must lie between 0{first or ' and the iterations'}, not {self.warmup}")

    def learning_rate_at(self, iteration: int) -> float:
        """The learning rate of the step that follows `iteration` finished steps."""
        warming = min(1.0, (iteration + 1) / self.warmup) if self.warmup else 1.0
        return self.learning_rate * warming * 0.1 ** sum(iteration >= m for m in self.milestones)


@dataclass(frozen=True)
class Pruning:
    """What one level removes: the rate for each kind of layer, within each layer or over all of them at once.

    A rate of 0 exempts that kind of layer. The output layer is pruned at half the rate ([FC] section 2).
    """

    scope: str = "layer"
    criterion: str = "magnitude"
    convolution: float = 0.0
    linear: float = 0.2
    output: float = 0.1
    biases: bool = optional(
        False
    )  # prune each layer's biases as well, at the layer's rate (see lth.studies.deviations)
    lag: int = optional(0)  # score the weights of this many steps before the end (see lth.studies.deviations)

    def __post_init__(self):
        check_choice("pruning scope", self.scope, SCOPES)
        check_choice("pruning criterion", self.criterion, CRITERIA)
        if self.biases and self.scope == "global":
            raise LthError("biases are pruned within their layer only: choose the pruning scope layer")
        for kind in ("convolution", "linear", "output"):
            if not 0 <= getattr(self, kind) < 1:
                raise LthError(
                    f"the pruning rate of {kind} layers must be from 0 to below 1, not {getattr(self, kind)}"
                )


@dataclass(frozen=True)
class Recipe:
    """One row of Table 1. Every field is part of what identifies a run."""

    name: str
    model: str
    dataset: str
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
    # studies apart: it says where a study is trained, not what it asks (see lth.studies.study).
    copy: str = field(default="", compare=False, metadata={"optional": True})
    drift_at: tuple[int, ...] = optional(())  # iterations at which the distance from the start is measured
    # What the 2020 replication's code did otherwise (see lth.studies.deviations):
    initial_std: float | None = optional(None)  # of initial weights; None: Gaussian Glorot
    carry_optimizer: bool = optional(False)  # each level goes on with the moments that the level before it left
    split_per_arm: bool = optional(False)  # controls have a split of their own
    resume_level: int = optional(0)  # from this level on the ticket is rewound to a new draw; 0: never

    def __post_init__(self):
        check_choice("data set", self.dataset, DATASETS)
        check_choice("preprocessing", self.preprocessing, PREPROCESSINGS)
        sizes = ("batch_size", "validation_size", "train_eval_size")
        for name in ("iterations", "eval_every", "train_eval_every", *sizes):
            check_positive(name.replace("_", " "), getattr(self, name))
        for iteration in self.drift_at:
            check_whole("an iteration at which drift is measured", iteration)
        whole = isinstance(self.rewind, int) and not isinstance(self.rewind, bool)
        if not (whole and 0 <= self.rewind <= self.iterations):
            raise LthError(f"rewind must lie between 0 and the {self.iterations} iterations, not {self.rewind!r}")
        if self.optimizer.warmup > self.iterations:
            raise LthError(
                f"warmup must lie between 0 and the {self.iterations} iterations, not {self.optimizer.warmup}"
            )
        if late := [m for m in self.optimizer.milestones if m >= self.iterations]:
            raise LthError(f"milestones must lie below the {self.iterations} iterations, not at {late[0]}")
        if not 0 <= self.pruning.lag <= self.iterations:
            raise LthError(
                f"pruning lag must lie between 0 and the {self.iterations} iterations, not {self.pruning.lag}"
            )
        if self.initial_std is not None and not self.initial_std > 0:
            raise LthError(f"initial std must be above 0, or None for Gaussian Glorot, not {self.initial_std}")
        if self.carry_optimizer and self.optimizer.name != "adam":
            raise LthError(f"carry optimizer needs adam, whose moments can be carried, not {self.optimizer.name}")


def _conv(name: str, rate: float, learning_rate: float, iterations: int) -> Recipe:
    """A Conv-2/4/6 row: Adam, batches of 60, layer-wise pruning."""
    pruning = Pruning(convolution=rate, linear=0.2, output=0.1)
    return Recipe(name, name, "cifar10", "standard", Optimizer("adam", learning_rate), pruning, 60, iterations)


def _deep(name: str, milestones: tuple[int, ...], batch_size: int, iterations: int) -> Recipe:
    """A ResNet-18 or VGG-19 row: SGD with momentum, global pruning of the convolutions, augmentation."""
    optimizer = Optimizer("sgd", 0.1, momentum=0.9, weight_decay=1e-4, milestones=milestones)
    pruning = Pruning("global", convolution=0.2, linear=0.0, output=0.0)
    return Recipe(name, name, "cifar10", "standard", optimizer, pruning, batch_size, iterations, augment=True)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("lenet", "lenet", "mnist", "l2", Optimizer("adam", 1.2e-3), Pruning(), 60, 50_000),
        _conv("conv2", 0.1, 2e-4, 20_000),
        _conv("conv4", 0.1, 3e-4, 25_000),
        _conv("conv6", 0.15, 3e-4, 30_000),
        _deep("resnet18", (20_000, 25_000), 128, 30_000),
        _deep("vgg19", (80 * 703, 120 * 703), 64, 112_480),  # 703 batches an epoch
    )
}

"""The training loop: measure, take steps, keep the weights of the rewind iteration.

The loop is the same for every engine. An engine (lth.engines) holds a stack of replicas, runs that share a recipe and
train side by side, and knows how to take steps and how to measure; a stack of one is the CPU case.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from lth.data import TrialData
from lth.errors import LthError
from lth.models import Masks, Weights
from lth.recipes import Recipe

COLUMNS = {"iteration": np.int64} | {
    f"{part}_{what}": dtype
    for part in ("train", "val", "test")
    for what, dtype in (("loss", np.float32), ("acc", np.float64))
}
PARTS = ("validation", "test", "subset")  # what is measured; subset: the fixed part of the training images


@dataclass(frozen=True)
class Moments:
    """What Adam remembers: both moment estimates by parameter name and the number of finished steps."""

    first: Weights
    second: Weights
    steps: int


@dataclass(frozen=True)
class Start:
    """Where a run begins: weights (already 0 where masked, unless frozen there), masks, its own random streams.

    LthError where a mask is not a bool tensor of its weight's shape.
    """

    weights: Weights
    masks: Masks
    order: torch.Generator  # of the training images
    augmentation: torch.Generator
    moments: Moments | None = None  # None: a fresh optimizer, as the procedure demands

    def __post_init__(self) -> None:
        for name, mask in self.masks.items():
            weight = self.weights.get(name)
            if weight is None or mask.dtype != torch.bool or mask.shape != weight.shape:
                wanted = "no weight of that name" if weight is None else f"a weight of shape {tuple(weight.shape)}"
                raise LthError(f"the mask of {name} is {mask.dtype} of shape {tuple(mask.shape)}, for {wanted}")


@dataclass(frozen=True)
class Trained:
    """What training leaves: the measurements (one array a column), the last weights and those of iteration k.

    With a pruning lag, `weights` are those of that many steps before the last. `drift` is a row (see drift) for each
    iteration of the recipe's drift_at, `steps` one (see step) for each of its steps_at.
    """

    curve: dict[str, np.ndarray]
    weights: Weights
    rewound: Weights
    seconds: float
    moments: Moments | None = field(default=None, repr=False)
    drift: list[dict] = field(default_factory=list)
    steps: list[dict] = field(default_factory=list)


class Engine(Protocol):
    """A stack of R replicas in training."""

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        """Take indices.shape[1] steps after `iteration` finished ones; returns the mean training loss, shape (R,).

        `indices` (R, steps, batch) are positions in the data set's training images.
        """

    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean cross-entropy (nats) and accuracy (0 to 1) on one of PARTS, each of shape (R,)."""

    def weights(self, replica: int) -> Weights:
        """A copy of one replica's weights on the CPU, where masked exactly 0 or frozen at the start."""

    def moments(self, replica: int) -> Moments | None:
        """A copy of one replica's optimizer state; None where the optimizer keeps none."""


EngineFactory = Callable[[Recipe, list[TrialData], list[Start]], Engine]


def batches(train: torch.Tensor, batch_size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Yield batches of positions without end: an epoch is a permutation in full batches, the remainder dropped."""
    if len(train) < batch_size:
        raise LthError(f"a batch of {batch_size} is larger than the {len(train)} training images")
    full = len(train) // batch_size
    while True:
        order = torch.randperm(len(train), generator=generator)[: full * batch_size]
        yield from train[order].view(full, batch_size)


def stops(recipe: Recipe) -> list[int]:
    """The iterations at which training pauses: to measure, to keep the rewind weights, or to end."""
    last = recipe.iterations
    also = {recipe.rewind, last - recipe.pruning.lag, last, *(i for i in recipe.drift_at if i < last)}
    around_steps = {i for step in recipe.steps_at if step <= last for i in (step - 1, step)}
    return sorted({*range(0, last + 1, recipe.eval_every)} | also | around_steps)


def train(recipe: Recipe, data: list[TrialData], starts: list[Start], engine: EngineFactory) -> list[Trained]:
    """Train a stack of runs for the recipe's iterations, each from its start on its trial's data.

    Measures validation and test loss and accuracy at iteration 0 and every `eval_every`, the mean training loss since
    the last measurement, and at the end and where the iteration is a multiple of `train_eval_every`, training
    accuracy on the fixed subset. At iteration 0 the training loss is that of the untrained net on the subset.
    """
    begun = time.perf_counter()
    stack = engine(recipe, data, starts)
    orders = [batches(d.train, recipe.batch_size, s.order) for d, s in zip(data, starts, strict=True)]
    rewound: list[Weights] = []
    scored: list[Weights] = []
    rows: list[dict] = []
    drifts: list[list[dict]] = [[] for _ in starts]
    steps_taken: list[list[dict]] = [[] for _ in starts]
    before: list[Weights] = []  # of a step that is measured
    done, loss_sum, loss_steps = 0, np.zeros(len(starts)), 0
    for stop in stops(recipe):
        if steps := stop - done:
            indices = torch.stack([torch.stack([next(order) for _ in range(steps)]) for order in orders])
            loss_sum += stack.advance(indices, done) * steps
            loss_steps += steps
            done = stop
        if done == recipe.rewind:
            rewound = [stack.weights(replica) for replica in range(len(starts))]
        if done == recipe.iterations - recipe.pruning.lag:
            scored = [stack.weights(replica) for replica in range(len(starts))]
        if done in recipe.drift_at:
            for replica, start in enumerate(starts):
                drifts[replica].append({"iteration": done} | drift(start, stack.weights(replica)))
        if done in recipe.steps_at:
            after = [stack.weights(replica) for replica in range(len(starts))]
            for kept, row in zip(steps_taken, _measure_step(stack, starts, before, after), strict=True):
                kept.append({"iteration": done} | row)
        if done + 1 in recipe.steps_at:
            before = [stack.weights(replica) for replica in range(len(starts))]
        if done % recipe.eval_every == 0 or done == recipe.iterations:
            train_loss = loss_sum / loss_steps if loss_steps else None
            rows.append(_measure(recipe, stack, done, train_loss))
            loss_sum, loss_steps = np.zeros(len(starts)), 0
    seconds = (time.perf_counter() - begun) / len(starts)
    return [
        Trained(
            {name: np.array([row[name][replica] for row in rows], dtype) for name, dtype in COLUMNS.items()},
            scored[replica],
            rewound[replica],
            seconds,
            stack.moments(replica),
            drifts[replica],
            steps_taken[replica],
        )
        for replica in range(len(starts))
    ]


def _measure(recipe: Recipe, stack: Engine, iteration: int, train_loss: np.ndarray | None) -> dict[str, np.ndarray]:
    """One row of every replica's curve."""
    val_loss, val_acc = stack.evaluate("validation")
    test_loss, test_acc = stack.evaluate("test")
    train_acc = np.full_like(val_acc, np.nan)
    if iteration % recipe.train_eval_every == 0 or iteration == recipe.iterations:
        subset_loss, train_acc = stack.evaluate("subset")
        train_loss = subset_loss if train_loss is None else train_loss
    assert train_loss is not None  # no step has been taken at iteration 0 only, which measures the subset
    return {
        "iteration": np.full(len(val_acc), iteration),
        "train_loss": train_loss,
        "train_acc": train_acc,
        "val_loss": val_loss,
        "val_acc": val_acc,
        "test_loss": test_loss,
        "test_acc": test_acc,
    }


def _measure_step(stack: Engine, starts: list[Start], before: list[Weights], after: list[Weights]) -> Iterator[dict]:
    """For every replica the length of the step from `before` to `after`, and the losses after it."""
    losses = [stack.evaluate(part)[0] for part in ("subset", "validation")]
    for replica, (start, old, new) in enumerate(zip(starts, before, after, strict=True)):
        train_loss, val_loss = (float(loss[replica]) for loss in losses)
        yield {"train_loss": train_loss, "val_loss": val_loss} | step(start, old, new)


def step(start: Start, before: Weights, after: Weights) -> dict[str, float]:
    """The root mean square of the change of each layer's surviving weights in a step."""
    survivors = {name: mask for name, mask in start.masks.items() if mask.dim() > 1}
    changes = {name: (after[name][mask].double() - before[name][mask]) for name, mask in survivors.items()}
    return {name: float(change.square().mean().sqrt()) for name, change in changes.items()}


def drift(start: Start, weights: Weights) -> dict[str, dict[str, float]]:
    """How far the survivors of each layer have come from where they started.

    scale: root mean square of their starting values; moved: that of their changes; cosine: between start and now.
    """
    layers = {}
    for name, mask in start.masks.items():
        if mask.dim() > 1:
            began, now = start.weights[name][mask].double(), weights[name][mask].double()
            cosine = torch.nn.functional.cosine_similarity(began, now, dim=0)
            values = {"scale": began.square().mean().sqrt(), "moved": (now - began).square().mean().sqrt()}
            layers[name] = {what: float(value) for what, value in (values | {"cosine": cosine}).items()}
    return layers


def early_stop(curve: dict[str, np.ndarray]) -> int:
    """Position of the early-stop iteration in the curve: the first minimum of the validation loss ([FC] section 2).

    Where training diverged, the losses that are not numbers do not count; LthError where none is.
    """
    losses = np.where(np.isfinite(curve["val_loss"]), curve["val_loss"], np.inf)
    if np.isinf(losses).all():
        raise LthError(
            "no validation loss is a number, from the start on: choose smaller initial weights or a lower learning rate"
        )
    return int(losses.argmin())

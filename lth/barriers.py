"""Error barriers: is there a line of low error between two trained networks?

Source: Frankle et al., "Linear Mode Connectivity and the Lottery Ticket Hypothesis" (arXiv 1912.05671), section 2: two
copies of the weights after iteration k are trained with different orders of the data; where the error on the line
between their ends rises by less than two points, the network is stable at k.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from lth.data import Images, TrialData
from lth.errors import LthError
from lth.models import FullyConnected, Masks, Weights, skeleton
from lth.recipes import Recipe
from lth.training import EngineFactory, Start, train

POINTS = 30  # on the line, its ends among them
BLOCK = 2500  # images measured at a time
Orders = tuple[torch.Generator, torch.Generator]


def barrier(errors: Sequence[float]) -> float:
    """The highest error on a line minus the mean of its ends', in the unit of the errors."""
    return float(max(errors) - (errors[0] + errors[-1]) / 2)


def check_masks(one: Masks, other: Masks, nested: bool = False) -> None:
    """LthError unless two networks have the same masks or, where `nested` ones are compared, the other's lie within."""
    for name, mask in one.items():
        beside = other.get(name)
        fits = beside is not None and mask.shape == beside.shape
        if beside is None or not fits or bool((beside & ~mask if nested else beside ^ mask).any()):
            wanted = "lie within the first's" if nested else "are the same"
            raise LthError(
                f"a barrier is measured between networks whose masks {wanted}, and those of {name} are not so: choose "
                f"two networks of one mask, or successive levels of one chain"
            )


def copies(
    recipe: Recipe, data: TrialData, start: Start, iteration: int, orders: Orders, engine: EngineFactory
) -> tuple[Weights, Weights]:
    """Two networks trained to the recipe's end, alike up to `iteration`, with different orders of the data from there.

    Nothing is measured on the way. LthError where the learning rate changes: each part counts its iterations anew.
    """
    if not 0 <= iteration < recipe.iterations:
        raise LthError(
            f"copies must part between iteration 0 and the last, {recipe.iterations - 1:,}, not at {iteration:,}"
        )
    if recipe.optimizer.milestones or recipe.optimizer.warmup:
        raise LthError(f"copies are trained at a constant learning rate, which {recipe.name} does not have")
    if iteration:
        (shared,) = train(_unmeasured(recipe, iteration), [data], [start], engine)
        start = replace(start, weights=shared.weights, moments=shared.moments)
    rest = _unmeasured(recipe, recipe.iterations - iteration)
    one, other = (train(rest, [data], [replace(start, order=order)], engine)[0].weights for order in orders)
    return one, other


def _unmeasured(recipe: Recipe, iterations: int) -> Recipe:
    """So many iterations of the recipe, measured at both ends only."""
    return recipe.but(
        iterations=iterations, eval_every=iterations, train_eval_every=iterations, rewind=0, drift_at=(),
        pruning=replace(recipe.pruning, lag=0),
    )  # fmt: skip


def line(recipe: Recipe, one: Weights, other: Weights, parts: Sequence[tuple[Images, torch.Tensor]]) -> np.ndarray:
    """The error (0 to 1) at POINTS places from `one` to `other`, shape (parts, POINTS).

    `parts` are images with the positions that count. Weights are mixed, and buffers as well.
    """
    net = skeleton(recipe).eval()
    errors = np.zeros((len(parts), POINTS))
    shares = torch.linspace(0, 1, POINTS, dtype=torch.float64).tolist()
    mixed = [{name: torch.lerp(one[name], other[name], share) for name in one} for share in shares]
    with torch.no_grad():
        for part, (images, positions) in enumerate(parts):
            for block in positions.split(BLOCK):
                inputs, labels = images.floats(block), images.labels[block]
                for point, logits in enumerate(_along(net, one, other, mixed, shares, inputs)):
                    errors[part, point] += int((logits.argmax(1) != labels).sum())
            errors[part] /= len(positions)
    return errors


def _along(
    net: nn.Module, one: Weights, other: Weights, mixed: list[Weights], shares: list[float], inputs: torch.Tensor
) -> Iterator[torch.Tensor]:
    """The logits at each place on the line.

    What a fully connected first layer puts out before its ReLU is itself on a line, so that it is computed at the ends
    only: that is seven eighths of LeNet.
    """
    if type(net) is not FullyConnected or net.depth < 2:
        yield from (functional_call(net, weights, (inputs,)) for weights in mixed)
        return
    first, last = (F.linear(inputs.flatten(1), ends["fc1.weight"], ends["fc1.bias"]) for ends in (one, other))
    for share, weights in zip(shares, mixed, strict=True):
        rows = torch.lerp(first, last, share)
        for i in range(2, net.depth + 1):
            rows = F.linear(rows.relu(), weights[f"fc{i}.weight"], weights[f"fc{i}.bias"])
        yield rows

"""Masks: which weights survive, and how a level removes exactly round(rate × remaining) of the lowest-scoring."""

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Protocol

import torch
from torch import nn

from lth.errors import LthError, check_choice
from lth.models import Masks, Weights, misfit, prunable
from lth.recipes import Pruning

Gradients = Callable[[Weights], Weights]  # of the mean training loss at these weights, by parameter name


class Criterion(Protocol):
    """What scores weights: the lowest-scoring survivors of a level are removed.

    Arguments:
        weights: every parameter and buffer after training (the weights of the level that ends), by name.
        masks: the masks of that level; a score is wanted for every weight they name.
        start: the weights at which that level began, 0 where masked.
        gradients: a function of weights that gives the gradient of the mean training loss there, by parameter name.

    Returns a tensor of scores for every mask, of its shape, without NaN. It must not change what it is given.
    """

    def __call__(self, weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
        """The scores by name."""


CRITERIA: dict[str, Criterion] = {}


def criterion(name: str) -> Callable[[Criterion], Criterion]:
    """Register a criterion under a name that recipes can use: `Pruning(criterion=name)`."""

    def register(score: Criterion) -> Criterion:
        if name in CRITERIA and CRITERIA[name].__module__ == __name__ != score.__module__:
            raise LthError(f"the criterion {name!r} is the library's: choose another name")
        CRITERIA[name] = score
        return score

    return register


@criterion("magnitude")
def magnitude(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """|w| after training ([FC] section 1)."""
    return {name: weights[name].abs() for name in masks}


def no_gradients(weights: Weights) -> Weights:
    """What stands for gradients where there are none."""
    raise LthError("this criterion needs gradients, which are not to be had here: give the data they are taken on")


def scores(
    pruning: Pruning, weights: Weights, masks: Masks, start: Weights | None = None, gradients: Gradients = no_gradients
) -> Weights:
    """What the criterion says of every prunable weight, by name.

    LthError where it is unknown, returns something else than a tensor without NaN of each mask's shape, or changes the
    weights.
    """
    score = pruning.criterion
    if isinstance(score, str):
        check_choice("pruning criterion", score, CRITERIA)
        score = CRITERIA[score]
    name = getattr(score, "__name__", repr(score))
    given = {layer: value.clone() for layer, value in weights.items()}
    try:
        scored = score(weights, masks, start=start or {}, gradients=gradients)
    except LthError:
        raise
    except Exception as error:  # whatever another's code raises
        raise LthError(f"the criterion {name} failed: {type(error).__name__}: {error}") from error
    if any(not torch.equal(value, weights[layer]) for layer, value in given.items() if not value.isnan().any()):
        raise LthError(f"the criterion {name} changed the weights that it was to score: let it work on copies")
    if found := misfit(scored, masks):
        layer, shape, instead = found
        raise LthError(f"the criterion {name} must score {layer} with a tensor of shape {shape}, not {instead}")
    for layer, mask in masks.items():
        if (scored[layer].isnan() & mask & ~weights[layer].isnan()).any():  # training may have diverged
            raise LthError(f"the criterion {name} gave NaN for weights in {layer}: they cannot be put in order")
    return scored


def full_masks(model: nn.Module, biases: bool = False) -> Masks:
    """Masks of a dense net: every prunable weight survives."""
    parameters = dict(model.named_parameters())
    return {name: torch.ones(parameters[name].shape, dtype=torch.bool) for name in prunable(model, biases)}


def apply(masks: Masks, weights: Weights) -> Weights:
    """A copy of `weights` (by name) in which masked ones are exactly 0."""
    return {name: value * masks[name] if name in masks else value.clone() for name, value in weights.items()}


def remaining(masks: Masks) -> dict[str, int]:
    """Surviving weights by layer."""
    return {name: int(mask.sum()) for name, mask in masks.items()}


def density(masks: Masks) -> float:
    """Surviving over prunable weights, 0 to 1 (the paper's Pm)."""
    return sum(remaining(masks).values()) / sum(mask.numel() for mask in masks.values())


def digest(masks: Masks) -> str:
    """SHA-256 of all masks, in the order of their layers."""
    packed = hashlib.sha256()
    for name, mask in masks.items():
        packed.update(name.encode() + mask.numpy().tobytes())
    return packed.hexdigest()


def groups(kinds: dict[str, str], pruning: Pruning) -> dict[tuple[str, ...], float]:
    """Layers that compete with each other, and the rate at which they are pruned; layers of rate 0 are left out."""
    rates = {name: pruning.rates[kind] for name, kind in kinds.items() if pruning.rates[kind]}
    if not rates:
        raise LthError("nothing to prune: at least one pruning rate (convolution, linear, output) must be above 0")
    if pruning.scope == "layer":
        return {(name,): rate for name, rate in rates.items()}
    if len(set(rates.values())) > 1:
        raise LthError(f"global pruning needs one rate for all layers, not {rates}: set the others to 0 or to the same")
    return {tuple(rates): next(iter(rates.values()))}


def remove_lowest(scores: Weights, masks: Masks, names: tuple[str, ...], count: int) -> Masks:
    """Masks without the `count` lowest-scoring survivors of the layers `names` taken together.

    Ties go by index: the earlier weight of the earlier layer is removed first.
    """
    flat = torch.cat([scores[name].flatten() for name in names])
    survives = torch.cat([masks[name].flatten() for name in names])
    candidates = survives.nonzero().squeeze(1)
    order = torch.sort(flat[candidates], stable=True).indices
    survives[candidates[order[:count]]] = False
    parts = survives.split([masks[name].numel() for name in names])
    return masks | {name: part.view_as(masks[name]) for name, part in zip(names, parts, strict=True)}


def prune(
    weights: Weights,
    masks: Masks,
    kinds: dict[str, str],
    pruning: Pruning,
    start: Weights | None = None,
    gradients: Gradients = no_gradients,
) -> Masks:
    """The next level's masks: in each group of layers, round(rate × remaining) of the lowest-scoring are removed.

    `start` and `gradients` are what a criterion may ask for beside the trained `weights` (see Criterion).
    """
    score = scores(pruning, weights, masks, start, gradients)
    for names, rate in groups(kinds, pruning).items():
        left = sum(int(masks[name].sum()) for name in names)
        masks = remove_lowest(score, masks, names, round(rate * left))
    return masks


def prune_to(
    counts: dict[tuple[str, ...], int],
    weights: Weights,
    masks: Masks,
    pruning: Pruning,
    start: Weights | None = None,
    gradients: Gradients = no_gradients,
) -> Masks:
    """One-shot pruning: remove the lowest-scoring at once until each group of layers has its count left."""
    score = scores(pruning, weights, masks, start, gradients)
    for names, count in counts.items():
        left = sum(int(masks[name].sum()) for name in names)
        masks = remove_lowest(score, masks, names, left - count)
    return masks


def random_masks(like: Masks, generator: torch.Generator) -> Masks:
    """Random masks with the same number of survivors in every layer as `like`."""
    fresh = {}
    for name, mask in like.items():
        order = torch.randperm(mask.numel(), generator=generator)
        fresh[name] = torch.zeros(mask.numel(), dtype=torch.bool)
        fresh[name][order[: int(mask.sum())]] = True
        fresh[name] = fresh[name].view_as(mask)
    return fresh


def rungs(model: nn.Module, pruning: Pruning) -> Iterator[dict[tuple[str, ...], int]]:
    """Remaining weights of each group of layers at levels 0, 1, …, without end."""
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    rates = groups(prunable(model, pruning.biases), pruning)
    rung = {names: sum(shapes[name].numel() for name in names) for names in rates}
    while True:
        yield rung
        rung = {names: left - round(rates[names] * left) for names, left in rung.items()}


def ladder(model: nn.Module, pruning: Pruning, levels: int) -> list[dict[tuple[str, ...], int]]:
    """Remaining weights of each group of layers at levels 0 to `levels`.

    LthError where a level would empty a group of layers or has nothing left to remove from it (biases excepted: the
    last few of a layer stay).
    """
    dimensions = {name: parameter.dim() for name, parameter in model.named_parameters()}
    descent = list(islice(rungs(model, pruning), levels + 1))
    for level, (before, rung) in enumerate(pairwise(descent), start=1):
        for names, left in rung.items():
            if left == 0 or (left == before[names] and dimensions[names[0]] > 1):
                raise LthError(
                    f"level {level} would leave {left} of the {before[names]} weights in {', '.join(names)}: "
                    f"ask for at most {level - 1} levels"
                )
    return descent

"""Masks: which weights survive, and how a level removes exactly round(rate × remaining) of the lowest-scoring."""

import hashlib
from collections.abc import Iterator
from itertools import islice, pairwise

import torch
from torch import nn

from lth.criteria import Gradients, no_gradients, rounds_at_start, scores
from lth.errors import LthError
from lth.models import Masks, Weights, prunable
from lth.recipes import Pruning


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
    generator: torch.Generator | None = None,
) -> Masks:
    """The next level's masks: in each group of layers, round(rate × remaining) of the lowest-scoring are removed.

    `start`, `gradients` and `generator` are what a criterion may ask for beside the trained `weights` (see
    lth.criteria.Criterion).
    """
    score = scores(pruning, weights, masks, start, gradients, generator)
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
    generator: torch.Generator | None = None,
) -> Masks:
    """One-shot pruning: remove the lowest-scoring at once until each group of layers has its count left."""
    score = scores(pruning, weights, masks, start, gradients, generator)
    for names, count in counts.items():
        left = sum(int(masks[name].sum()) for name in names)
        masks = remove_lowest(score, masks, names, left - count)
    return masks


def prune_start(
    counts: dict[tuple[str, ...], int],
    start: Weights,
    masks: Masks,
    pruning: Pruning,
    gradients: Gradients = no_gradients,
    generator: torch.Generator | None = None,
) -> Masks:
    """Pruning before training: from the start of a dense network until each group of layers has its count left.

    Of so many rounds as the criterion wants, each keeps the same share and scores anew what the one before it left.
    """
    sizes, rounds = {names: sum(int(masks[name].sum()) for name in names) for names in counts}, rounds_at_start(pruning)
    for done in range(1, rounds + 1):
        rung = {
            names: round(sizes[names] * (count / sizes[names]) ** (done / rounds)) for names, count in counts.items()
        }
        weights = apply(masks, start)
        masks = prune_to(rung, weights, masks, pruning, weights, gradients, generator)
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

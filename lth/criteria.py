"""What scores weights for pruning: the lowest-scoring go. By name in CRITERIA, or a function of one's own.

Most criteria look at what training left. SNIP, GraSP and SynFlow look at the start alone: their masks are there before
anything is trained, so that each level is pruned from the dense network's start at once, in a number of rounds.
"""

import inspect
from collections.abc import Callable
from typing import Protocol, TypeVar

import torch

from lth.errors import LthError, check_choice
from lth.models import Masks, Weights, misfit
from lth.recipes import Pruning


class Gradients(Protocol):
    """Derivatives at any weights, by parameter name (see lth.engines.gradients)."""

    def __call__(self, weights: Weights) -> Weights:
        """The gradient of the mean training loss at `weights`."""

    def curved(self, weights: Weights, direction: Weights) -> Weights:
        """The Hessian of the mean training loss at `weights` times `direction`."""

    def flow(self, weights: Weights) -> Weights:
        """The gradient at `weights` of the sum of all outputs for an input of ones."""


class NoGradients:
    """What stands for gradients where there are none."""

    def __call__(self, weights: Weights) -> Weights:
        """LthError."""
        raise LthError("this criterion needs gradients, which are not to be had here: give the data they are taken on")

    def curved(self, weights: Weights, direction: Weights) -> Weights:
        """LthError."""
        return self(weights)

    def flow(self, weights: Weights) -> Weights:
        """LthError."""
        return self(weights)


no_gradients = NoGradients()


class Criterion(Protocol):
    """What scores weights: the lowest-scoring survivors of a level are removed.

    Arguments:
        weights: every parameter and buffer after training (the weights of the level that ends), by name; for a
            criterion `at_start`, the same as `start`.
        masks: the masks of that level; a score is wanted for every weight they name.
        start: the weights at which that level began, 0 where masked.
        gradients: gives the gradient of the mean training loss at any weights, by parameter name (see Gradients).

    One with a further argument `generator` is given the random stream of the run whose masks are wanted. Returns a
    tensor of scores for every mask, of its shape, without NaN. It must not change what it is given.
    """

    def __call__(self, weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
        """The scores by name."""


AnyCriterion = TypeVar("AnyCriterion", bound=Callable[..., Weights])
CRITERIA: dict[str, Callable[..., Weights]] = {}


def criterion(name: str, at_start: int = 0) -> Callable[[AnyCriterion], AnyCriterion]:
    """Register a criterion under a name that recipes can use: `Pruning(criterion=name)`.

    `at_start`: how many rounds it takes to prune the start of the dense network, of one that needs no training.
    """

    def register(score: AnyCriterion) -> AnyCriterion:
        if name in CRITERIA and CRITERIA[name].__module__ == __name__ != score.__module__:
            raise LthError(f"the criterion {name!r} is the library's: choose another name")
        score.at_start = at_start  # type: ignore[attr-defined]
        CRITERIA[name] = score
        return score

    return register


@criterion("magnitude")
def magnitude(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """|w| after training ([FC] section 1)."""
    return {name: weights[name].abs() for name in masks}


@criterion("initial-magnitude")
def initial_magnitude(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """|w| at the start (Zhou et al., arXiv 1905.01067, section 2: "small init")."""
    return {name: start[name].abs() for name in masks}


@criterion("magnitude-increase")
def magnitude_increase(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """How much |w| has grown (Zhou et al., arXiv 1905.01067, section 2)."""
    return {name: weights[name].abs() - start[name].abs() for name in masks}


@criterion("movement")
def movement(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """How far w has come from its start (Zhou et al., arXiv 1905.01067, section 2)."""
    return {name: (weights[name] - start[name]).abs() for name in masks}


@criterion("initial-times-final")
def initial_times_final(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """|w at the start × w after training|: what is small at either time goes first."""
    return {name: (weights[name] * start[name]).abs() for name in masks}


@criterion("random")
def random(
    weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients, generator: torch.Generator
) -> Weights:
    """Numbers drawn for the run whose masks are wanted."""
    return {name: torch.rand(mask.shape, generator=generator) for name, mask in masks.items()}


@criterion("snip", at_start=1)
def snip(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """|w × ∂L/∂w| before training: how much the loss hangs on a weight (Lee et al., arXiv 1810.02340, equation 5)."""
    gradient = gradients(start)
    return {name: (start[name] * gradient[name]).abs() for name in masks}


@criterion("grasp", at_start=1)
def grasp(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """The product w × (H g) before training: weights whose removal helps the gradient most go first.

    Wang et al., arXiv 2002.07376, equation 8, with the sign turned: there the highest go. Without their temperature.
    """
    curved = gradients.curved(start, gradients(start))
    return {name: start[name] * curved[name] for name in masks}


@criterion("synflow", at_start=100)
def synflow(weights: Weights, masks: Masks, *, start: Weights, gradients: Gradients) -> Weights:
    """|w| × ∂R/∂|w|, where R is the sum of the outputs of the net with absolute weights, for an input of ones.

    Tanaka et al., arXiv 2006.05467, algorithm 1: 100 rounds, of which each keeps the same share.
    """
    absolute = {name: value.abs() for name, value in start.items()}
    gradient = gradients.flow(absolute)
    return {name: absolute[name] * gradient[name] for name in masks}


def found(pruning: Pruning) -> Callable[..., Weights]:
    """The criterion that a rule names; LthError where there is none of that name."""
    if callable(pruning.criterion):
        return pruning.criterion
    check_choice("pruning criterion", pruning.criterion, CRITERIA)
    return CRITERIA[pruning.criterion]


def rounds_at_start(pruning: Pruning) -> int:
    """In how many rounds the criterion prunes the start of the dense network; 0 where it needs training."""
    return getattr(found(pruning), "at_start", 0)


def scores(
    pruning: Pruning,
    weights: Weights,
    masks: Masks,
    start: Weights | None = None,
    gradients: Gradients = no_gradients,
    generator: torch.Generator | None = None,
) -> Weights:
    """What the criterion says of every prunable weight, by name; its negative where the rule is inverted.

    LthError where it is unknown, returns something else than a tensor without NaN of each mask's shape, or changes the
    weights.
    """
    score = found(pruning)
    name = getattr(score, "__name__", repr(score))
    given = {layer: value.clone() for layer, value in weights.items()}
    try:
        drawn = {"generator": generator} if "generator" in inspect.signature(score).parameters else {}
        scored = score(weights, masks, start=start or {}, gradients=gradients, **drawn)
    except LthError:
        raise
    except Exception as error:  # whatever another's code raises
        raise LthError(f"the criterion {name} failed: {type(error).__name__}: {error}") from error
    if any(not torch.equal(value, weights[layer]) for layer, value in given.items() if not value.isnan().any()):
        raise LthError(f"the criterion {name} changed the weights that it was to score: let it work on copies")
    if unfit := misfit(scored, masks):
        layer, shape, instead = unfit
        raise LthError(f"the criterion {name} must score {layer} with a tensor of shape {shape}, not {instead}")
    for layer, mask in masks.items():
        if (scored[layer].isnan() & mask & ~weights[layer].isnan()).any():  # training may have diverged
            raise LthError(f"the criterion {name} gave NaN for weights in {layer}: they cannot be put in order")
    return {layer: -value for layer, value in scored.items()} if pruning.inverted else scored

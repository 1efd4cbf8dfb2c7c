"""Supermasks: masks that are learned while the weights stay at their start.

Sources: Zhou et al., "Deconstructing Lottery Tickets" (arXiv 1905.01067), section 5, for masks and for weights scaled
to the share that is left; Koster et al., "Signing the Supermask" (arXiv 2201.13361), for masks of -1, 0 and +1 over
weights of one size. Here a weight is in the mask where its score is above 0 (or beyond a threshold, with the score's
sign), and gradients pass that step as if it were not there.
"""

from dataclasses import dataclass

import torch
from torch.func import functional_call
from torch.nn import functional as F

from lth.data import Images, TrialData
from lth.errors import check_choice
from lth.models import Masks, Weights, prunable, skeleton
from lth.recipes import Recipe
from lth.training import batches

KINDS = {
    "learned": "a mask on the weights as they start",
    "learned-scaled": "likewise, each layer divided by the share that is left of it",
    "signed": "a mask of -1, 0 and +1 on weights of one size a layer",
}
# What logits are multiplied with in the loss. It changes no class; without it, weights of their first size on images of
# norm 1 give logits so small that the loss sees differences of means only, and no mask gets beyond 91 %.
SHARPNESS = 30.0
RATE = 1e-3  # Adam's, of the scores
SPREAD = 0.01  # scores start from N(0, SPREAD²), so that half of the weights are in the mask
THRESHOLD = 0.005  # beyond which a signed mask is not 0: at the start, that is 62 % of the weights


@dataclass(frozen=True)
class Supermask:
    """A learned mask: signs (-1, 0, 1; without -1 where masks are not signed) by name, and the network it makes."""

    signs: dict[str, torch.Tensor]
    weights: Weights

    @property
    def masks(self) -> Masks:
        """The weights that are in it."""
        return {name: sign != 0 for name, sign in self.signs.items()}


class _Step(torch.autograd.Function):
    """A step of the scores, through which gradients pass unchanged."""

    @staticmethod
    def forward(scores: torch.Tensor, signed: bool) -> torch.Tensor:
        """0 or 1, or with a sign -1, 0 or 1."""
        return (scores.sign() * (scores.abs() > THRESHOLD)) if signed else (scores > 0).to(scores.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        """Nothing is kept."""

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """The gradient as it is."""
        return gradient, None


def learn(
    recipe: Recipe, data: TrialData, start: Weights, kind: str, order: torch.Generator, scores: torch.Generator
) -> Supermask:
    """A mask of that kind (KINDS) for the network with weights `start`, which stay as they are.

    Trained on the trial's training images for the recipe's iterations and batches, by Adam on the scores. `order` is
    the stream of the images, `scores` that of the scores at the beginning.
    """
    check_choice("kind of supermask", kind, KINDS)
    net, signed = skeleton(recipe), kind == "signed"
    fixed = {name: start[name] for name in prunable(net)}
    if signed:
        fixed = {name: torch.full_like(value, float(value.std())) for name, value in fixed.items()}
    learned = {name: (SPREAD * torch.randn(v.shape, generator=scores)).requires_grad_() for name, v in fixed.items()}
    optimizer = torch.optim.Adam(list(learned.values()), RATE, fused=True)

    def made() -> tuple[dict[str, torch.Tensor], Weights]:
        signs = {name: _Step.apply(score, signed) for name, score in learned.items()}
        layers = {name: fixed[name] * sign for name, sign in signs.items()}
        if kind == "learned-scaled":
            layers = {name: value / signs[name].detach().mean().clamp(min=1e-6) for name, value in layers.items()}
        return signs, start | layers

    supply = batches(data.train, recipe.batch_size, order)
    for _ in range(recipe.iterations):
        chosen = next(supply)
        logits = functional_call(net, made()[1], (data.images.floats(chosen),))
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(SHARPNESS * logits, data.images.labels[chosen]).backward()
        optimizer.step()
    with torch.no_grad():
        signs, weights = made()
    return Supermask(signs, {name: value.clone() for name, value in weights.items()})


def accuracy(recipe: Recipe, weights: Weights, images: Images, positions: torch.Tensor | None = None) -> float:
    """The share of the images (or of those at `positions`) that a network puts into their class."""
    net, right = skeleton(recipe).eval(), 0
    positions = torch.arange(len(images)) if positions is None else positions
    with torch.no_grad():
        for block in positions.split(2500):
            logits = functional_call(net, weights, (images.floats(block),))
            right += int((logits.argmax(1) == images.labels[block]).sum())
    return right / len(positions)

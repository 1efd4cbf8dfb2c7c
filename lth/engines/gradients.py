"""Derivatives of the training loss and of the outputs, for criteria that ask for them, on any network."""

from collections.abc import Callable
from functools import cached_property

import torch
from torch.func import functional_call
from torch.nn import functional as F

from lth.data import TrialData
from lth.models import Weights, skeleton
from lth.recipes import Recipe

MOST_IMAGES = 1000


class LossGradients:
    """Gradients (lth.criteria.Gradients) on the first training images of the trial's fixed subset, at most MOST_IMAGES.

    Taken in evaluation mode, so that they are the same at every call. The data are loaded when a criterion first asks.
    """

    def __init__(self, recipe: Recipe, load: Callable[[], TrialData]):
        self.recipe, self._load = recipe, load
        self._net = skeleton(recipe).eval()
        self._names = [name for name, _ in self._net.named_parameters()]

    @cached_property
    def _images(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The inputs and labels on which the loss is taken."""
        data = self._load()
        chosen = data.subset[:MOST_IMAGES]
        return data.images.floats(chosen), data.images.labels[chosen]

    def __call__(self, weights: Weights) -> Weights:
        """The gradient of the mean training loss at `weights`."""
        parameters = self._parameters(weights)
        return self._named(torch.autograd.grad(self._loss(weights | parameters), list(parameters.values())))

    def curved(self, weights: Weights, direction: Weights) -> Weights:
        """The Hessian of the mean training loss at `weights` times `direction`."""
        parameters = self._parameters(weights)
        values = list(parameters.values())
        gradient = torch.autograd.grad(self._loss(weights | parameters), values, create_graph=True)
        along = [(one * direction[name]).sum() for name, one in zip(self._names, gradient, strict=True)]
        return self._named(torch.autograd.grad(torch.stack(along).sum(), values))

    def flow(self, weights: Weights) -> Weights:
        """The gradient at `weights` of the sum of all outputs for an input of ones."""
        parameters = self._parameters(weights)
        outputs = functional_call(self._net, weights | parameters, (torch.ones(1, *self.recipe.shape),))
        return self._named(torch.autograd.grad(outputs.sum(), list(parameters.values())))

    def _parameters(self, weights: Weights) -> Weights:
        return {name: weights[name].clone().requires_grad_() for name in self._names}

    def _loss(self, weights: Weights) -> torch.Tensor:
        inputs, labels = self._images
        return F.cross_entropy(functional_call(self._net, weights, (inputs,)), labels)

    def _named(self, values: tuple[torch.Tensor, ...]) -> Weights:
        return dict(zip(self._names, values, strict=True))

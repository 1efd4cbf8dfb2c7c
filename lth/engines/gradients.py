"""Gradients of the training loss, for criteria that ask for them."""

import torch
from torch.func import functional_call

from lth.data import TrialData
from lth.models import Weights, skeleton
from lth.pruning import Gradients
from lth.recipes import Recipe


def loss_gradients(recipe: Recipe, data: TrialData) -> Gradients:
    """A function of weights: the gradient of the mean training loss there, by parameter name, on the fixed subset.

    Taken on at most 1,000 images in evaluation mode, so that it is the same at every call.
    """
    net, chosen = skeleton(recipe).eval(), data.subset[:1000]

    def gradients(weights: Weights) -> Weights:
        parameters = {name: weights[name].clone().requires_grad_() for name, _ in net.named_parameters()}
        logits = functional_call(net, weights | parameters, (data.images.floats(chosen),))
        loss = torch.nn.functional.cross_entropy(logits, data.images.labels[chosen])
        return dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))

    return gradients

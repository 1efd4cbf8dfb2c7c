"""How many replicas a GPU has memory for."""

import torch

from lth.engines.stacked import BLOCK
from lth.models import skeleton
from lth.recipes import Recipe

SHARE = 0.8  # of the free memory: the rest is for libraries, for gaps, and for what the estimate leaves out


def replica_bytes(recipe: Recipe) -> int:
    """Roughly what one replica of a stack takes on a GPU, in bytes.

    Each parameter eight times (value, gradient, two moments, and copies of what a step changes while it is captured)
    and its mask; what a batch leaves for the backward pass, and as much again for the gradients of that; and what is
    alive at once when a block of images is measured, at most three of the largest outputs of a layer.
    """
    net = skeleton(recipe)
    parameters = sum(p.nbytes for p in net.parameters())
    saved, outputs = [], []
    hooks = [module.register_forward_hook(lambda *args: outputs.append(args[2].nbytes)) for module in net.modules()]
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.nbytes), lambda kept: kept):
        net(torch.empty(recipe.batch_size, *recipe.shape, device=next(net.parameters()).device))
    for hook in hooks:
        hook.remove()
    measured = 3 * max(outputs) * BLOCK["cuda"] // recipe.batch_size
    return 9 * parameters + 2 * sum(saved) + measured


def most_replicas(recipe: Recipe) -> int:
    """How many replicas the free memory of the current CUDA device has room for, at least one."""
    free, _ = torch.cuda.mem_get_info()
    return max(1, int(SHARE * free) // replica_bytes(recipe))

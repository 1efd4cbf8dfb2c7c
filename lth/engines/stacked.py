"""Stacked replicas: any network, R runs side by side as one program (torch.func), on the CPU or a GPU.

Every parameter carries a leading dimension of R replicas, so that one call trains a whole stack; a stack of one skips
the mapping and is plain PyTorch. On a GPU a step is captured once as a CUDA graph and replayed: data, batches and draws
are there before an advance begins, and nothing comes back before it ends.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch.func import functional_call, vmap
from torch.nn import functional as F

from lth.data import Images, TrialData, augment, draw
from lth.models import Weights, skeleton
from lth.recipes import Recipe
from lth.training import PARTS, Moments, Start

BLOCK = {"cpu": 50, "cuda": 250}  # images of each replica measured at a time: a core's cache holds what they become


class Stacked:
    """An Engine for every network of Table 1. See lth.training.Engine for the methods."""

    def __init__(self, recipe: Recipe, data: list[TrialData], starts: list[Start], device: str = "cpu"):
        self.recipe, self.device, self.starts = recipe, torch.device(device), starts
        self.net = skeleton(recipe)
        if not next(self.net.parameters()).is_meta:
            self.net.to(device)  # what one's own network keeps beside its state
        trained = dict(self.net.named_parameters())
        stacks = {name: torch.stack([s.weights[name] for s in starts]).to(device) for name in starts[0].weights}
        self.parameters = {name: stacks[name].requires_grad_() for name in trained}
        self.buffers = {name: value for name, value in stacks.items() if name not in trained}
        masks = {name: torch.stack([s.masks[name] for s in starts]) for name in starts[0].masks}
        # Only where some replica lacks a weight; as floats, because PyTorch is slow to multiply floats by booleans.
        self.masks = {name: mask.float().to(device) for name, mask in masks.items() if not mask.all()}
        self.frozen: Weights = {}  # what stays where weights are pruned, if not 0
        if recipe.pruning.frozen:
            self.frozen = {name: stacks[name].detach() * (1 - mask) for name, mask in self.masks.items()}
        self.images, self.test = _to(data[0].images, self.device), _to(data[0].test, self.device)
        self.positions = {
            "test": torch.arange(len(self.test), device=device).expand(len(starts), -1),
            "validation": torch.stack([d.validation for d in data]).to(device),
            "subset": torch.stack([d.subset for d in data]).to(device),
        }
        self.rate = torch.zeros((), device=device)
        self.optimizer = _optimizer(recipe, self.parameters, self.rate, [s.moments for s in starts])
        self.total = torch.zeros(len(starts), dtype=torch.float64, device=device)  # of the losses of an advance
        self._run: Callable[[], object] | None = None

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        """Take a step for each of `indices` (R, steps, batch); returns the mean training loss of each replica (R,)."""
        steps = indices.shape[1]
        rates = torch.tensor([self.recipe.optimizer.learning_rate_at(iteration + step) for step in range(steps)])
        queue = [rates, indices.transpose(0, 1)]
        if self.recipe.augment:
            drawn = [draw((steps, indices.shape[2]), start.augmentation) for start in self.starts]
            queue.append(torch.stack(drawn, 1))
        queue = [values.to(self.device) for values in queue]
        self.net.train()
        if self._run is None:
            self._inputs = [self.rate, *(values[0].clone() for values in queue[1:])]
            self._run = _captured(self._step, self._state()) if self.device.type == "cuda" else self._step
        self.total.zero_()
        for step in range(steps):
            for place, values in zip(self._inputs, queue, strict=True):
                place.copy_(values[step])
            self._run()
        return (self.total / steps).cpu().numpy()

    def _step(self) -> None:
        """One step of all replicas from what lies in `_inputs`; touches no memory but this engine's, asks for no value.

        `_inputs`: the learning rate, positions (R, batch) in the training images, kinds of augmentation (R, batch).
        """
        _, chosen, *kinds = self._inputs
        x = self.images.pixels[chosen]
        if kinds:
            x = augment(x.flatten(0, 1), kinds[0].flatten()).view(x.shape)
        losses = _cross_entropy(self._logits(self.images.as_floats(x, chosen)), self.images.labels[chosen]).mean(1)
        self.optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        self.optimizer.step()
        with torch.no_grad():
            for name, mask in self.masks.items():
                self.parameters[name].mul_(mask)
                if name in self.frozen:
                    self.parameters[name].add_(self.frozen[name])
            self.total += losses

    @torch.no_grad()
    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean cross-entropy (nats) and accuracy (0 to 1) on one of PARTS, each of shape (R,)."""
        self.net.eval()
        images, positions = self.test if part == PARTS[1] else self.images, self.positions[part]
        sums = torch.zeros(2, len(self.starts), dtype=torch.float64, device=self.device)
        for rows in positions.split(BLOCK[self.device.type], 1):
            logits, labels = self._logits(images.floats(rows)), images.labels[rows]
            sums[0] += _cross_entropy(logits, labels).sum(1, dtype=torch.float64)
            sums[1] += (logits.argmax(2) == labels).sum(1)
        loss, accuracy = (sums / positions.shape[1]).cpu().numpy()
        return loss, accuracy

    def weights(self, replica: int) -> Weights:
        """A copy of one replica's weights on the CPU."""
        values = self.parameters | self.buffers
        return {name: values[name][replica].detach().cpu().clone() for name in self.starts[replica].weights}

    def moments(self, replica: int) -> Moments | None:
        """A copy of one replica's Adam state on the CPU; None for SGD."""
        state = {name: self.optimizer.state[value] for name, value in self.parameters.items()}
        if self.recipe.optimizer.name == "sgd":
            return None
        first = {name: s["exp_avg"][replica].cpu().clone() for name, s in state.items()}
        second = {name: s["exp_avg_sq"][replica].cpu().clone() for name, s in state.items()}
        return Moments(first, second, int(next(iter(state.values()))["step"]))

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        """Images (R, n, channels, height, width) → logits (R, n, classes)."""
        values = (self.parameters, self.buffers)
        if len(self.starts) == 1:
            alone = tuple({name: value.squeeze(0) for name, value in group.items()} for group in values)
            # On a CPU, convolutions are a tenth to a fifth faster where the channels of a pixel lie side by side. A GPU
            # would gain from that in half precision only.
            images = self.device.type == "cpu" and x.dim() == 5
            order = torch.channels_last if images else torch.contiguous_format
            x = x.squeeze(0).contiguous(memory_format=order)
            return functional_call(self.net, alone, (x,)).unsqueeze(0)
        return vmap(lambda p, b, images: functional_call(self.net, (p, b), (images,)))(*values, x)

    def _state(self) -> list[torch.Tensor]:
        """Every tensor that a step changes."""
        optimizer = [value for state in self.optimizer.state.values() for value in state.values()]
        return [v.detach() for v in (*self.parameters.values(), *self.buffers.values(), *optimizer, self.total)]


def _captured(step: Callable[[], None], state: list[torch.Tensor]) -> Callable[[], None]:
    """`step` as a CUDA graph, to be replayed at the cost of one launch; `state` is as before afterwards.

    The first calls are not captured, since they set up libraries and look for kernels.
    """
    kept = [value.clone() for value in state]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    for value, old in zip(state, kept, strict=True):
        value.copy_(old)
    return graph.replay


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each image: (R, n, classes) and (R, n) → (R, n)."""
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)


def _to(images: Images, device: torch.device) -> Images:
    """The images on `device`."""
    return Images(*(t.to(device) for t in (images.pixels, images.labels, images.scale, images.shift)))


def _optimizer(
    recipe: Recipe, parameters: Weights, rate: torch.Tensor, moments: list[Moments | None]
) -> torch.optim.Optimizer:
    """PyTorch's optimizer over stacked parameters, fresh unless moments are given; it reads its rate from `rate`.

    Its state is there from the start (zeros, which both take for a fresh one), so that a capture finds it.
    """
    o, values = recipe.optimizer, list(parameters.values())
    if o.name == "sgd":
        sgd = torch.optim.SGD(values, rate, o.momentum, weight_decay=o.weight_decay, fused=True)
        sgd.state.update({value: {"momentum_buffer": torch.zeros_like(value)} for value in values if o.momentum})
        return sgd
    if len({m and m.steps for m in moments}) > 1:
        raise ValueError("the replicas of a stack must share Adam's number of finished steps")
    given = [m for m in moments if m]  # all of them or none
    adam = torch.optim.Adam(values, rate, weight_decay=o.weight_decay, fused=True, capturable=rate.is_cuda)
    for name, value in parameters.items():
        first, second = torch.zeros_like(value), torch.zeros_like(value)
        if given:
            first = torch.stack([m.first[name] for m in given]).to(rate.device)
            second = torch.stack([m.second[name] for m in given]).to(rate.device)
        steps = torch.tensor(float(given[0].steps if given else 0), device=rate.device)
        adam.state[value] = {"step": steps, "exp_avg": first, "exp_avg_sq": second}
    return adam

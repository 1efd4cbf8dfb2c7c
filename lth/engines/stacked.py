"""Stacked replicas: any network, R runs side by side as one program (torch.func), on the CPU or a GPU.

Every parameter carries a leading dimension of R replicas, so that one call trains a whole stack; a stack of one skips
the mapping and is plain PyTorch.
"""

import numpy as np
import torch
from torch.func import functional_call, vmap
from torch.nn import functional as F

from lth.data import Images, TrialData
from lth.models import Weights, skeleton
from lth.recipes import Recipe
from lth.training import Moments, Start


class Stacked:
    """An Engine for every network of Table 1. See lth.training.Engine for the methods."""

    def __init__(self, recipe: Recipe, data: list[TrialData], starts: list[Start], device: str = "cpu"):
        self.recipe, self.device, self.data, self.starts = recipe, torch.device(device), data, starts
        self.net = skeleton(recipe)
        trained = dict(self.net.named_parameters())
        stacks = {name: torch.stack([s.weights[name] for s in starts]).to(device) for name in starts[0].weights}
        self.parameters = {name: stacks[name].requires_grad_() for name in trained}
        self.buffers = {name: value for name, value in stacks.items() if name not in trained}
        self.masks = {name: torch.stack([s.masks[name] for s in starts]).to(device) for name in starts[0].masks}
        self.images, self.test = _to(data[0].images, self.device), _to(data[0].test, self.device)
        self.optimizer = _optimizer(recipe, self.parameters, [s.moments for s in starts])

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        total = torch.zeros(len(self.starts), dtype=torch.float64, device=self.device)
        indices = indices.to(self.device)
        self.net.train()
        for step in range(indices.shape[1]):
            chosen = indices[:, step]
            batches = zip(chosen, self.starts, strict=True)
            x = torch.stack([self._augment(self.images.floats(row), start) for row, start in batches])
            losses = self._losses(x, self.images.labels[chosen])
            self.optimizer.param_groups[0]["lr"] = self.recipe.optimizer.learning_rate_at(iteration + step)
            self.optimizer.zero_grad(set_to_none=True)
            losses.sum().backward()
            self.optimizer.step()
            with torch.no_grad():
                for name, mask in self.masks.items():
                    self.parameters[name].mul_(mask)
                total += losses.detach()
        return (total / indices.shape[1]).cpu().numpy()

    @torch.no_grad()
    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        self.net.eval()
        if part == "test":
            images, positions = self.test, [torch.arange(len(self.test.labels), device=self.device)] * len(self.starts)
        else:
            names = {"validation": "validation", "subset": "subset"}
            images, positions = self.images, [getattr(d, names[part]).to(self.device) for d in self.data]
        loss = torch.zeros(len(self.starts), dtype=torch.float64, device=self.device)
        correct = torch.zeros(len(self.starts), dtype=torch.int64, device=self.device)
        for rows in zip(*(p.split(1000) for p in positions), strict=True):
            x = torch.stack([images.floats(row) for row in rows])
            labels = torch.stack([images.labels[row] for row in rows])
            logits = self._logits(x)
            loss += F.cross_entropy(logits.transpose(1, 2), labels, reduction="none").sum(1, dtype=torch.float64)
            correct += (logits.argmax(2) == labels).sum(1)
        count = len(positions[0])
        return (loss / count).cpu().numpy(), (correct.double() / count).cpu().numpy()

    def weights(self, replica: int) -> Weights:
        values = self.parameters | self.buffers
        return {name: values[name][replica].detach().cpu().clone() for name in self.starts[replica].weights}

    def moments(self, replica: int) -> Moments | None:
        state = {name: self.optimizer.state[value] for name, value in self.parameters.items()}
        if not all("exp_avg" in s for s in state.values()):
            return None
        first = {name: s["exp_avg"][replica].cpu().clone() for name, s in state.items()}
        second = {name: s["exp_avg_sq"][replica].cpu().clone() for name, s in state.items()}
        return Moments(first, second, int(next(iter(state.values()))["step"]))

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        """Images (R, n, channels, height, width) → logits (R, n, classes)."""
        values = (self.parameters, self.buffers)
        if len(self.starts) == 1:
            alone = tuple({name: value[0] for name, value in group.items()} for group in values)
            return functional_call(self.net, alone, (x[0],))[None]
        return vmap(lambda p, b, images: functional_call(self.net, (p, b), (images,)))(*values, x)

    def _losses(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of every replica's batch, shape (R,)."""
        return F.cross_entropy(self._logits(x).transpose(1, 2), labels, reduction="none").mean(1)

    def _augment(self, x: torch.Tensor, start: Start) -> torch.Tensor:
        """Random horizontal flips and 4-pixel pad-and-crop with the run's own generator, where the recipe says so."""
        if not self.recipe.augment:
            return x
        n, _, height, width = x.shape
        flip, rows, columns = (
            torch.randint(bound, (n,), generator=start.augmentation).to(self.device) for bound in (2, 9, 9)
        )
        x = torch.where(flip.view(n, 1, 1, 1).bool(), x.flip(3), x)
        padded = F.pad(x, (4, 4, 4, 4)).permute(0, 2, 3, 1)
        images = torch.arange(n, device=self.device).view(n, 1, 1)
        rows = rows.view(n, 1, 1) + torch.arange(height, device=self.device).view(1, -1, 1)
        columns = columns.view(n, 1, 1) + torch.arange(width, device=self.device).view(1, 1, -1)
        return padded[images, rows, columns].permute(0, 3, 1, 2)


def _to(images: Images, device: torch.device) -> Images:
    """The images on `device`."""
    return Images(*(t.to(device) for t in (images.pixels, images.labels, images.scale, images.shift)))


def _optimizer(recipe: Recipe, parameters: Weights, moments: list[Moments | None]) -> torch.optim.Optimizer:
    """PyTorch's optimizer over stacked parameters, fresh unless moments are given."""
    o = recipe.optimizer
    if o.name == "sgd":
        return torch.optim.SGD(parameters.values(), o.learning_rate, o.momentum, weight_decay=o.weight_decay)
    adam = torch.optim.Adam(parameters.values(), o.learning_rate, weight_decay=o.weight_decay, fused=True)
    if all(moments):
        for name, value in parameters.items():
            adam.state[value] = {
                "step": torch.tensor(float(moments[0].steps), device=value.device),
                "exp_avg": torch.stack([m.first[name] for m in moments]).to(value.device),
                "exp_avg_sq": torch.stack([m.second[name] for m in moments]).to(value.device),
            }
    return adam

"""One run of a network of convolutions on one core at a cost that follows its density: see lth.engines._convolve."""

import numpy as np
import torch

from lth.data import TrialData, augment, draw
from lth.engines import _features as features
from lth.engines._assembly import assemble, flatten, parameters
from lth.engines._elementwise import classify
from lth.engines._optimizers import Flat, adam, sgd
from lth.engines._preconditions import part_of
from lth.engines._tracing import trace
from lth.errors import LthError
from lth.models import skeleton
from lth.recipes import Recipe
from lth.training import Moments, Start, Weights


class Convolutions:
    """A stack of one (lth.training.Engine) whose steps and measurements touch surviving weights only."""

    def __init__(self, recipe: Recipe, data: list[TrialData], starts: list[Start]):
        """Lay out weights and feature maps. Raises LthError where network or number of runs do not fit."""
        if len(starts) != 1:
            raise LthError(f"the CPU engines train one run at a time, not {len(starts)}: choose the stacked engine")
        (self._data,), (start,) = data, starts
        self._recipe, self._start = recipe, start
        net = skeleton(recipe)
        traced = trace(net, recipe.shape)
        self._names = [name for name, _ in net.named_parameters()]
        if unknown := [name for name in start.masks if name not in self._names]:
            raise LthError(f"there is a mask for {unknown[0]}, which the network does not train")
        self._parameters = parameters(self._names, start)
        moments = start.moments or Moments({}, {}, 0)
        self._first, self._second = (flatten(self._parameters, part) for part in (moments.first, moments.second))
        self._steps = moments.steps
        self._images, self._layers, self._logits = assemble(*traced, recipe.batch_size, self._parameters)

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        """Take indices.shape[1] steps after `iteration` finished ones; returns the mean training loss, shape (1,).

        Denormal numbers are flushed to 0 in the calling thread from here on: moments that fade away would cost tenfold.
        """
        torch.set_flush_denormal(True)
        images, (batches,) = self._data.images, indices
        kinds = draw(batches.shape, self._start.augmentation) if self._recipe.augment else None
        loss = 0.0
        for step, chosen in enumerate(batches):
            pixels = images.pixels[chosen]
            if kinds is not None:
                pixels = augment(pixels, kinds[step])
            self._fill(images.as_floats(pixels, chosen), training=True)
            loss += self._classify(images.labels[chosen].numpy(), 1 / len(chosen))[0] / len(chosen)
            for layer in reversed(self._layers):
                layer.backward(len(chosen))
            self._update(self._recipe.optimizer.learning_rate_at(iteration + step))
        return np.array([loss / len(batches)])

    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean cross-entropy (nats) and accuracy (0 to 1) on one of lth.training.PARTS, each of shape (1,)."""
        torch.set_flush_denormal(True)
        images, positions = part_of(self._data, part)
        loss, right = 0.0, 0
        for chosen in positions.split(self._recipe.batch_size):
            self._fill(images.floats(chosen), training=False)
            part_loss, part_right = self._classify(images.labels[chosen].numpy(), 0.0)
            loss += part_loss
            right += part_right
        return np.array([loss / len(positions)]), np.array([right / len(positions)])

    def weights(self, replica: int) -> Weights:
        """A copy of the weights and buffers, exactly 0 where masked."""
        trained = self._unflatten(self._parameters.values)
        buffers = {name: torch.from_numpy(value.copy()) for name, value in self._parameters.buffers.items()}
        return {name: (trained | buffers)[name] for name in self._start.weights}

    def moments(self, replica: int) -> Moments | None:
        """A copy of Adam's state, 0 where masked; None for SGD."""
        if self._recipe.optimizer.name == "sgd":
            return None
        return Moments(self._unflatten(self._first), self._unflatten(self._second), self._steps)

    def _fill(self, images: torch.Tensor, training: bool) -> None:
        """Compute the logits of at most a batch of images."""
        into = self._images.layout
        pixels = images.reshape(len(images), into.channels, into.height, into.width).contiguous()
        features.pack(pixels.numpy(), self._images.values, self._images.kept)
        for layer in self._layers:
            layer.forward(len(images), training)
        self._logits.settle(len(images))

    def _classify(self, labels: np.ndarray, weight: float) -> tuple[float, int]:
        """Summed loss and number of right answers; fills the derivatives by the logits."""
        layout = self._logits.layout
        logits, deltas = (
            values.reshape(layout.groups, layout.channels, layout.together)
            for values in (self._logits.values, self._logits.gradient)
        )
        loss, right = 0.0, 0
        for group in range(layout.groups):
            some = labels[group * layout.together : (group + 1) * layout.together]
            part_loss, part_right = classify(logits[group], some, deltas[group], np.float32(weight))
            loss += part_loss
            right += part_right
        return loss, right

    def _update(self, rate: float) -> None:
        o, flat = (
            self._recipe.optimizer,
            Flat(self._parameters.values, self._parameters.gradient, self._first, self._second),
        )
        self._steps += 1
        if o.name == "sgd":
            sgd(flat, np.float32(rate), np.float32(o.momentum), np.float32(o.weight_decay))
        else:
            adam(flat, rate, np.float32(o.weight_decay), self._steps)

    def _unflatten(self, flat: np.ndarray) -> Weights:
        parameters = {}
        for name in self._names:
            survives = torch.from_numpy(self._parameters.survives[name])
            values = torch.zeros(survives.shape)
            values[survives] = torch.from_numpy(flat[self._parameters.slices[name]].copy())
            parameters[name] = values
        return parameters

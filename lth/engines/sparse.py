"""One run of a fully connected net on one core at a cost that follows its density: see lth.engines._kernels."""

import numpy as np
import torch

from lth.data import Images, TrialData
from lth.engines import _kernels
from lth.engines._connected import affine, layer_names, part_of
from lth.engines._kernels import LANES, Graph, Inputs
from lth.engines._passes import Adam
from lth.recipes import Recipe
from lth.training import Masks, Moments, Start, Weights

Places = dict[str, tuple[np.ndarray, np.ndarray]]  # by parameter: survivors' positions in it, and in the flat array

TILE = 96
TILED=[1]


class Sparse:
    """A stack of one (lth.training.Engine) whose steps and measurements touch surviving weights only."""

    def __init__(self, recipe: Recipe, data: list[TrialData], starts: list[Start]):
        """Lay out the surviving weights. Raises LthError where net, optimizer or number of runs do not fit."""
        names = layer_names(recipe, starts)
        (self._data,), (start,) = data, starts
        self._recipe = recipe
        self._shapes = {name: weight.shape for name, weight in start.weights.items()}
        self._graph, self._places, size = _layout(names, self._shapes, start.masks)
        moments = start.moments
        self._adam = Adam(
            self._flatten(start.weights, size),
            _room(size),
            self._flatten(moments.first if moments else {}, size),
            self._flatten(moments.second if moments else {}, size),
        )
        self._steps = moments.steps if moments else 0
        self._rows = _room(len(self._graph.pixels) + len(self._graph.bias), LANES)
        self._deltas = _room(len(self._graph.bias), LANES)
        self._inputs = {id(images): _inputs(images) for images in (self._data.images, self._data.test)}

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        """Take indices.shape[1] steps after `iteration` finished ones; returns the mean training loss, shape (1,).

        Denormal numbers are flushed to 0 in the calling thread from here on: moments that fade away would cost tenfold.
        """
        torch.set_flush_denormal(True)
        batches = indices[0].contiguous().numpy()
        rates = np.array([self._recipe.optimizer.learning_rate_at(iteration + i) for i in range(len(batches))])
        inputs = self._inputs[id(self._data.images)]
        loss = _kernels.train(self._graph, inputs, self._adam, batches, rates, self._steps, self._rows, self._deltas)
        self._steps += len(batches)
        return np.array([loss])

    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean cross-entropy (nats) and accuracy (0 to 1) on one of lth.training.PARTS, each of shape (1,)."""
        images, positions = part_of(self._data, part)
        inputs = self._inputs[id(images)]
        loss, accuracy = _kernels.measure(self._graph, inputs, positions.numpy(), self._adam.values, self._rows)
        return np.array([loss]), np.array([accuracy])

    def weights(self, replica: int) -> Weights:
        """A copy of the weights, exactly 0 where masked."""
        return self._unflatten(self._adam.values)

    def moments(self, replica: int) -> Moments:
        """A copy of Adam's state, 0 where masked."""
        return Moments(self._unflatten(self._adam.first), self._unflatten(self._adam.second), self._steps)

    def _flatten(self, parameters: Weights, size: int) -> np.ndarray:
        flat = _room(size)
        for name, values in parameters.items():
            inside, places = self._places[name]
            flat[places] = values.detach().flatten().numpy()[inside]
        return flat

    def _unflatten(self, flat: np.ndarray) -> Weights:
        parameters = {name: torch.zeros(shape) for name, shape in self._shapes.items()}
        for name, (inside, places) in self._places.items():
            parameters[name].view(-1)[torch.from_numpy(inside)] = torch.from_numpy(flat[places])
        return parameters


def _room(*shape: int) -> np.ndarray:
    """Zeros that start at a cache line, as PyTorch's do: a row across two lines would take two loads."""
    return torch.zeros(shape).numpy()


def _inputs(images: Images) -> Inputs:
    return Inputs(images.pixels.flatten(1).contiguous().numpy(), *affine(images), images.labels.contiguous().numpy())


def _layout(names: list[str], shapes: dict[str, torch.Size], masks: Masks) -> tuple[Graph, Places, int]:
    """The graph of surviving weights, where each parameter's survivors lie in the flat array, and the array's length.

    Only what leads to a class is in the graph: first its weights, then its biases. The gradient of everything else is
    0; those survivors lie idle at the end, where Adam still passes (moments that a start brings along may move them).
    """
    survives = {name: np.ones(shape, bool) for name, shape in shapes.items()}
    survives |= {name: mask.bool().numpy() for name, mask in masks.items()}
    weights, biases = [f"{name}.weight" for name in names], [f"{name}.bias" for name in names]
    leads = [np.ones(shapes[biases[-1]], bool)]  # from the pixels to the classes, what leads to a class
    for name in reversed(weights):
        leads.insert(0, (survives[name] & leads[0][:, None]).any(0))
    used = [survives[name] & out[:, None] for name, out in zip(weights, leads[1:], strict=True)]

    rows = np.split(np.cumsum(np.concatenate(leads)) - 1, np.cumsum([len(part) for part in leads])[:-1])
    pixels, units = int(leads[0].sum()), sum(int(out.sum()) for out in leads[1:])
    ends = [np.nonzero(mask) for mask in used]  # (output, input) of each weight
    target = np.concatenate([out[t] for (t, _), out in zip(ends, rows[1:], strict=True)]) - pixels
    source = np.concatenate([into[s] for (_, s), into in zip(ends, rows[:-1], strict=True)])
    layer = np.repeat(np.arange(len(used)), [mask.sum() for mask in used])
    tile = source // TILE * TILED[0]
    order = np.lexsort((source, target, tile, layer))
    target, source, tile = target[order], source[order], tile[order]

    active = np.concatenate([part.ravel() for part in (*used, *leads[1:])])
    idle = np.concatenate([survives[name].ravel() for name in weights + biases]) & ~active
    count = len(order) + units
    flat = np.where(idle, count + np.cumsum(idle) - 1, 0)
    flat[active] = np.concatenate([np.argsort(order), np.arange(len(order), count)])
    flat = np.split(flat, np.cumsum([survives[name].size for name in weights + biases])[:-1])
    inside = [np.flatnonzero(survives[name]) for name in weights + biases]
    places = {name: (i, part[i]) for name, i, part in zip(weights + biases, inside, flat, strict=True)}

    changes = np.flatnonzero(np.diff(target, prepend=-1) | np.diff(tile, prepend=-1))
    alone = np.setdiff1d(np.arange(units), target)  # fed by their bias only: empty segments at the beginning
    unit = np.concatenate([alone, target[changes]])
    out_weight = np.argsort(source, kind="stable")[np.count_nonzero(source < pixels) :]
    graph = Graph(
        pixels=np.flatnonzero(leads[0]),
        unit=unit,
        opens=_among(np.unique(unit, return_index=True)[1], len(unit)),
        closes=_among(len(unit) - 1 - np.unique(unit[::-1], return_index=True)[1], len(unit)),
        first=np.concatenate([np.zeros(len(alone), np.int64), changes, [len(target)]]),
        source=source.astype(np.uint32),
        out_first=np.searchsorted(source[out_weight] - pixels, np.arange(units + 1)),
        out_target=target[out_weight].astype(np.uint32),
        out_weight=out_weight.astype(np.uint32),
        bias=len(target) + np.arange(units),
        free=np.concatenate([survives[b][out] for b, out in zip(biases, leads[1:], strict=True)]).astype(np.float32),
        classes=len(leads[-1]),
    )
    return graph, places, count + int(idle.sum())


def _among(positions: np.ndarray, count: int) -> np.ndarray:
    """True at these of `count` positions."""
    return np.isin(np.arange(count), positions)

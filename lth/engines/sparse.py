"""One run of a fully connected net on one core at a cost that follows its density: see lth.engines._kernels."""

import numpy as np
import torch

from lth.data import Images, TrialData
from lth.engines._elementwise import Adam
from lth.engines._kernels import LANES, TILE, Graph, Inputs, Room, measure, train
from lth.engines._preconditions import affine, layer_names, part_of
from lth.recipes import Recipe
from lth.training import Masks, Moments, Start, Weights

Places = dict[str, tuple[np.ndarray, np.ndarray]]  # by parameter: survivors' positions in it, and in the flat array


class Sparse:
    """A stack of one (lth.training.Engine) whose steps and measurements touch surviving weights only."""

    def __init__(self, recipe: Recipe, data: list[TrialData], starts: list[Start]):
        """Lay out the surviving weights. Raises LthError where net, optimizer or number of runs do not fit."""
        names = layer_names(recipe, starts)
        (self._data,), (start,) = data, starts
        self._recipe = recipe
        self._shapes = {name: weight.shape for name, weight in start.weights.items()}
        self._graph, self._places, size = _layout(names, self._shapes, start.masks)
        moments = start.moments or Moments({}, {}, 0)
        flats = [self._flatten(part, size) for part in (start.weights, {}, moments.first, moments.second)]
        self._adam = Adam(*flats)
        self._steps = moments.steps
        self._mask = np.zeros(size, bool)
        self._mask[np.concatenate([places for _, places in self._places.values()])] = True
        self._inputs = {id(images): _inputs(images) for images in (self._data.images, self._data.test)}
        units = len(self._graph.bias)
        self._room = Room(
            images=_zeros(LANES, dtype=torch.int64),
            labels=_zeros(LANES, dtype=torch.int64),
            scales=_zeros(1, LANES),
            bytes=_zeros(self._shapes[f"{names[0]}.weight"][1], LANES, dtype=torch.uint8),
            rows=_zeros(len(self._graph.pixels) + units, LANES),
            deltas=_zeros(units, LANES),
        )

    def advance(self, indices: torch.Tensor, iteration: int) -> np.ndarray:
        """Take indices.shape[1] steps after `iteration` finished ones; returns the mean training loss, shape (1,)."""
        batches = indices[0].contiguous().numpy()
        rates = np.array([self._recipe.optimizer.learning_rate_at(iteration + i) for i in range(len(batches))])
        inputs = self._inputs[id(self._data.images)]
        loss = train(self._graph, inputs, self._adam, self._mask, batches, rates, self._steps, self._room)
        self._steps += len(batches)
        return np.array([loss])

    def evaluate(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean cross-entropy (nats) and accuracy (0 to 1) on one of lth.training.PARTS, each of shape (1,)."""
        images, positions = part_of(self._data, part)
        inputs = self._inputs[id(images)]
        loss, accuracy = measure(self._graph, inputs, positions.numpy(), self._adam.values, self._room)
        return np.array([loss]), np.array([accuracy])

    def weights(self, replica: int) -> Weights:
        """A copy of the weights, exactly 0 where masked."""
        return self._unflatten(self._adam.values)

    def moments(self, replica: int) -> Moments:
        """A copy of Adam's state, 0 where masked."""
        return Moments(self._unflatten(self._adam.first), self._unflatten(self._adam.second), self._steps)

    def _flatten(self, parameters: Weights, size: int) -> np.ndarray:
        flat = _zeros(size)
        for name, values in parameters.items():
            inside, places = self._places[name]
            flat[places] = values.detach().flatten().numpy()[inside]
        return flat

    def _unflatten(self, flat: np.ndarray) -> Weights:
        parameters = {name: torch.zeros(shape) for name, shape in self._shapes.items()}
        for name, (inside, places) in self._places.items():
            parameters[name].view(-1)[torch.from_numpy(inside)] = torch.from_numpy(flat[places])
        return parameters


def _zeros(*shape: int, dtype: torch.dtype = torch.float32) -> np.ndarray:
    """Zeros that start at a cache line, as PyTorch's do: a row across two lines would take two loads."""
    return torch.zeros(shape, dtype=dtype).numpy()


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
        leads.insert(0, np.asarray((survives[name] & leads[0][:, None]).any(0)))
    used = [survives[name] & out[:, None] for name, out in zip(weights, leads[1:], strict=True)]

    rows = np.split(np.cumsum(np.concatenate(leads)) - 1, np.cumsum([len(part) for part in leads])[:-1])
    pixels, units = int(leads[0].sum()), sum(int(out.sum()) for out in leads[1:])
    ends = [np.nonzero(mask) for mask in used]  # (output, input) of each weight
    target = np.concatenate([out[t] for (t, _), out in zip(ends, rows[1:], strict=True)]) - pixels
    source = np.concatenate([into[s] for (_, s), into in zip(ends, rows[:-1], strict=True)])
    layer = np.repeat(np.arange(len(used)), [mask.sum() for mask in used])
    order = np.lexsort((source, target, source // TILE, layer))

    count = len(order) + units
    active = np.concatenate([part.ravel() for part in (*used, *leads[1:])])
    idle = np.concatenate([survives[name].ravel() for name in weights + biases]) & ~active
    flat = np.where(idle, count + np.cumsum(idle) - 1, -1)
    flat[active] = np.concatenate([np.argsort(order), np.arange(len(order), count)])
    parts = np.split(flat, np.cumsum([survives[name].size for name in weights + biases])[:-1])
    inside = [np.flatnonzero(survives[name]) for name in weights + biases]
    places = {name: (i, part[i]) for name, i, part in zip(weights + biases, inside, parts, strict=True)}
    return (
        _graph(np.flatnonzero(leads[0]), units, target[order], source[order], len(leads[-1])),
        places,
        count + int(idle.sum()),
    )


def _graph(pixels: np.ndarray, units: int, target: np.ndarray, source: np.ndarray, classes: int) -> Graph:
    """The graph of the weights from rows `source` to units `target`, as they lie in the flat array."""
    starts = np.flatnonzero((np.diff(target, prepend=-1) != 0) | (np.diff(source // TILE, prepend=-1) != 0))
    alone = np.setdiff1d(np.arange(units), target)  # fed by their bias only: empty segments, before all others
    unit = np.concatenate([alone, target[starts]])
    opens, closes = np.zeros((2, len(unit)), bool)
    opens[np.unique(unit, return_index=True)[1]] = True
    closes[len(unit) - 1 - np.unique(unit[::-1], return_index=True)[1]] = True
    out_weight = np.argsort(source, kind="stable")[np.count_nonzero(source < len(pixels)) :]
    return Graph(
        pixels=pixels,
        unit=unit,
        opens=opens,
        closes=closes,
        first=np.concatenate([np.zeros(len(alone), np.int64), starts, [len(target)]]),
        source=source.astype(np.uint32),
        out_first=np.searchsorted(source[out_weight] - len(pixels), np.arange(units + 1)),
        out_target=target[out_weight].astype(np.uint32),
        out_weight=out_weight.astype(np.uint32),
        bias=len(target) + np.arange(units),
        classes=classes,
    )

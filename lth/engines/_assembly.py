"""The steps of a traced network, put together: where each feature map, its derivatives and each parameter lies."""

from dataclasses import replace

import numpy as np

from lth.engines._layers import Convolution, Map, Parameters, Reshaping
from lth.engines._maps import Layout, room, together
from lth.engines._tracing import Layer, Step, Value
from lth.models import Weights
from lth.training import Start

Steps = list[Convolution | Reshaping]


def parameters(names: list[str], start: Start) -> Parameters:
    """The survivors of every parameter, one parameter after the other, and a copy of the buffers."""
    survives = {name: np.ones(tuple(start.weights[name].shape), bool) for name in names}
    survives |= {name: mask.numpy() for name, mask in start.masks.items()}
    slices, size = {}, 0
    for name in names:
        count = int(survives[name].sum())
        slices[name] = slice(size, size + count)
        size += count
    buffers = {name: value.numpy().copy() for name, value in start.weights.items() if name not in slices}
    made = Parameters(room(size), room(size), slices, survives, buffers)
    made.values[:] = flatten(made, start.weights)
    return made


def flatten(like: Parameters, values: Weights) -> np.ndarray:
    """The survivors of parameters by name as one array, 0 for those that are not given."""
    flat = room(len(like.values))
    for name, where in like.slices.items():
        if name in values:
            flat[where] = values[name].detach().numpy()[like.survives[name]]
    return flat


def assemble(
    images: Value, steps: list[Step], logits: Value, batch: int, trained: Parameters
) -> tuple[Map, Steps, Map]:
    """The map of the images, the steps with their memory, and the map of the logits."""
    shared: dict[Layout, np.ndarray] = {}
    values = [images, *(step.target for step in steps if step.target)]
    known = {value: _map(value, steps, batch, shared) for value in values}
    deltas: dict[Layout, np.ndarray] = {}
    made: Steps = [
        Convolution(step, known, deltas, trained, step.source is images)
        if isinstance(step, Layer)
        else Reshaping(step, known)
        for step in steps
    ]
    _share_gradients(made, known[images], known[logits])
    _join(made)
    return known[images], made, known[logits]


def _map(value: Value, steps: list[Step], batch: int, shared: dict[Layout, np.ndarray]) -> Map:
    """A map with the border and phases that the convolutions ask for that read it, and its memory.

    What a layer makes for one convolution alone passes through memory for one group of images.
    """
    layers = [step for step in steps if isinstance(step, Layer)]
    readers = [layer for layer in layers if layer.source is value]
    layout = Layout(
        *value.shape,
        together(readers[0].shape[2] if readers else value.shape[2], batch),
        batch,
        border=max((max(layer.padding) for layer in readers), default=0),
        stride=readers[0].stride if readers else 1,
    )
    others = sum(layer.other is value for layer in layers)
    others += sum(step.source is value for step in steps if not isinstance(step, Layer))
    nothing = np.empty(0, np.float32)
    if len(readers) != 1 or others or not any(layer.target is value for layer in layers):
        return Map(layout, layout.room(), nothing, layout.places, layout.places)
    one = replace(layout, batch=layout.together)
    groups = np.tile(one.places.groups, layout.groups)[: len(layout.places.groups)]
    values = shared.setdefault(one, one.room())
    return Map(layout, values, nothing, layout.places, one.places._replace(groups=groups), passing=True)


def _share_gradients(steps: Steps, images: Map, logits: Map) -> None:
    """Give every map memory for its derivatives, from the last to the first: it is used again once it is done with."""
    free: dict[Layout, list[np.ndarray]] = {}

    def need(found: Map) -> bool:
        """Memory for the derivatives by a map; whether nothing has been written to it."""
        if len(found.gradient):
            return False
        kept = free.get(found.layout)
        found.gradient = kept.pop() if kept else found.layout.room()
        return True

    need(logits)
    for step in reversed(steps):
        handed_on = False
        if isinstance(step, Convolution) and step.other is not None:
            # The derivatives by what is added are those by the sum.
            handed_on = not len(step.other.gradient) and step.other is not step.x and step.other.layout == step.y.layout
            if handed_on:
                step.other.gradient = step.y.gradient
            else:
                step.other_fresh = need(step.other)
        if isinstance(step, Reshaping) or step.x is not images:
            step.x_fresh = need(step.x)
        if not handed_on:
            free.setdefault(step.y.layout, []).append(step.y.gradient)


def _join(steps: Steps) -> None:
    """Tell each convolution which one made its input, where it is the last to add to the derivatives by that."""
    makers, seen = {id(step.y): step for step in steps}, set()
    for step in steps:
        maker = makers.get(id(step.x))
        if isinstance(step, Convolution):
            if isinstance(maker, Convolution) and id(step.x) not in seen and step.other is not step.x:
                step.before = maker
            seen.add(id(step.other))
        seen.add(id(step.x))

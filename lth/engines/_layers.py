"""The steps of a network with their memory: each computes its output, and goes back to derivatives and gradients."""

from dataclasses import dataclass, replace

import numpy as np

from lth.engines import _features as features
from lth.engines import _maps as maps
from lth.engines import _passes as passes
from lth.engines._convolve import gather, take
from lth.engines._features import Activation, Collection, Places
from lth.engines._maps import Layout, room
from lth.engines._tracing import Layer, Reshape, Value
from lth.engines._vectors import PART


@dataclass
class Map:
    """A feature map in memory, and the derivatives of the loss by it."""

    layout: Layout
    values: np.ndarray
    gradient: np.ndarray
    places: Places  # of the derivatives
    kept: Places  # of the values
    waiting: Activation | None = None  # what has yet to be done to have the values
    passing: bool = False  # whether memory holds one group only: made for its one reader, again when that goes back
    made: Activation | None = None  # of what passes, how

    def settle(self, images: int) -> None:
        """Have the values of so many images, where that has been left to who needs them."""
        if self.waiting is not None:
            features.activate(self.waiting, 0, -(-images // PART))
            self.waiting = None


@dataclass(frozen=True)
class Parameters:
    """All that is trained, without what is masked, in flat arrays; and buffers by name."""

    values: np.ndarray  # float32
    gradient: np.ndarray
    slices: dict[str, slice]  # where each parameter lies
    survives: dict[str, np.ndarray]  # bool, by parameter
    buffers: dict[str, np.ndarray]


class Convolution:
    """A convolution or linear layer with BatchNorm, a sum and ReLU after it, as the network has it."""

    collected: bool = False  # whether the layer after this one has collected what this one needs to go back
    x_fresh = other_fresh = True  # whether nobody has written to these derivatives when this layer goes back
    before: "Convolution | None" = (
        None  # the layer that made the input, if nobody writes to its derivatives after this one
    )

    def __init__(
        self,
        step: Layer,
        known: dict[Value, Map],
        deltas: dict[Layout, np.ndarray],
        parameters: Parameters,
        first: bool,
    ):
        assert step.target is not None
        self.step, self.parameters, self.normed = step, parameters, step.norm is not None
        self.x, self.y = known[step.source], known[step.target]
        self.other = known[step.other] if step.other else None
        x, channels = self.x.layout, step.shape[0]
        z = Layout(*step.shape, x.together, x.batch)
        self.z, self.places, self.groups = z.room(), z.places, z.groups
        border = maps.reach(x, z, step.kernel, step.padding)
        one = replace(z, border=border, batch=z.together)
        self.delta = deltas.setdefault(one, one.room())
        self.delta_places = one.places._replace(groups=np.tile(one.places.groups, z.groups))
        survives, where = parameters.survives[step.weight], parameters.slices[step.weight]
        survives = survives.reshape(*survives.shape[:2], *step.kernel)
        positions = np.arange(where.start, where.stop)
        bias = np.full(channels, -1)
        if step.bias:
            here = parameters.slices[step.bias]
            bias[parameters.survives[step.bias]] = np.arange(here.start, here.stop)
        taps = maps.forward(x, z, survives, positions, bias, step.padding, self.x.passing)
        self.lanes = np.zeros(z.groups * z.together, np.float32)
        self.zeros, self.ones, self.mean = (np.full(channels, v, np.float32) for v in (0, 1, 0))
        self.sums = np.zeros((5, channels))  # of the output and its squares; of derivatives, products, deltas
        self.layer = passes.Convolved(taps, self.x.values, self.z, self.places, self.lanes, self.mean, *self.sums[:2])
        # The same weights where the deltas are read instead of the outputs.
        start = border * one.row + border * one.together
        self.back_taps = taps._replace(target=np.array([start, 0, one.channel, one.row]))
        self.further = () if first else maps.backward(one, x, survives, positions, step.padding)
        self.products = room(len(positions) * PART)

    def forward(self, images: int, training: bool) -> None:
        """Compute the output of the first `images` images from the input; the values of y are left waiting."""
        step, values = self.step, self.parameters.values
        take(self.layer.taps, values)
        self.lanes[:] = np.arange(len(self.lanes)) < images
        self.sums[:2] = 0
        other = self.other or self.y
        if self.other is not None:
            self.other.settle(images)
        plain = Activation(
            self.z, self.places, self.ones, self.zeros, other.values, other.kept, self.other is not None, step.relu,
            self.y.values, self.y.kept,
        )  # fmt: skip
        waiting = self.x.waiting
        measures = self.normed and training
        passes.forward(self.layer, values, self.groups, images, measures, waiting or plain, waiting is not None)
        self.x.waiting = None
        scale, shift = self._norm(images, training) if self.normed else (self.ones, self.zeros)
        self.y.waiting = self.y.made = plain._replace(scale=scale, shift=shift)

    def _norm(self, images: int, training: bool) -> tuple[np.ndarray, np.ndarray]:
        """Scale and shift of each channel; in training also the running statistics."""
        step, p = self.step, self.parameters
        mean, variance = (p.buffers[f"{step.norm}.running_{what}"] for what in ("mean", "var"))
        weight, bias = (p.values[p.slices[f"{step.norm}.{what}"]] for what in ("weight", "bias"))
        if not training:
            scale = weight / np.sqrt(variance.astype(np.float64) + step.epsilon)
            return scale.astype(np.float32), (bias - mean * scale).astype(np.float32)
        count = images * step.shape[1] * step.shape[2]
        off, square = self.sums[:2] / count
        now, spread = self.mean + off, np.maximum(square - off**2, 0)
        mean += np.float32(step.momentum) * (now - mean).astype(np.float32)
        variance += np.float32(step.momentum) * (spread * count / max(count - 1, 1) - variance).astype(np.float32)
        p.buffers[f"{step.norm}.num_batches_tracked"] += 1
        self.inverse = 1 / np.sqrt(spread + step.epsilon)
        self.mean[:] = now
        scale = weight * self.inverse
        return scale.astype(np.float32), (bias - now * scale).astype(np.float32)

    @property
    def collection(self) -> Collection:
        """What this layer asks of the derivatives by its output."""
        y = self.y
        return Collection(
            y.gradient, y.places, y.values, y.kept, self.step.relu, self.normed, self.z, self.places, self.mean,
            *self.sums[2:4],
        )  # fmt: skip

    def backward(self, images: int) -> None:
        """From the derivatives by the output to gradients of the parameters and the derivatives by the input."""
        step, p, y = self.step, self.parameters, self.y
        parts = -(-images // PART)
        if not self.collected:
            features.collect(self.collection, 0, parts)
        scale, slope, shift = self._through_norm(images) if self.normed else (self.zeros,) * 3
        if self.other is not None and self.other.gradient is not y.gradient:
            more = (self.other.gradient, self.other.places, step.shape[0], self.other_fresh)
            features.copy(y.gradient, y.places, *more, 0, parts)
        back = passes.Back(
            y.gradient, y.places, self.normed, self.z, self.places, scale, slope, shift, self.lanes, self.delta,
            self.delta_places, self.sums[4],
        )  # fmt: skip
        args = (back, self.back_taps, self.x.values, self.products, self.groups)
        if self.further:
            for phase in self.further:
                take(phase, p.values)
            before, made = self.before or self, self.x.made or self.y.made
            further = (self.further, p.values, self.x_fresh, self.x.gradient)
            passes.backward_further(*args, made, self.x.passing, *further, before.collection, self.before is not None)
            before.collected = self.before is not None
        else:
            passes.backward(*args)
        gather(self.layer.taps, self.products, p.gradient)
        if step.bias:
            p.gradient[p.slices[step.bias]] = self.sums[4][p.survives[step.bias]]
        self.sums[2:], self.collected = 0, False

    def _through_norm(self, images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What makes the derivatives by z of those by the normalised: their scale, z's, and a shift."""
        step, p = self.step, self.parameters
        weight, bias = p.slices[f"{step.norm}.weight"], p.slices[f"{step.norm}.bias"]
        sums, products = self.sums[2:4]
        count = images * step.shape[1] * step.shape[2]
        p.gradient[weight] = products * self.inverse
        p.gradient[bias] = sums
        scale = p.values[weight] * self.inverse
        slope = -scale * self.inverse**2 * products / count
        shift = -scale * sums / count - slope * self.mean
        return scale.astype(np.float32), slope.astype(np.float32), shift.astype(np.float32)


class Reshaping:
    """Pooling, averaging or flattening: what has no parameters."""

    x_fresh = True

    def __init__(self, step: Reshape, known: dict[Value, Map]):
        self.what, self.x, self.y = step.what, known[step.source], known[step.target]
        self.channels = step.source.shape[0]
        self.whole = step.what != "pool" or not (step.source.shape[1] % 2 or step.source.shape[2] % 2)

    def forward(self, images: int, training: bool) -> None:
        """Compute the output of the first `images` images."""
        self.x.settle(images)
        x, y, parts = self.x, self.y, -(-images // PART)
        both = (x.values, x.kept, y.values, y.kept, self.channels)
        if self.what == "pool":
            features.pool(*both, 0, parts)
        else:
            (features.average if self.what == "average" else features.flatten)(*both, False, True, 0, parts)

    def backward(self, images: int) -> None:
        """From the derivatives by the output to those by the input."""
        x, y, parts, fresh = self.x, self.y, -(-images // PART), self.x_fresh
        if self.what != "pool":
            function = features.average if self.what == "average" else features.flatten
            function(x.gradient, x.places, y.gradient, y.places, self.channels, True, fresh, 0, parts)
            return
        if not self.whole and fresh:  # what no square covers
            x.gradient[:], fresh = 0, False
        both = (x.values, x.kept, y.gradient, y.values, y.kept, x.gradient)
        features.unpool(*both, self.channels, fresh, 0, parts)

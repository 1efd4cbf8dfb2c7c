"""Compiled passes of a layer over a batch, a group of images after the other: what one leaves is read from a cache."""

from typing import NamedTuple

import numpy as np

from lth.engines._cache import cached
from lth.engines._convolve import Taps, convolve, correlate
from lth.engines._features import Places, activate, collect, moments, through_norm
from lth.engines._vectors import PART


class Convolved(NamedTuple):
    """A layer's convolution from x to z (at p), and what BatchNorm adds up of z − shift."""

    taps: Taps
    x: np.ndarray
    z: np.ndarray
    p: Places
    lanes: np.ndarray  # float32 (images of all groups,): 1 for an image, 0 beyond the batch
    shift: np.ndarray  # float32 (channels,)
    sums: np.ndarray  # float64 (channels,)
    squares: np.ndarray


class Back(NamedTuple):
    """From a layer's output (derivatives `gradient`, at p) back to its convolution: the arguments of through_norm."""

    gradient: np.ndarray
    p: Places
    normed: bool
    z: np.ndarray
    q: Places
    scale: np.ndarray
    slope: np.ndarray
    shift: np.ndarray
    lanes: np.ndarray
    delta: np.ndarray  # one group, at r
    r: Places
    biases: np.ndarray  # float64 (channels,): the deltas, added up


@cached
def forward(layer, flat, groups, images, measures, before, waits):
    """Convolve, and add up the moments where it `measures`; the activation `before` it comes first where it `waits`."""
    parts = len(layer.lanes) // PART // groups
    last = -(-images // PART)
    for group in range(-(-images // (parts * PART))):
        start, end = group * parts, min((group + 1) * parts, last)
        if waits:
            activate(before, start, end)
        convolve(layer.taps, flat, True, layer.x, layer.z, group)
        if measures:
            moments(layer.z, layer.p, start, end, layer.lanes, layer.shift, layer.sums, layer.squares)


@cached
def backward(back, taps, x, sums, groups):
    """The deltas of a layer's output, a group at a time, and from them the gradients of its biases and weights."""
    parts = len(back.lanes) // PART // groups
    for group in range(groups):
        through_norm(back, group * parts, (group + 1) * parts)
        correlate(taps, x, back.delta, sums, group)


@cached
def backward_further(back, taps, x, sums, groups, made, again, passes, flat, fresh, change, before, ends):
    """As `backward`, and the derivatives by the layer's input, `change`; they are added to it where not `fresh`.

    Where the input has not been kept, it is `made` `again`.
    Where nothing more comes to them (`ends`), what the layer `before` needs of them is collected on the way.
    """
    parts = len(back.lanes) // PART // groups
    for group in range(groups):
        start, end = group * parts, (group + 1) * parts
        through_norm(back, start, end)
        if again:
            activate(made, start, min(end, len(back.q.groups)))
        correlate(taps, x, back.delta, sums, group)
        for phase in passes:
            convolve(phase, flat, fresh, back.delta, change, group)
        if ends:
            collect(before, start, min(end, len(before.p.groups)))

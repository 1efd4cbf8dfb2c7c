"""Compiled passes over feature maps between convolutions: BatchNorm, ReLU, sums, pooling, and their derivatives.

Every pass takes the parts of a batch, PART images each, from `start` to `end`; p, q, … are the Places of the
maps beside them. Images beyond the batch's last are lanes with `lanes` = 0 (float32 (images,), else 1).
"""

from typing import NamedTuple

import numpy as np

from lth.engines._cache import cached
from lth.engines._vectors import PART, add, add_scaled, larger, load, multiply, splat, store, total, where_above, zeros


class Places(NamedTuple):
    """A value's position in a flat array: groups[image // PART] + channel × stride + rows[row] + columns[column]."""

    groups: np.ndarray  # int64 (parts of the batch,)
    stride: int
    rows: np.ndarray  # int64 (height,)
    columns: np.ndarray  # int64 (width,)


class Activation(NamedTuple):
    """What follows a convolution, z (at p): scale and shift of each channel, a sum, ReLU; it makes y (at r)."""

    z: np.ndarray
    p: Places
    scale: np.ndarray  # float32 (channels,)
    shift: np.ndarray
    other: np.ndarray  # what is added, at q
    q: Places
    adds: bool
    relu: bool
    y: np.ndarray
    r: Places


class Collection(NamedTuple):
    """The derivatives by y (at p; y itself is at r), which become 0 where y is (`relu`).

    Where `normed`, they and their products with z − shift (z at q) are added up for each channel.
    """

    gradient: np.ndarray
    p: Places
    y: np.ndarray
    r: Places
    relu: bool
    normed: bool
    z: np.ndarray
    q: Places
    shift: np.ndarray  # float32 (channels,)
    sums: np.ndarray  # float64 (channels,)
    products: np.ndarray


@cached
def pack(images, x, p):
    """Write images (float32 (n, channels, height, width)) into a map; lanes without an image keep what they are."""
    channels, height, width = images.shape[1:]
    for part in range(-(-len(images) // PART)):
        first = part * PART
        for c in range(channels):
            for i in range(height):
                for j in range(width):
                    place = p.groups[part] + c * p.stride + p.rows[i] + p.columns[j]
                    for lane in range(min(PART, len(images) - first)):
                        x[place + lane] = images[first + lane, c, i, j]


@cached
def moments(z, p, start, end, lanes, shift, sums, squares):
    """Add to `sums` and `squares` (float64 (channels,)) those of z − shift (float32 (channels,))."""
    nothing = zeros(16)
    for part in range(start, end):
        lane = load(nothing, lanes, part * PART)
        for c in range(len(shift)):
            first, second, minus = nothing, nothing, splat(nothing, -shift[c])
            for row in p.rows:
                for column in p.columns:
                    value = add(load(nothing, z, p.groups[part] + c * p.stride + row + column), minus)
                    first = add(first, value)
                    second = add(second, multiply(value, value))
            sums[c] += total(multiply(first, lane))
            squares[c] += total(multiply(second, lane))


@cached
def activate(one, start, end):
    """Make y = z × scale + shift, + `other` where `adds`, at least 0 where `relu`; `one` is an Activation."""
    z, p, scale, shift, other, q, adds, relu, y, r = one
    nothing = zeros(16)
    for part in range(start, end):
        for c in range(len(scale)):
            base = splat(nothing, shift[c])
            for i in range(len(r.rows)):
                source = p.groups[part] + c * p.stride + p.rows[i]
                more = q.groups[part] + c * q.stride + q.rows[i]
                target = r.groups[part] + c * r.stride + r.rows[i]
                for j in range(len(r.columns)):
                    value = add_scaled(base, scale[c], load(nothing, z, source + p.columns[j]))
                    if adds:
                        value = add(value, load(nothing, other, more + q.columns[j]))
                    if relu:
                        value = larger(value, nothing)
                    store(y, target + r.columns[j], value)


@cached
def collect(one, start, end):
    """What an Activation's derivatives ask for of all images: see Collection."""
    gradient, p, y, r, relu, normed, z, q, shift, sums, products = one
    nothing = zeros(16)
    for part in range(start, end):
        for c in range(len(shift)):
            first, second, minus = nothing, nothing, splat(nothing, -shift[c])
            for i in range(len(p.rows)):
                place = p.groups[part] + c * p.stride + p.rows[i]
                other = q.groups[part] + c * q.stride + q.rows[i]
                output = r.groups[part] + c * r.stride + r.rows[i]
                for j in range(len(p.columns)):
                    here = place + p.columns[j]
                    value = load(nothing, gradient, here)
                    if relu:
                        value = where_above(value, load(nothing, y, output + r.columns[j]), nothing)
                        store(gradient, here, value)
                    if normed:
                        first = add(first, value)
                        second = add(second, multiply(value, add(load(nothing, z, other + q.columns[j]), minus)))
            if normed:
                sums[c] += total(first)
                products[c] += total(second)


@cached
def through_norm(back, start, end):
    """Make delta: gradient × scale + z × slope + shift where `normed`, else gradient; 0 in lanes without an image.

    Adds up delta for each channel (the gradient of a bias). Beyond the parts of the batch delta becomes 0. `back` is a
    lth.engines._passes.Back.
    """
    gradient, p, normed, z, q, scale, slope, shift, lanes, delta, r, sums = back
    nothing = zeros(16)
    for part in range(len(p.groups), end):
        for c in range(len(scale)):
            for row in r.rows:
                for column in r.columns:
                    store(delta, r.groups[part] + c * r.stride + row + column, nothing)
    for part in range(start, min(end, len(p.groups))):
        lane = load(nothing, lanes, part * PART)
        for c in range(len(scale)):
            base, together = splat(nothing, shift[c]), nothing
            for i in range(len(p.rows)):
                place = p.groups[part] + c * p.stride + p.rows[i]
                other = q.groups[part] + c * q.stride + q.rows[i]
                target = r.groups[part] + c * r.stride + r.rows[i]
                for j in range(len(p.columns)):
                    value = load(nothing, gradient, place + p.columns[j])
                    if normed:
                        value = add_scaled(base, scale[c], value)
                        value = add_scaled(value, slope[c], load(nothing, z, other + q.columns[j]))
                    value = multiply(value, lane)
                    together = add(together, value)
                    store(delta, target + r.columns[j], value)
            sums[c] += total(together)


@cached
def copy(x, p, y, q, channels, fresh, start, end):
    """Make y = x, or y + x where not `fresh`: maps of the same size, however each lies in memory."""
    nothing = zeros(16)
    for part in range(start, end):
        for c in range(channels):
            for i in range(len(p.rows)):
                for j in range(len(p.columns)):
                    value = load(nothing, x, p.groups[part] + c * p.stride + p.rows[i] + p.columns[j])
                    place = q.groups[part] + c * q.stride + q.rows[i] + q.columns[j]
                    store(y, place, value if fresh else add(value, load(nothing, y, place)))


@cached
def flatten(x, p, y, q, channels, back, fresh, start, end):
    """A row for each channel and position, in this order; `back`: from the rows to the map."""
    nothing = zeros(16)
    for part in range(start, end):
        unit = 0
        for c in range(channels):
            for row in p.rows:
                for column in p.columns:
                    here = p.groups[part] + c * p.stride + row + column
                    there = q.groups[part] + unit * q.stride
                    unit += 1
                    if back:
                        value = load(nothing, y, there)
                        store(x, here, value if fresh else add(value, load(nothing, x, here)))
                    else:
                        store(y, there, load(nothing, x, here))


@cached
def average(x, p, y, q, channels, back, fresh, start, end):
    """The mean over all positions; `back`: from the derivatives by it to those by the map."""
    nothing = zeros(16)
    share = splat(nothing, np.float32(1 / (len(p.rows) * len(p.columns))))
    for part in range(start, end):
        for c in range(channels):
            there = q.groups[part] + c * q.stride
            value = multiply(load(nothing, y, there), share) if back else nothing
            for row in p.rows:
                for column in p.columns:
                    here = p.groups[part] + c * p.stride + row + column
                    if back:
                        store(x, here, value if fresh else add(value, load(nothing, x, here)))
                    else:
                        value = add(value, load(nothing, x, here))
            if not back:
                store(y, there, multiply(value, share))


@cached
def pool(x, p, y, q, channels, start, end):
    """The largest of each 2×2 positions."""
    nothing = zeros(16)
    for part in range(start, end):
        for c in range(channels):
            base = p.groups[part] + c * p.stride
            for i in range(len(q.rows)):
                top, bottom = base + p.rows[2 * i], base + p.rows[2 * i + 1]
                for j in range(len(q.columns)):
                    left, right = p.columns[2 * j], p.columns[2 * j + 1]
                    upper = larger(load(nothing, x, top + left), load(nothing, x, top + right))
                    lower = larger(load(nothing, x, bottom + left), load(nothing, x, bottom + right))
                    store(y, q.groups[part] + c * q.stride + q.rows[i] + q.columns[j], larger(upper, lower))


@cached
def unpool(x, p, change, y, q, gradient, channels, fresh, start, end):
    """From `change`, the derivatives by the pooled map y, to those by x: the first of the largest of four gets them.

    They are added to what is there where not `fresh`.
    """
    nothing = zeros(16)
    for part in range(start, end):
        for c in range(channels):
            base = p.groups[part] + c * p.stride
            for i in range(len(q.rows)):
                for j in range(len(q.columns)):
                    there = q.groups[part] + c * q.stride + q.rows[i] + q.columns[j]
                    left, most = load(nothing, change, there), load(nothing, y, there)
                    for corner in range(4):
                        here = base + p.rows[2 * i + corner // 2] + p.columns[2 * j + corner % 2]
                        value = load(nothing, x, here)
                        rest = where_above(left, most, value)  # what belongs to a later corner
                        mine = add_scaled(left, np.float32(-1), rest)
                        store(gradient, here, mine if fresh else add(mine, load(nothing, gradient, here)))
                        left = rest

"""Compiled loops of the sparse engine: 64 images side by side, one surviving weight after another.

The net is one graph. Its rows are first the pixels that still have a weight, then the units, inputs before their users;
a row holds a value for each of 64 images. A surviving weight costs one multiply-add of a row forward, one backward, and
one dot product of two rows for its gradient.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from lth.engines._cache import cached
from lth.engines._elementwise import classify, update
from lth.engines._simd import (
    LANES,
    add_dots,
    add_scaled,
    dot,
    gather_bytes,
    load,
    load_bytes,
    multiply,
    splat,
    store,
    where_positive,
)

TILE = 128  # rows of 256 bytes: a first-level cache full (32 KiB)


class Graph(NamedTuple):
    """Who feeds whom. P pixels and U units make rows 0 to P+U-1; the last units are the classes.

    The weights that feed a unit come in segments, one for each tile of TILE rows that they reach into, and the segments
    of a layer in the order of their tiles: so a tile is read from the first-level cache.
    """

    pixels: np.ndarray  # int64 (P,): position of the row's pixel in a flattened image
    unit: np.ndarray  # int64 (segments,): the unit that a segment feeds
    opens: np.ndarray  # bool (segments,): whether it is the unit's first
    closes: np.ndarray  # bool (segments,): whether it is the unit's last
    first: np.ndarray  # int64 (segments+1,): it holds weights first[s] to first[s+1] of the flat parameters
    source: np.ndarray  # uint32: the row at the other end of each weight
    out_first: np.ndarray  # int64 (U+1,): where in the two lists below what unit u feeds begins
    out_target: np.ndarray  # uint32: the unit that is fed
    out_weight: np.ndarray  # uint32: the weight's position in the flat parameters
    bias: np.ndarray  # int64 (U,): position of a unit's bias in the flat parameters
    classes: int


class Inputs(NamedTuple):
    """Images as bytes and what makes floats of them: byte × the image's scale × the pixel's scale + shift."""

    bytes: np.ndarray  # uint8 (images, inputs)
    image_scale: np.ndarray  # float32 (images,)
    pixel_scale: np.ndarray  # float32 (inputs,)
    shift: np.ndarray  # float32 (inputs,)
    labels: np.ndarray  # int64 (images,)


class Room(NamedTuple):
    """Memory to work in for 64 images; each array starts at a cache line."""

    images: np.ndarray  # int64 (LANES,): their positions
    labels: np.ndarray  # int64 (LANES,)
    scales: np.ndarray  # float32 (1, LANES)
    bytes: np.ndarray  # uint8 (inputs, LANES)
    rows: np.ndarray  # float32 (P+U, LANES): pixels, and what the units put out
    deltas: np.ndarray  # float32 (U, LANES): derivatives of the loss by what the units take in


@njit(error_model="numpy")
def _fill(graph, inputs, images, room):
    """Preprocess at most 64 images into the pixels' rows; lanes without an image repeat the first one."""
    for lane in range(LANES):
        image = images[lane if lane < len(images) else 0]
        room.images[lane] = image
        room.labels[lane] = inputs.labels[image]
        room.scales[0, lane] = inputs.image_scale[image]
    whole = len(room.bytes) // 16 * 16
    for pixel in range(0, whole, 16):
        gather_bytes(inputs.bytes, room.images, pixel, room.bytes)
    for pixel in range(whole, len(room.bytes)):
        for lane in range(LANES):
            room.bytes[pixel, lane] = inputs.bytes[room.images[lane], pixel]
    for row, pixel in enumerate(graph.pixels):
        value = multiply(load_bytes(room.bytes, pixel), load(room.scales, 0))
        store(room.rows, row, add_scaled(splat(inputs.shift[pixel]), inputs.pixel_scale[pixel], value))


@njit(error_model="numpy")
def _forward(graph, values, rows):
    """Compute the units' rows from the pixels' rows: ReLU everywhere but in the classes."""
    pixels, hidden = len(graph.pixels), len(graph.bias) - graph.classes
    for segment, unit in enumerate(graph.unit):
        total = splat(values[graph.bias[unit]]) if graph.opens[segment] else load(rows, pixels + unit)
        for k in range(graph.first[segment], graph.first[segment + 1]):
            total = add_scaled(total, values[k], load(rows, graph.source[k]))
        if graph.closes[segment] and unit < hidden:
            total = where_positive(total, total)
        store(rows, pixels + unit, total)


@njit(error_model="numpy")
def _backward(graph, values, rows, deltas, gradient):
    """Add to `gradient` that of the loss, given its derivatives by the classes in the last rows of `deltas`."""
    pixels, hidden = len(graph.pixels), len(graph.bias) - graph.classes
    for unit in range(hidden - 1, -1, -1):
        delta = splat(np.float32(0))
        for k in range(graph.out_first[unit], graph.out_first[unit + 1]):
            delta = add_scaled(delta, values[graph.out_weight[k]], load(deltas, graph.out_target[k]))
        store(deltas, unit, where_positive(delta, load(rows, pixels + unit)))
    ones = splat(np.float32(1))
    for unit, place in enumerate(graph.bias):
        gradient[place] += dot(load(deltas, unit), ones)
    for segment, unit in enumerate(graph.unit):
        delta = load(deltas, unit)
        k, end = graph.first[segment], graph.first[segment + 1]
        while k + 16 <= end:
            add_dots(gradient, k, delta, rows, graph.source)
            k += 16
        while k < end:
            gradient[k] += dot(delta, load(rows, graph.source[k]))
            k += 1


@njit(error_model="numpy")
def _classify(graph, images, weight, room):
    """lth.engines._elementwise.classify of the first `images` lanes; fills the classes' deltas."""
    logits, deltas = room.rows[len(room.rows) - graph.classes :], room.deltas[len(room.deltas) - graph.classes :]
    return classify(logits, room.labels[:images], deltas, np.float32(weight))


@cached
def train(graph, inputs, adam, mask, batches, rates, steps, room):
    """Take a step for every batch of positions in `batches` (int64, (steps, batch)); returns the mean loss.

    `rates` holds each step's learning rate; `steps` were taken before; `mask` is that of `_elementwise.update`.
    """
    size = batches.shape[1]
    loss = 0.0
    for step in range(len(batches)):
        adam.gradient[:] = 0
        for start in range(0, size, LANES):
            images = batches[step, start : start + LANES]
            _fill(graph, inputs, images, room)
            _forward(graph, adam.values, room.rows)
            loss += _classify(graph, len(images), 1 / size, room)[0]
            _backward(graph, adam.values, room.rows, room.deltas, adam.gradient)
        update(adam, mask, rates[step], steps + step + 1)
    return loss / batches.size


@cached
def measure(graph, inputs, images, values, room):
    """Mean cross-entropy and accuracy on `images` (int64 positions)."""
    loss, right = 0.0, 0
    for start in range(0, len(images), LANES):
        part = images[start : start + LANES]
        _fill(graph, inputs, part, room)
        _forward(graph, values, room.rows)
        part_loss, part_right = _classify(graph, len(part), 0.0, room)
        loss += part_loss
        right += part_right
    return loss / len(images), right / len(images)

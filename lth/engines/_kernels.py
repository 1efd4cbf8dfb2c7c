"""Compiled loops of the sparse engine: 64 images side by side, one surviving weight after another.

The net is one graph. Its rows are first the pixels that still have a weight, then the units, inputs before their users;
a row holds a value for each of 64 images. A surviving weight costs one multiply-add of a row forward, one backward, and
one dot product of two rows for its gradient.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from lth.engines._lanes import (
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
from lth.engines._passes import cached, classify, update


class Graph(NamedTuple):
    """Who feeds whom. P pixels and U units make rows 0 to P+U-1; the last units are the classes.

    The weights that feed a unit come in segments, so that all that use one tile of the rows (TILE of them, as many as
    fit into the first-level cache) come together.
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

    bytes: np.ndarray  # uint8 (images, inputs); where they are measured (tiles, inputs, LANES)
    image_scale: np.ndarray  # float32 (images,); where they are measured (tiles, LANES)
    pixel_scale: np.ndarray  # float32 (inputs,)
    shift: np.ndarray  # float32 (inputs,)
    labels: np.ndarray  # int64 (images,)


@njit(error_model="numpy")
def _fill(graph, inputs, images, room, bytes, rows):
    """Preprocess at most 64 images into the pixels' rows; lanes without an image repeat the first one."""
    chosen, labels, scales = room
    for lane in range(LANES):
        image = images[lane if lane < len(images) else 0]
        chosen[lane] = image
        labels[lane] = inputs.labels[image]
        scales[0, lane] = inputs.image_scale[image]
    whole = len(bytes) // 16 * 16
    for pixel in range(0, whole, 16):
        gather_bytes(inputs.bytes, chosen, pixel, bytes)
    for pixel in range(whole, len(bytes)):
        for lane in range(LANES):
            bytes[pixel, lane] = inputs.bytes[chosen[lane], pixel]
    for row, pixel in enumerate(graph.pixels):
        value = multiply(load_bytes(bytes, pixel), load(scales, 0))
        store(rows, row, add_scaled(splat(inputs.shift[pixel]), inputs.pixel_scale[pixel], value))


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


@cached
def train(graph, inputs, adam, batches, rates, steps, rows, deltas):
    """Take a step for every batch of positions in `batches` (int64, (steps, batch)); returns the mean loss.

    `steps` were taken before; `rates` holds each step's learning rate; `rows` (P+U, LANES) and `deltas` (U, LANES) are
    room to work in.
    """
    size = batches.shape[1]
    logits, classes = len(rows) - graph.classes, len(deltas) - graph.classes
    room = _room()
    bytes = np.empty((inputs.bytes.shape[1], LANES), np.uint8)
    loss = 0.0
    for step in range(len(batches)):
        for start in range(0, size, LANES):
            images = batches[step, start : start + LANES]
            _fill(graph, inputs, images, room, bytes, rows)
            _forward(graph, adam.values, rows)
            labels = room[1][: len(images)]
            loss += classify(rows[logits:], labels, deltas[classes:], np.float32(1 / size))[0]
            _backward(graph, adam.values, rows, deltas, adam.gradient)
        update(adam, rates[step], steps + step + 1)
    return loss / batches.size


@cached
def measure(graph, inputs, images, values, rows):
    """Mean cross-entropy and accuracy on `images` (int64 positions); `rows` is room to work in."""
    room = _room()
    bytes = np.empty((inputs.bytes.shape[1], LANES), np.uint8)
    deltas = np.empty((graph.classes, LANES), np.float32)
    loss, right = 0.0, 0
    for start in range(0, len(images), LANES):
        part = images[start : start + LANES]
        _fill(graph, inputs, part, room, bytes, rows)
        _forward(graph, values, rows)
        part_loss, part_right = classify(rows[len(rows) - graph.classes :], room[1][: len(part)], deltas, np.float32(0))
        loss += part_loss
        right += part_right
    return loss / len(images), right / len(images)


@njit(error_model="numpy")
def _room():
    return np.empty(LANES, np.int64), np.empty(LANES, np.int64), np.empty((1, LANES), np.float32)

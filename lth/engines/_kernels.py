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


class Graph(NamedTuple):
    """Who feeds whom. P pixels and U units make rows 0 to P+U-1; the last units are the classes."""

    pixels: np.ndarray  # int64 (P,): position of the row's pixel in a flattened image
    first: np.ndarray  # int64 (U+1,): weights first[u] to first[u+1] of the flat parameters feed unit u
    source: np.ndarray  # uint32: the row at the other end of each of these weights
    out_first: np.ndarray  # int64 (U+1,): likewise for the two lists below, of what unit u feeds
    out_target: np.ndarray  # uint32: the unit that is fed
    out_weight: np.ndarray  # uint32: the weight's position in the flat parameters
    bias: np.ndarray  # int64 (U,): position of a unit's bias in the flat parameters
    free: np.ndarray  # float32 (U,): 0 where that bias is masked, else 1
    classes: int


class Inputs(NamedTuple):
    """Images as bytes and what makes floats of them: byte × the image's scale × the pixel's scale + shift."""

    bytes: np.ndarray  # uint8 (images, inputs); where they are measured (tiles, inputs, LANES)
    image_scale: np.ndarray  # float32 (images,); where they are measured (tiles, LANES)
    pixel_scale: np.ndarray  # float32 (inputs,)
    shift: np.ndarray  # float32 (inputs,)
    labels: np.ndarray  # int64 (images,)


class Adam(NamedTuple):
    """The flat parameters and what Adam (arXiv 1412.6980) remembers of them: float32, all of one length."""

    values: np.ndarray
    gradient: np.ndarray  # 0 between steps
    first: np.ndarray
    second: np.ndarray


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
    pixels, units = len(graph.pixels), len(graph.bias)
    for unit in range(units):
        total = splat(values[graph.bias[unit]])
        for k in range(graph.first[unit], graph.first[unit + 1]):
            total = add_scaled(total, values[k], load(rows, graph.source[k]))
        if unit < units - graph.classes:
            total = where_positive(total, total)
        store(rows, pixels + unit, total)


@njit(error_model="numpy")
def _backward(graph, values, rows, deltas, gradient):
    """Add to `gradient` that of the loss, given its derivatives by the classes in the last of the units' `deltas`."""
    pixels, units = len(graph.pixels), len(graph.bias)
    ones = splat(np.float32(1))
    for unit in range(units - 1, -1, -1):
        delta = load(deltas, unit)
        if unit < units - graph.classes:
            delta = splat(np.float32(0))
            for k in range(graph.out_first[unit], graph.out_first[unit + 1]):
                delta = add_scaled(delta, values[graph.out_weight[k]], load(deltas, graph.out_target[k]))
            delta = where_positive(delta, load(rows, pixels + unit))
            store(deltas, unit, delta)
        gradient[graph.bias[unit]] += graph.free[unit] * dot(delta, ones)
        k, end = graph.first[unit], graph.first[unit + 1]
        while k + 16 <= end:
            add_dots(gradient, k, delta, rows, graph.source)
            k += 16
        while k < end:
            gradient[k] += dot(delta, load(rows, graph.source[k]))
            k += 1


@njit(error_model="numpy")
def _classify(logits, labels, deltas, weight):
    """Summed cross-entropy of the images whose labels are given, and how many of them are classified right.

    Where `weight` is not 0, `deltas` becomes weight × the derivatives of that sum by the logits, 0 beyond the images.
    """
    loss, right = 0.0, 0
    classes = len(logits)
    for image in range(len(labels)):
        best = 0
        for c in range(1, classes):
            if logits[c, image] > logits[best, image]:
                best = c
        top = logits[best, image]
        total = np.float32(0)
        for c in range(classes):
            deltas[c, image] = np.exp(logits[c, image] - top)
            total += deltas[c, image]
        label = labels[image]
        loss += np.log(total) + (top - logits[label, image])
        right += best == label
        for c in range(classes):
            deltas[c, image] *= weight / total
        deltas[label, image] -= weight
    deltas[:, len(labels) :] = 0
    return loss, right


@njit(error_model="numpy")
def _update(adam, rate, steps):
    """Adam's step number `steps`, in PyTorch's arrangement of the formula; clears the gradient."""
    step_size = np.float32(rate / (1 - 0.9**steps))
    root = np.float32(np.sqrt(1 - 0.999**steps))
    values, gradient, first, second = adam
    for i in range(len(values)):
        g = gradient[i]
        m = first[i] + (g - first[i]) * np.float32(0.1)
        v = second[i] * np.float32(0.999) + g * g * np.float32(0.001)
        values[i] -= step_size * (m / (np.sqrt(v) / root + np.float32(1e-8)))
        first[i], second[i], gradient[i] = m, v, np.float32(0)


@njit(error_model="numpy")
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
            loss += _classify(rows[logits:], labels, deltas[classes:], np.float32(1 / size))[0]
            _backward(graph, adam.values, rows, deltas, adam.gradient)
        _update(adam, rates[step], steps + step + 1)
    return loss / batches.size


@njit(error_model="numpy")
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
        part_loss, part_right = _classify(rows[len(rows)-graph.classes :], room[1][: len(part)], deltas, np.float32(0))
        loss += part_loss
        right += part_right
    return loss / len(images), right / len(images)


@njit(error_model="numpy")
def _room():
    return np.empty(LANES, np.int64), np.empty(LANES, np.int64), np.empty((1, LANES), np.float32)

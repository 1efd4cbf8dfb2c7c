"""Compiled sparse convolutions: for each position and output channel one multiply-add per surviving weight.

A feature map lies in memory as groups of images, channels, rows, columns, images of the group (see lth.engines._maps).
So neighbouring positions of a row, with all images of a group, are one run of numbers, and so is what a weight takes in
for them. A tile is as many of these as registers hold; for a tile, the channels that a weight reads from are taken a
block at a time, so that what is read again and again for all output channels stays in the first-level cache.
"""

from typing import NamedTuple

import llvmlite.binding as llvm
import numpy as np
from numba import njit

from lth.engines._cache import cached
from lth.engines._vectors import PART, add_products, add_scaled, load, prefetch, splat, store, total, zeros

# Registers: AVX-512 has 32 of 16 floats, of which a tile of sums takes 16; other machines have 16 of at most 8.
WIDE = bool(llvm.get_host_cpu_features().get("avx512f"))


class Taps(NamedTuple):
    """One sparse convolution without padding between two feature maps with as many images in a group.

    The weights come in segments, one for each output channel and block of input channels, block by block.
    """

    first: np.ndarray  # int64 (segments+1,): segment s holds weights first[s] to first[s+1]
    channel: np.ndarray  # int64 (segments,): the output channel that it feeds
    opens: np.ndarray  # bool (segments,): whether it is the channel's first
    bias: np.ndarray  # int64 (segments,): where it opens, the position of the channel's bias in the flat parameters
    offset: np.ndarray  # int32 (weights,): from a position to what the weight takes in there
    place: np.ndarray  # int64 (weights,): the weight's position in the flat parameters
    values: np.ndarray  # float32 (weights,): the weights, in this order
    ahead: np.ndarray  # int64: from a row's start to each run of numbers that the row below will be the first to read
    rows: int  # output rows
    width: int  # floats in one
    begin: np.ndarray  # int64 (4,): where the first group, channel and row of the input begin, and these strides
    target: np.ndarray  # int64 (4,): likewise of the output


@njit(error_model="numpy")
def _fetch(taps, x, start, width):
    """Begin to bring near what the row below will be the first to read."""
    for place in taps.ahead:
        for line in range(0, width, PART):
            prefetch(x, start + place + line)


@njit(error_model="numpy")
def _fetch_target(taps, z, end, width):
    """Likewise what it will be added to."""
    for s in range(len(taps.channel)):
        if taps.opens[s]:
            for line in range(0, width, PART):
                prefetch(z, end + taps.channel[s] * taps.target[2] + line)


@njit(error_model="numpy")
def _strip(like, width, taps, flat, fresh, source, x, target, z):
    """Compute one tile after the other, downwards."""
    for row in range(taps.rows):
        start, end = source + row * taps.begin[3], target + row * taps.target[3]
        if row + 1 < taps.rows:
            _fetch(taps, x, start, width)
            if not fresh:
                _fetch_target(taps, z, end + taps.target[3], width)
        for s in range(len(taps.channel)):
            place = end + taps.channel[s] * taps.target[2]
            if fresh and taps.opens[s]:
                sums = splat(like, flat[taps.bias[s]] if taps.bias[s] >= 0 else np.float32(0))
            else:
                sums = load(like, z, place)
            for k in range(taps.first[s], taps.first[s + 1]):
                sums = add_scaled(sums, taps.values[k], load(like, x, start + taps.offset[k]))
            store(z, place, sums)


@njit(error_model="numpy")
def convolve(taps, flat, fresh, x, z, group):
    """Compute one group of images of z from x; where not `fresh`, add to what z is."""
    source = taps.begin[0] + group * taps.begin[1]
    target = taps.target[0] + group * taps.target[1]
    done = 0
    while WIDE and done + 256 <= taps.width:
        _strip(zeros(256), 256, taps, flat, fresh, source + done, x, target + done, z)
        done += 256
    while WIDE and done + 128 <= taps.width:
        _strip(zeros(128), 128, taps, flat, fresh, source + done, x, target + done, z)
        done += 128
    while done + 64 <= taps.width:
        _strip(zeros(64), 64, taps, flat, fresh, source + done, x, target + done, z)
        done += 64
    while done + 32 <= taps.width:
        _strip(zeros(32), 32, taps, flat, fresh, source + done, x, target + done, z)
        done += 32
    while done < taps.width:
        _strip(zeros(16), 16, taps, flat, fresh, source + done, x, target + done, z)
        done += 16


@njit(error_model="numpy")
def _tile(like, taps, source, x, target, delta, sums):
    for s in range(len(taps.channel)):
        change = load(like, delta, target + taps.channel[s] * taps.target[2])
        for k in range(taps.first[s], taps.first[s + 1]):
            add_products(sums, k * PART, change, load(like, x, source + taps.offset[k]))


@njit(error_model="numpy")
def correlate(taps, x, delta, sums, group):
    """Add to `sums` (PART for each weight) the gradient of the weights, given that of the loss by the output.

    `taps.target` is the layout of `delta`.
    """
    for row in range(taps.rows):
        source = taps.begin[0] + group * taps.begin[1] + row * taps.begin[3]
        target = taps.target[0] + group * taps.target[1] + row * taps.target[3]
        if row + 1 < taps.rows:
            _fetch(taps, x, source, taps.width)
        done = 0
        while WIDE and done + 128 <= taps.width:
            _tile(zeros(128), taps, source + done, x, target + done, delta, sums)
            done += 128
        while done + 64 <= taps.width:
            _tile(zeros(64), taps, source + done, x, target + done, delta, sums)
            done += 64
        while done + 32 <= taps.width:
            _tile(zeros(32), taps, source + done, x, target + done, delta, sums)
            done += 32
        while done < taps.width:
            _tile(zeros(16), taps, source + done, x, target + done, delta, sums)
            done += 16


@cached
def take(taps, flat):
    """Copy the weights from the flat parameters into the order in which they are used."""
    for k in range(len(taps.place)):
        taps.values[k] = flat[taps.place[k]]


@cached
def gather(taps, sums, gradient):
    """Add up the PART sums of each weight into its gradient, and clear them."""
    nothing = zeros(16)
    for k in range(len(taps.place)):
        gradient[taps.place[k]] = total(load(nothing, sums, k * PART))
        store(sums, k * PART, nothing)

"""Where the values of a feature map lie in memory, and sparse convolutions between two of them."""

import mmap
from dataclasses import dataclass

import numpy as np
import torch

from lth.engines._convolve import Taps
from lth.engines._features import Places
from lth.engines._vectors import PART

LARGE = 2**21  # bytes of a large page
RUN = 128  # floats of a row that should at least lie side by side, to fill registers


@dataclass(frozen=True)
class Layout:
    """How a feature map lies in memory: groups of images, channels, phases, rows, columns, images of the group.

    It has a border of zeros. Where a convolution of stride 2 reads it, rows and columns with the border are split into
    even and odd ones (phases); so what the convolution reads for neighbouring outputs always lies side by side.
    """

    channels: int
    height: int
    width: int
    together: int  # images of a group, a multiple of PART
    batch: int
    border: int = 0
    stride: int = 1

    @property
    def row(self) -> int:
        """Floats in a row of a phase."""
        return -(-(self.width + 2 * self.border) // self.stride) * self.together

    @property
    def phase(self) -> int:
        """Floats in a phase of a channel."""
        return -(-(self.height + 2 * self.border) // self.stride) * self.row

    @property
    def channel(self) -> int:
        """Floats in a channel of a group."""
        return self.stride**2 * self.phase

    @property
    def group(self) -> int:
        """Floats in a group."""
        return self.channels * self.channel

    @property
    def groups(self) -> int:
        """How many groups the batch makes."""
        return -(-self.batch // self.together)

    def across(self, position: int | np.ndarray) -> int | np.ndarray:
        """Where a column (border included) begins in its row."""
        return position % self.stride * self.phase + position // self.stride * self.together

    def down(self, position: int | np.ndarray) -> int | np.ndarray:
        """Where a row (border included) begins in its channel."""
        return position % self.stride * self.stride * self.phase + position // self.stride * self.row

    @property
    def places(self) -> Places:
        """Where everything but the border lies."""
        parts = np.arange(-(-self.batch // PART)) * PART
        groups = parts // self.together * self.group + parts % self.together
        rows, columns = np.arange(self.height) + self.border, np.arange(self.width) + self.border
        return Places(groups, self.channel, np.asarray(self.down(rows)), np.asarray(self.across(columns)))

    def room(self) -> np.ndarray:
        """Memory for it, all zeros."""
        return room(self.groups * self.group)


def room(size: int) -> np.ndarray:
    """Zeros that start at a cache line; much of it lies in large pages, whose addresses a processor finds faster."""
    if 4 * size < LARGE or not hasattr(mmap, "MADV_HUGEPAGE"):
        return torch.zeros(size).numpy()
    memory = mmap.mmap(-1, 4 * size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.float32)


def together(width: int, batch: int) -> int:
    """How many images lie side by side in maps so wide: as many as it takes to fill RUN floats."""
    images = PART
    while images * width < RUN and images < batch:
        images *= 2
    return images


def forward(
    x: Layout,
    z: Layout,
    survives: np.ndarray,
    places: np.ndarray,
    bias: np.ndarray,
    padding: tuple[int, int],
    passing: bool = False,
) -> Taps:
    """The convolution from x to z. `survives` bool (outputs, inputs, height, width); `bias` (outputs,): -1 for none.

    `places`: the positions of the survivors in the flat parameters, in the order of the mask; `passing`: whether the
    memory of x holds one group only.
    """
    channel, source, down, across = np.nonzero(survives)
    down, across = down + x.border - padding[0], across + x.border - padding[1]
    offset = source * x.channel + x.down(down) + x.across(across)
    begin, target = (np.array([0, m.group, m.channel, m.row]) for m in (x, z))
    begin[1] *= not passing
    planes = np.unique(source * x.channel + down % x.stride * x.stride * x.phase + across % x.stride * x.phase)
    ahead = planes[:0] if passing else planes + (1 + int(down.max(initial=0)) // x.stride) * x.row
    return _taps(channel, source, offset, places, bias, ahead, z.height, z.width * z.together, begin, target)


def backward(
    delta: Layout, x: Layout, survives: np.ndarray, places: np.ndarray, padding: tuple[int, int]
) -> tuple[Taps, ...]:
    """The convolutions from the deltas of an output to the derivatives by the input x, one for each phase of it.

    `delta` is the layout of a single group: its memory serves one group of images after the other.
    """
    target, channel, down, across = np.nonzero(survives)
    down, across = down + x.border - padding[0], across + x.border - padding[1]
    passes = []
    for phase in np.ndindex(x.stride, x.stride):
        own = (down % x.stride == phase[0]) & (across % x.stride == phase[1])
        # The first and last row and column of this phase that are not border.
        (top, bottom), (left, right) = (
            (-(-(x.border - p) // x.stride), (size - 1 + x.border - p) // x.stride)
            for size, p in zip((x.height, x.width), phase, strict=True)
        )
        back_down, back_across = down[own] // x.stride, across[own] // x.stride
        offset = target[own] * delta.channel - back_down * delta.row - back_across * delta.together
        start = (top + delta.border) * delta.row + (left + delta.border) * delta.together
        end = phase[0] * x.stride * x.phase + phase[1] * x.phase + top * x.row + left * x.together
        begin = np.array([start, 0, delta.channel, delta.row])
        where = np.array([end, x.group, x.channel, x.row])
        width = (right - left + 1) * x.together
        none = np.full(x.channels, -1)
        passes.append(
            _taps(channel[own], target[own], offset, places[own], none, none[:0], bottom - top + 1, width, begin, where)
        )
    return tuple(passes)


def reach(x: Layout, z: Layout, kernel: tuple[int, int], padding: tuple[int, int]) -> int:
    """The border that deltas of z need, so that `backward` reads zeros beyond the map."""
    far = max((k - 1 + x.border - p) // x.stride for k, p in zip(kernel, padding, strict=True))
    last = max((a - 1 + x.border) // x.stride - (b - 1) for a, b in ((x.height, z.height), (x.width, z.width)))
    return max(far, last, 0)


def _taps(
    channel: np.ndarray,
    source: np.ndarray,
    offset: np.ndarray,
    places: np.ndarray,
    bias: np.ndarray,
    ahead: np.ndarray,
    rows: int,
    width: int,
    begin: np.ndarray,
    target: np.ndarray,
) -> Taps:
    """Order the weights by block of input channels, output channel, and where they read."""
    outputs, inputs = len(bias), int(source.max(initial=0)) + 1
    # So many channels that a segment holds some weights, and so few that what it reads stays in the nearest cache.
    block = 32 if len(offset) < 0.75 * outputs * inputs else 16
    order = np.lexsort((offset, channel, source // block))
    channel, source, offset = channel[order], source[order], offset[order]
    starts = np.flatnonzero((np.diff(channel, prepend=-1) != 0) | (np.diff(source // block, prepend=-1) != 0))
    alone = np.setdiff1d(
        np.arange(outputs), channel
    )  # fed by nothing but their bias: empty segments, before all others
    fed = np.concatenate([alone, channel[starts]])
    opens = np.zeros(len(fed), bool)
    opens[np.unique(fed, return_index=True)[1]] = True
    return Taps(
        first=np.concatenate([np.zeros(len(alone), np.int64), starts, [len(channel)]]),
        channel=fed,
        opens=opens,
        bias=bias[fed],
        offset=offset.astype(np.int32),
        place=places[order],
        values=room(len(order)),
        ahead=ahead,
        rows=int(rows),
        width=int(width),
        begin=begin,
        target=target,
    )

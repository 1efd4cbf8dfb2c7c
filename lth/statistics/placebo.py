"""What an effect is where there is nothing: networks of one kind against others of the same kind.

Two sides of one kind come from different trials, since within a trial they would be one and the same. How far an effect
between them strays from none is what a ratio or a difference of that many trials means by chance alone.
"""

import numpy as np

from lth.errors import LthError
from lth.statistics.bootstrap import Interval
from lth.statistics.paired import Effect

SPLITS = 10_000


def other_half(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first half of the trials and the second, row by row from different trials; an odd one out is left out.

    `values` are (trials, ...). The two sides are compared like any two arms. LthError for a single trial.
    """
    half = len(values) // 2
    _check(len(values), 1)
    return values[:half], values[half : 2 * half]


def spread(effect: Effect, values: np.ndarray, size: int, generator: np.random.Generator) -> Interval:
    """Between which limits 95 % of the effects lie of `size` trials against `size` others, split at random.

    `values` are one number a trial, (trials,). Random splits of the same trials are no new trials: with few of them the
    limits are rough. LthError where there are fewer than two times `size` trials.
    """
    _check(len(values), size)
    order = generator.permuted(np.tile(np.arange(len(values)), (SPLITS, 1)), axis=1)
    effects = effect(values[order[:, :size]], values[order[:, size : 2 * size]], axis=-1)
    low, high = np.percentile(effects, [2.5, 97.5])
    return Interval(float(low), float(high))


def _check(trials: int, size: int) -> None:
    """LthError unless two sides of `size` trials each can be made."""
    if trials < 2 * size:
        raise LthError(f"{trials} trials do not give two sides of {size}: take at most {trials // 2} on a side")

"""Contrasts over trials, with t intervals: what each factor of a 2^k factorial does, and what only several do.

A trial is a block: all 2^k cells come from it, a contrast of its cells is one number, and only the spread of these
numbers over trials makes the interval, so that what a trial's cells share drops out. A term is the contrast over
2^(k-1): for one factor the mean of the cells with it minus the mean of those without, for several the interaction (Box,
Hunter & Hunter, "Statistics for Experimenters", 2005, chapter 5). Intervals are at 95 %; over fewer than two trials
there is none.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from lth.errors import LthError
from lth.statistics.bootstrap import Estimate

Cell = tuple[str, ...]  # the factors that are on


@dataclass(frozen=True)
class Term:
    """A main effect or an interaction, in the unit of the cells; no effect: 0.

    p: of a two-sided t test against no effect. adjusted: the same after Holm, over all terms of the factorial. Both are
    None over fewer than two trials.
    """

    estimate: Estimate
    p: float | None
    adjusted: float | None


def over_trials(values: np.ndarray) -> Estimate:
    """The mean of one number a trial, (n,), its t interval, and its standard deviation; without trials it is nan."""
    n = len(values)
    if n < 2:
        return Estimate(float(values[0]) if n else math.nan, None, None, n, None)
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.975, n - 1)) * deviation / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n, deviation)


def factorial(cells: Mapping[Cell, np.ndarray]) -> dict[Cell, Term]:
    """The terms of a factorial, by the factors in them, in the order of the cells.

    `cells` gives one number a trial, (n,), for every combination of the factors, trial by trial in the same order.
    LthError where combinations are missing.
    """
    factors = {factor for cell in cells for factor in cell}
    if len({frozenset(cell) for cell in cells}) != 2 ** len(factors) or len(cells) != 2 ** len(factors):
        raise LthError(f"a factorial of {len(factors)} factors takes {2 ** len(factors)} cells, not {len(cells)}")
    estimates = {term: over_trials(_contrast(term, cells) / 2 ** (len(factors) - 1)) for term in cells if term}
    p_values = {term: p for term, estimate in estimates.items() if (p := p_value(estimate)) is not None}
    adjusted = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    return {term: Term(estimate, p_values.get(term), adjusted.get(term)) for term, estimate in estimates.items()}


def _contrast(term: Cell, cells: Mapping[Cell, np.ndarray]) -> np.ndarray:
    """Each trial's sum of the cells, (n,): with minus where an odd number of the term's factors is off."""
    return np.sum([(-1) ** len(set(term) - set(cell)) * values for cell, values in cells.items()], axis=0)


def p_value(estimate: Estimate) -> float | None:
    """Of a two-sided t test that the mean of what `over_trials` was given is 0; None over fewer than two trials."""
    if estimate.deviation is None:
        return None
    if estimate.deviation == 0:
        return float(estimate.value == 0)
    t = estimate.value / estimate.deviation * math.sqrt(estimate.n)
    return float(2 * stats.t.sf(abs(t), estimate.n - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values of several tests, each adjusted for the number of them, in their order.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    still_tested = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(np.asarray(p_values, float)[order] * still_tested))
    return adjusted.tolist()

"""Several treatments against one reference in trials that are blocks, with an error pooled over all of them.

The model is additive: a number is the sum of what its treatment, its trial and chance give. With few trials the error
of each difference alone is poorly known; that of all together has (trials - 1) x treatments degrees of freedom
(Montgomery, "Design and Analysis of Experiments", 2017, chapter 4).
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats

from lth.errors import LthError
from lth.statistics.bootstrap import Estimate
from lth.statistics.contrasts import Term, holm, over_trials


def against(reference: np.ndarray, treatments: Mapping[str, np.ndarray]) -> dict[str, Term]:
    """Each treatment minus the reference, with 95 % t intervals of the pooled error, and p values also after Holm.

    All are one number a trial, (n,), trial by trial in the same order. Over fewer than two trials there are neither
    intervals nor p values. LthError where treatments have different numbers of trials.
    """
    lengths = {len(reference), *(len(values) for values in treatments.values())}
    if len(lengths) > 1:
        raise LthError(f"a pooled error takes the same trials of all treatments, not {sorted(lengths)} of them")
    if len(reference) < 2:
        return {name: Term(over_trials(values - reference), None, None) for name, values in treatments.items()}
    table = np.stack([reference, *treatments.values()])  # (1 + treatments, trials)
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    n = len(reference)
    freedom = (n - 1) * len(treatments)
    error = float(np.sqrt(2 * (residual**2).sum() / freedom / n))  # of a difference of two means
    half = float(stats.t.ppf(0.975, freedom)) * error
    differences = {name: float((values - reference).mean()) for name, values in treatments.items()}
    p_values = [_p_value(difference, error, freedom) for difference in differences.values()]
    return {
        name: Term(Estimate(value, value - half, value + half, n, error * n**0.5), p, adjusted)
        for (name, value), p, adjusted in zip(differences.items(), p_values, holm(p_values), strict=True)
    }


def _p_value(difference: float, error: float, freedom: int) -> float:
    """Of a two-sided t test that there is no difference."""
    if error == 0:
        return float(difference == 0)
    return float(2 * stats.t.sf(abs(difference) / error, freedom))

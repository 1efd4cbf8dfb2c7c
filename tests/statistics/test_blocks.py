import numpy as np
import pytest
from scipy import stats

from lth.errors import LthError
from lth.statistics.blocks import against
from lth.statistics.contrasts import over_trials, p_value

REFERENCE = np.array([1.0, 2.0, 4.0, 3.0])


def test_one_treatment_is_the_paired_t_test():
    treated = np.array([2.0, 2.5, 6.0, 3.1])
    (term,) = against(REFERENCE, {"a": treated}).values()
    low, high = stats.ttest_rel(treated, REFERENCE).confidence_interval(0.95)
    assert (term.estimate.low, term.estimate.high) == pytest.approx((low, high))
    assert term.p == term.adjusted == pytest.approx(stats.ttest_rel(treated, REFERENCE).pvalue)
    assert p_value(over_trials(treated - REFERENCE)) == pytest.approx(term.p)


def test_the_error_is_that_of_the_additive_model_over_all_treatments():
    """By least squares: dummies of trials and treatments; the covariance matrix gives the error of each difference."""
    generator = np.random.default_rng(1)
    shift = generator.normal(0, 50, 4)
    treated = {"a": REFERENCE + 3, "b": REFERENCE - 1, "c": REFERENCE}
    treated = {name: values + shift + generator.normal(0, 1, 4) for name, values in treated.items()}
    terms = against(REFERENCE + shift, treated)
    y = np.concatenate([REFERENCE + shift, *treated.values()])
    which, trial = np.divmod(np.arange(16), 4)
    design = np.column_stack([np.eye(4)[trial], *(which == i for i in (1, 2, 3))]).astype(float)
    found, (residual,), *_ = np.linalg.lstsq(design, y, rcond=None)
    error = np.sqrt(residual / 9 * np.linalg.inv(design.T @ design)[-1, -1])
    assert [term.estimate.value for term in terms.values()] == pytest.approx(found[-3:])
    half = stats.t.ppf(0.975, 9) * error
    assert {round(term.estimate.high - term.estimate.value, 9) for term in terms.values()} == {round(half, 9)}
    smallest = min(terms.values(), key=lambda term: term.p)
    assert smallest.p == pytest.approx(2 * stats.t.sf(abs(smallest.estimate.value) / error, 9))
    assert smallest.adjusted == pytest.approx(3 * smallest.p)


def test_one_trial_has_no_interval_and_trials_that_differ_are_refused():
    (term,) = against(np.array([1.0]), {"a": np.array([3.0])}).values()
    assert (term.estimate.value, term.estimate.low, term.p, term.adjusted) == (2, None, None, None)
    assert against(np.full(3, 1.0), {"a": np.full(3, 1.0)})["a"].p == 1
    with pytest.raises(LthError, match=r"\[3, 4\]"):
        against(REFERENCE, {"a": np.ones(3)})

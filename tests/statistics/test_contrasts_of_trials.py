import itertools
import math

import numpy as np
import pytest
from scipy import stats

from lth.errors import LthError
from lth.statistics.bootstrap import Estimate, as_ratio
from lth.statistics.contrasts import factorial, holm, over_trials, p_value

FACTORS = ("a", "b", "c")
CELLS = [on for size in range(4) for on in itertools.combinations(FACTORS, size)]


@pytest.fixture
def generator():
    return np.random.default_rng(11)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_intervals_and_p_values_are_those_of_scipys_t_test(generator, n):
    values = generator.normal(0.3, 2, n)
    estimate, test = over_trials(values), stats.ttest_1samp(values, 0)
    low, high = test.confidence_interval(0.95)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((values.mean(), low, high))
    assert (estimate.n, estimate.deviation) == (n, pytest.approx(values.std(ddof=1)))
    assert p_value(estimate) == pytest.approx(test.pvalue)


def test_an_interval_by_hand():
    estimate = over_trials(np.array([1.0, 2.0, 3.0]))  # t(0.975, 2) = 4.3027, standard error 1 / sqrt(3)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((2, 2 - 2.4841, 2 + 2.4841), abs=1e-4)


def test_intervals_cover_what_they_say(generator):
    covered = [not (e := over_trials(generator.normal(1, 1, 5))).above(1) and not e.below(1) for _ in range(2000)]
    assert 0.935 < np.mean(covered) < 0.965


def test_fewer_than_two_trials_have_no_interval_and_no_p_value():
    assert over_trials(np.array([2.5])) == Estimate(2.5, None, None, 1, None)
    none = over_trials(np.array([]))
    assert math.isnan(none.value) and (none.low, none.high, none.n) == (None, None, 0)
    terms = factorial({cell: np.array([float(len(cell))]) for cell in CELLS})
    assert {(term.estimate.low, term.p, term.adjusted) for term in terms.values()} == {(None, None, None)}
    assert terms["a",].estimate.value == 1


def test_trials_without_spread_leave_no_doubt():
    assert p_value(over_trials(np.full(4, 0.5))) == 0 and p_value(over_trials(np.zeros(4))) == 1


def test_a_ratio_has_the_ends_of_its_logarithm():
    ratio = as_ratio(Estimate(math.log(2), math.log(1.5), math.log(3), 4, 0.2))
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2, 1.5, 3)) and (ratio.n, ratio.deviation) == (
        4,
        None,
    )
    assert as_ratio(Estimate(0.0, None, None, 1, None)) == Estimate(1.0, None, None, 1, None)


def test_two_factors_by_hand():
    cells = {(): [1.0, 2.0], ("a",): [4.0, 7.0], ("b",): [2.0, 2.0], ("a", "b"): [9.0, 9.0]}
    terms = factorial({cell: np.array(values) for cell, values in cells.items()})
    assert list(terms) == [("a",), ("b",), ("a", "b")]
    # a: ((4 - 1) + (9 - 2)) / 2 = 5 and ((7 - 2) + (9 - 2)) / 2 = 6; their standard error 1/2, t(0.975, 1) = 12.7062
    a = terms["a",].estimate
    assert (a.value, a.low, a.high) == pytest.approx((5.5, 5.5 - 6.3531, 5.5 + 6.3531), abs=1e-4)
    assert terms["b",].estimate.value == pytest.approx((3.0 + 1.0) / 2)  # ((2-1)+(9-4))/2 and ((2-2)+(9-7))/2
    assert terms["a", "b"].estimate.value == pytest.approx((2.0 + 1.0) / 2)  # ((9-2)-(4-1))/2 and ((9-2)-(7-2))/2


def test_three_factors_give_back_the_effects_that_they_were_made_with():
    """y = sum over terms of (effect / 2) × product of ±1: each contrast is its own effect, whatever the others are."""
    effects = dict(zip(CELLS[1:], [1.0, -2.0, 0.5, 3.0, -0.25, 0.0, 4.0], strict=True))

    def made(cell):
        signs = {factor: 1 if factor in cell else -1 for factor in FACTORS}
        return 7 + sum(size / 2 * math.prod(signs[factor] for factor in term) for term, size in effects.items())

    terms = factorial({cell: np.full(3, made(cell)) for cell in CELLS})
    assert {term: one.estimate.value for term, one in terms.items()} == pytest.approx(effects)


def test_what_the_cells_of_a_trial_share_does_not_widen_an_interval(generator):
    noise = {cell: 0.01 * generator.standard_normal(6) for cell in CELLS}
    shared = 100 * generator.standard_normal(6)
    alone, blocked = (factorial({cell: noise[cell] + by for cell in CELLS}) for by in (0.0, shared))
    for term in CELLS[1:]:
        assert blocked[term].estimate.low == pytest.approx(alone[term].estimate.low)
        assert blocked[term].estimate.high - blocked[term].estimate.low < 0.05


def test_the_order_in_which_cells_and_factors_are_named_does_not_matter(generator):
    cells = {cell: generator.standard_normal(4) for cell in CELLS}
    turned = factorial({cell[::-1]: values for cell, values in reversed(cells.items())})
    for term, one in factorial(cells).items():
        assert turned[term[::-1]].estimate.value == pytest.approx(one.estimate.value)


def test_each_p_value_is_adjusted_for_all_terms(generator):
    terms = factorial({cell: generator.standard_normal(8) + 2 * ("a" in cell) for cell in CELLS})
    assert [term.adjusted for term in terms.values()] == holm([term.p for term in terms.values()])
    assert terms["a",].adjusted == pytest.approx(7 * terms["a",].p) and terms["a",].adjusted < 0.01


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


@pytest.mark.parametrize("left_out", [(), ("a",), FACTORS])
def test_a_missing_cell_is_refused(left_out):
    with pytest.raises(LthError, match="takes 8 cells, not 7"):
        factorial({cell: np.zeros(3) for cell in CELLS if cell != left_out})

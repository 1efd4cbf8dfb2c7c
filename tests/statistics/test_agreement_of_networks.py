"""Agreement of networks on the same images, by hand."""

import numpy as np
import pytest

from lth.statistics import agreement

A, B, C = (agreement.wrong(places, 10) for places in ([0, 1, 2], [1, 2, 3], [1, 9]))


def test_a_disagreement_is_one_in_being_right():
    assert A.tolist() == [True] * 3 + [False] * 7
    assert agreement.disagreement(A, B) == pytest.approx(0.2)  # images 0 and 3
    assert agreement.disagreement(A, A) == 0
    assert agreement.mean_disagreement([A, B, C]) == pytest.approx((0.2 + 0.3 + 0.3) / 3)
    assert np.isnan(agreement.mean_disagreement([A]))


def test_an_ensemble_gets_right_what_most_of_it_do():
    assert agreement.ensemble_accuracy([A, B, C]) == pytest.approx(0.8)  # images 1 and 2 are wrong
    assert agreement.ensemble_gain([A, B, C]) == pytest.approx(0.8 - (1 - 8 / 30))
    assert agreement.ensemble_gain([A, A, A]) == 0
    assert agreement.ensemble_accuracy([A, B]) == pytest.approx(0.6)  # half is not most

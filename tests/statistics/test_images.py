"""How much a difference in accuracy hangs on the test images."""

import numpy as np
import pytest

from lth.statistics import images


def test_errors_are_placed_where_they_were_made():
    assert images.matrix([[0, 3], []], 4).tolist() == [[1, 0, 0, 1], [0, 0, 0, 0]]


def test_shared_errors():
    assert images.shared(images.matrix([[0, 1], [0, 1]], 5)) == 1
    assert images.shared(images.matrix([[0, 1], [2, 3]], 5)) == 0
    assert images.shared(images.matrix([[0, 1], [1, 2], [1, 3]], 5)) == 0.5


def test_images_count_where_they_are_what_differs():
    """Each image is harder for one kind, in every trial: another set of images would give another difference."""
    generator = np.random.default_rng(0)
    hard, luck = generator.normal(0, 1, 4000), generator.normal(0, 0.02, (20, 1))
    over_trials, both = images.standard_errors(hard + luck)
    assert over_trials == pytest.approx(0.02 / np.sqrt(20), rel=0.4)
    assert both == pytest.approx(1 / np.sqrt(4000), rel=0.1)


def test_errors_of_single_entries_are_not_counted_twice():
    noise = np.random.default_rng(1).normal(0, 1, (10, 4000))
    over_trials, both = images.standard_errors(noise)
    assert both == pytest.approx(1 / np.sqrt(noise.size), rel=0.5)
    assert over_trials <= both < 1.2 * over_trials

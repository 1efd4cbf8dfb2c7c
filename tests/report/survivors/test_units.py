"""Maps of single hidden units."""

import numpy as np
import pytest

from lth.report.survivors import units


@pytest.fixture
def masks():
    """Five units on two by two pixels; unit i keeps i pixels to the end, and half of the weights keep one more."""
    end = np.array([[i > place for place in range(4)] for i in range(5)]).reshape(5, 2, 2)
    half = np.array([[i + 1 > place for place in range(4)] for i in range(5)]).reshape(5, 2, 2)
    return {20.0: end, 100.0: np.ones_like(end), 50.0: half}


def test_a_connection_lasts_as_long_as_the_last_mask_that_has_it(masks):
    frame = units.frame(masks, shown=5)
    values = dict(list(frame.groupby("panel", sort=False)["value"]))
    assert list(values) == [f"unit {i}: {i} left" for i in (4, 3, 2, 1, 0)]
    assert values["unit 2: 2 left"].tolist() == [20, 20, 50, 100]
    del masks[100.0]
    assert units.frame(masks, shown=5).query("panel == 'unit 0: 0 left'")["value"].tolist() == [50, *[units.GONE] * 3]


def test_units_are_shown_from_the_most_connected_to_the_least(masks):
    assert list(units.frame(masks, shown=3)["panel"].unique()) == [f"unit {i}: {i} left" for i in (4, 2, 0)]


def test_every_unit_has_an_image_and_the_bar_a_step_for_each_level(masks):
    (figure,) = units.maps(units.frame(masks, shown=5))
    images = [ax.images[0].get_array() for ax in figure.axes if ax.images and ax.get_title("left")]
    assert len(images) == 5
    assert images[2].ravel().tolist() == [2, 2, 1, 0]
    assert [tick.get_text() for tick in figure.axes[-1].get_xticklabels()] == ["100%", "50%", "20%"]

"""Figures of single trials."""

import numpy as np
import pandas as pd

from lth.report import strips


def test_every_trial_is_a_dot_and_the_mean_is_marked():
    frame = pd.DataFrame(
        {"panel": "stop", "row": ["a"] * 3 + ["b"] * 2, "line": ["ticket"] * 3 + ["reinit"] * 2}
        | {"value": [100, 100, 400, 900, 1100]}
    )
    (panel,) = strips.strip(frame, {"stop": {"x": "iteration", "log": True}})
    dots = [line for line in panel.axes[0].lines if line.get_marker() != "None"]
    means = [line.get_xdata()[0] for line in panel.axes[0].lines if line.get_marker() == "None"]
    assert [list(line.get_xdata()) for line in dots] == [[100, 100, 400], [900, 1100]]
    assert len({(x, y) for x, y in zip(*dots[0].get_data(), strict=True)}) == 3  # equal ones do not hide each other
    assert means == [200, 1000] and panel.axes[0].get_xscale() == "log"


def test_equal_values_are_stacked_around_their_row():
    assert strips.stacked(np.array([5.0, 7, 5, 5])).tolist() == [-1, 0, 0, 1]

import json

import numpy as np
import pandas as pd
import pytest

from lth.report.survivors import explorer, figures

EDGES = np.linspace(-2, 2, 5)


@pytest.fixture
def runs():
    """Two trials of two levels on images of 2 x 2 pixels; at level 1 one pixel keeps three quarters of the rest."""
    rows = []
    for trial in (0, 1):
        rows.append((trial, 0, 1.0, [10] * 4, [1, 1, 1, 1]))
        rows.append((trial, 1, 0.1, [3, 0, 1, 0], [0, 0, 3 - trial, 1 + trial]))
    frame = pd.DataFrame(rows, columns=["trial", "level", "density", "input_connections", "histogram"])
    frame["start_histogram"] = [json.dumps({"fc1.weight": one, "fc2.weight": one}) for one in frame["histogram"]]
    sizes = {"fc1.weight": 40, "fc2.weight": 10}
    frame["prunable"] = json.dumps(sizes)
    frame["remaining"] = [json.dumps({name: int(size * d) for name, size in sizes.items()}) for d in frame["density"]]
    return frame.assign(arm="ticket", recipe="tiny", draw=0, early_stop_iteration=100, early_stop_test_acc=0.9)


def test_pixels_are_drawn_over_the_mean_of_their_level_on_one_scale(runs):
    panels = figures.maps(figures.maps_frame(runs, [0, 1]))
    images = [panel.axes[0].images[0] for panel in panels]
    assert images[0].get_array().tolist() == [[1, 1], [1, 1]]
    assert images[1].get_array().tolist() == [[3, 0], [1, 0]]
    assert {image.get_clim() for image in images} == {(0, figures.MOST)}


def test_distributions_have_area_1_whatever_survives(runs, monkeypatch):
    monkeypatch.setattr(figures, "JOINED", 1)
    panels = figures.starts(figures.starts_frame(runs, [0, 1], EDGES))
    assert len(panels) == 2
    dense, sparse = panels[0].axes[0].get_lines()
    assert list(dense.get_xdata()) == [-1.5, -0.5, 0.5, 1.5]
    assert list(dense.get_ydata()) == [0.25] * 4
    assert list(sparse.get_ydata()) == [0, 0, 0.625, 0.375]  # 5 and 3 of 8, both trials together


def test_the_explorer_holds_what_is_left_and_how_it_does(runs):
    curves = runs[["arm", "trial", "level"]].assign(iteration=0, test_acc=[0.1, 0.5, 0.1, 0.3])
    dense, sparse = explorer.explorer(runs, curves, ("ticket", "reinit"))["levels"]
    assert sparse["layers"] == {"fc1.weight": 10.0, "fc2.weight": 10.0} and sparse["percent"] == 10.0
    assert list(sparse["arms"]) == ["ticket"]  # the other arm has no run
    assert sparse["arms"]["ticket"] == {"before": 40.0, "accuracy": 90.0, "stop": 100}
    assert dense["map"] == "ZmZmZg=="  # four times 102: 1 of 2.5, in 255 steps

import json

import numpy as np
import pandas as pd
import pytest

from lth.report.survivors import figures

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
    return frame.assign(arm="ticket", recipe="tiny")


def test_pixels_are_drawn_over_the_mean_of_their_level_on_one_scale(runs):
    figure = figures.pixel_maps(runs, [0, 1], "n = 2 trials; mean")
    images = [ax.images[0] for ax in figure.axes if ax.images]
    assert images[0].get_array().tolist() == [[1, 1], [1, 1]]
    assert images[1].get_array().tolist() == [[3, 0], [1, 0]]
    assert {image.get_clim() for image in images} == {(0, figures.MOST)}
    titles = [ax.get_title() for ax in figure.axes if ax.images]
    assert titles == [
        "100.0% of weights left\n10 connections per pixel",
        "10.0% of weights left\n1.0 connections per pixel",
    ]
    assert "mean of the level" in figure.axes[-1].get_xlabel()


def test_zones_are_lines_from_dense_to_sparse(runs):
    figure = figures.zones([1.0, 0.1], {"never lit": [1, 0], "often lit": [1, 1.5]}, "n = 2 trials; mean")
    (ax,) = figure.axes
    assert list(ax.get_lines()[0].get_xdata()) == [100, 10] and list(ax.get_lines()[1].get_ydata()) == [1, 1.5]
    assert ax.xaxis_inverted() and ax.get_xscale() == "log"
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.get_lines()}) == 3


def test_distributions_have_area_1_whatever_survives(runs, monkeypatch):
    monkeypatch.setattr(figures, "JOINED", 1)
    figure = figures.start_distributions(runs, [0, 1], EDGES, "n = 2 trials")
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["fc1", "fc2"]
    dense, sparse = figure.axes[0].get_lines()
    assert list(dense.get_xdata()) == [-1.5, -0.5, 0.5, 1.5]
    assert list(dense.get_ydata()) == [0.25] * 4
    assert list(sparse.get_ydata()) == [0, 0, 0.625, 0.375]  # 5 and 3 of 8, both trials together
    assert "standard deviations" in figure.axes[-1].get_xlabel()


def test_bins_are_joined(runs):
    figure = figures.start_distributions(runs, [0, 1], EDGES, "n = 2 trials")
    line = figure.axes[1].get_lines()[1]
    assert list(line.get_xdata()) == [-1, 1] and list(line.get_ydata()) == [0, 0.5]

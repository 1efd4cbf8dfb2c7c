import json

import numpy as np
import pandas as pd
import pytest

from lth.errors import LthError
from lth.report.survivors import counts as survivors_counts

EDGES = np.linspace(-1, 1, 5)


@pytest.fixture
def runs():
    """Two trials of tickets on images of 2 x 2 pixels, and an arm that borrows their masks."""
    rows = [
        ("ticket", 0, 1, [4, 0, 2, 2], {"fc1.weight": [1, 2, 3, 4], "fc2.weight": [0, 1, 0, 0]}),
        ("ticket", 1, 1, [2, 0, 4, 2], {"fc1.weight": [1, 0, 1, 0], "fc2.weight": [2, 1, 0, 1]}),
        ("reinit", 0, 1, None, None),
    ]
    frame = pd.DataFrame(rows, columns=["arm", "trial", "level", "input_connections", "start_histogram"])
    frame["start_histogram"] = frame["start_histogram"].map(json.dumps, na_action="ignore")
    return frame.assign(recipe="tiny")


def test_connections_are_means_over_the_tickets_trials_as_an_image(runs):
    counts = survivors_counts.connections(runs, 1)
    assert counts.tolist() == [[3, 0], [3, 2]]
    assert survivors_counts.relative(counts).tolist() == [[1.5, 0], [1.5, 1]]


def test_what_cannot_be_drawn_is_said(runs):
    with pytest.raises(LthError, match="no ticket at level 2: choose from 0 to 1"):
        survivors_counts.connections(runs, 2)
    with pytest.raises(LthError, match="recipe 'tiny' hold no input connections"):
        survivors_counts.connections(runs.assign(input_connections=None), 1)
    with pytest.raises(LthError, match="a mask over 3 inputs cannot be drawn as an image: only"):
        survivors_counts.connections(runs.assign(input_connections=[[1, 2, 3]] * 3), 1)


def test_the_border_of_mnist_is_what_lies_outside_the_central_20_by_20():
    edge = survivors_counts.border(28)
    assert (~edge).sum() == 400
    assert not edge[4, 4] and not edge[23, 23] and edge[3, 14] and edge[14, 24]


def test_histograms_are_summed_over_trials_by_layer(runs):
    counts = survivors_counts.start_counts(runs, 1)
    assert {layer: one.tolist() for layer, one in counts.items()} == {
        "fc1.weight": [2, 2, 4, 4],
        "fc2.weight": [2, 2, 0, 1],
    }


def test_joined_bins_keep_their_counts_and_outer_edges():
    counts, edges = survivors_counts.coarser(np.array([1, 2, 3, 4]), EDGES, 2)
    assert (counts.tolist(), edges.tolist()) == ([3, 7], [-1, 0, 1])
    with pytest.raises(LthError, match="4 bins cannot be joined 3 at a time: choose a divisor"):
        survivors_counts.coarser(np.array([1, 2, 3, 4]), EDGES, 3)


def test_the_share_within_a_limit_counts_whole_bins():
    assert survivors_counts.share_within(np.array([1, 2, 3, 4]), EDGES, 0.5) == 0.5
    assert survivors_counts.share_within(np.array([1, 2, 3, 4]), EDGES, 1.0) == 1
    with pytest.raises(LthError, match="none of which ends at 0.3: choose one of 0.5, 1"):
        survivors_counts.share_within(np.array([1, 2, 3, 4]), EDGES, 0.3)

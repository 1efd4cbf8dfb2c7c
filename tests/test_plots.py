import numpy as np
import pandas as pd
import pytest

from lth import plots
from lth.records import Records


@pytest.fixture
def records():
    """Two trials of two arms, three levels; accuracy depends on the trial, so that the envelope has a width."""
    keys = [
        ("tiny", "tiny", arm, trial, 0, level)
        for arm in ("ticket", "reinit")
        for trial in (0, 1)
        for level in (0, 1, 2)
    ]
    runs = pd.DataFrame(keys, columns=["study", "recipe", "arm", "trial", "draw", "level"])
    runs["density"] = 0.5 ** runs["level"]
    runs["early_stop_test_acc"] = 0.9 + 0.04 * runs["trial"]
    curves = runs.drop(columns="density").merge(pd.DataFrame({"iteration": [0, 100, 200]}), how="cross")
    curves["test_acc"] = 0.8 + 0.1 * curves["trial"] + curves["iteration"] / 4000
    return Records("tiny", curves, runs)


def test_lines_are_means_and_bands_reach_from_the_lowest_to_the_highest_trial(records):
    (ax,) = plots.against_density(records, "early_stop_test_acc", "accuracy (%)", 2, percent=True).axes
    ticket = ax.get_lines()[0]
    assert ticket.get_ydata() == pytest.approx([0.92, 0.92, 0.92])
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.90, 0.94))


def test_density_runs_from_dense_to_sparse_on_a_log_axis(records):
    (ax,) = plots.against_density(records, "early_stop_test_acc", "accuracy (%)", 2).axes
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["100", "50", "25"]
    assert "%" in ax.get_xlabel() and ax.get_ylabel()


def test_arms_differ_in_colour_marker_and_dash():
    for what in (1, 2, 3):
        assert len({str(style[what]) for style in plots.STYLES.values()}) == len(plots.STYLES)
    greys = [np.dot(style[1], [0.299, 0.587, 0.114]) for style in list(plots.STYLES.values())[:2]]
    assert abs(greys[0] - greys[1]) > 0.1  # the two arms that every figure has, told apart in grey


def test_learning_curves_show_the_levels_asked_for_and_the_trials_there_are(records):
    (ax,) = plots.learning_curves(records, [0, 2], planned=5).axes
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"100.0%", "25.0%", "winning ticket", "same masks, fresh weights"} <= set(labels)
    assert "50.0%" not in labels
    assert "n = 2 of 5 trials" in ax.get_title(loc="right")


def test_learning_curves_end_where_they_are_told_to(records):
    (ax,) = plots.learning_curves(records, [0, 2], planned=2, until=100).axes
    assert max(line.get_xdata().max() for line in ax.get_lines() if len(line.get_xdata())) == 100

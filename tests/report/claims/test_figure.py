import pandas as pd
import pytest
from claimed import only, records, table

from lth.report.claims import figure as claims_figure


def test_the_figure_draws_claims_intervals_and_bounds():
    found = table(records(only("ticket", {7}, 0.6, 1.0)))
    figure = claims_figure.forest(found, {"ticket": 20, "reinit": 20, "oneshot": 5})
    speed = figure.axes[0]
    ids = [label.get_text().splitlines()[0] for ax in figure.axes for label in ax.get_yticklabels()]
    assert sorted(ids) == sorted(found["claim"])
    first = found.set_index("claim").loc["L1"]
    lines = [tuple(line.get_xdata()) for line in speed.lines]
    assert (first["low"], first["high"]) in lines and (38.0, 38.0) in lines and (0.0, 0.0) in lines
    bars = speed.patches
    assert bars[0].get_x() == 26 and bars[0].get_x() + bars[0].get_width() == pytest.approx(speed.get_xlim()[1])
    assert (bars[1].get_x(), bars[1].get_width()) == (-19, 38)
    assert "n = 8 of 20" in speed.texts[0].get_text() and speed.texts[2].get_text().endswith("n = 8")


@pytest.mark.parametrize(
    ("runs", "marks", "intervals"),
    [(records(trials=1), 9, 0), (records(levels=3), 0, 0), (pd.DataFrame(), 0, 0)],
    ids=["one trial", "some levels", "none"],
)
def test_the_figure_draws_only_what_is_there(runs, marks, intervals):
    """A single trial has estimates without intervals, claims on levels that are not reached have none at all."""
    rows = table(runs)
    axes = claims_figure.forest(rows, {}).axes
    assert len(axes) == 4 and sum(len(ax.get_yticks()) for ax in axes) == len(rows)
    lines = [line for ax in axes for line in ax.lines]
    assert sum(line.get_marker() not in ("None", "") for line in lines) == marks == rows["estimate"].notna().sum()
    assert sum(line.get_linewidth() == 2 for line in lines) == intervals
    assert {text.get_text().splitlines()[0] for ax in axes for text in ax.texts} == set(rows["verdict"])

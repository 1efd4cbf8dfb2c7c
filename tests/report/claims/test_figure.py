"""The frame of the claims' figure."""

import pytest
from claimed import only, records, table

from lth.claims import posthoc
from lth.report import intervals
from lth.report.claims import figure


def forest(runs):
    return figure.forest(posthoc.table(table(runs), runs), runs)


def test_earlier_stops_are_told_as_times_as_early():
    """L1 claims 38 % earlier; a ticket that needs 0.5 times the iterations is twice as early."""
    rows = forest(records(only("ticket", {7}, 0.5, 1.0))).set_index("row")
    first = rows.loc["L1 ticket, dense, 21%"]
    assert first["panel"] == figure.SPEED and first["claimed"] == pytest.approx(1 / 0.62)
    assert first["mean"] == pytest.approx(2, rel=0.05)
    assert first["from"] < first["low"] < first["mean"] < first["high"] < first["to"]
    assert rows.loc["L4 ticket, fresh, 21%", "claimed"] == 2.51


def test_claims_about_levels_are_left_out_and_what_is_not_tested():
    labels = [row.split()[0] for row in forest(records())["row"]]
    assert labels == ["L1", "L2", "L3", "L3", "L4", "L5", "L6"]
    assert [row.split()[0] for row in forest(records(levels=8))["row"]] == ["L1", "L4", "L5"]


def test_the_figure_has_a_row_for_each_claim_even_of_a_single_trial():
    for runs in (records(), records(trials=1)):
        panels = intervals.rows(forest(runs), figure.PANELS)
        assert [len(panel.axes[0].get_yticks()) for panel in panels] == [3, 4]

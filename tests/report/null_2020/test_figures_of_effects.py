import pytest
from effects_made import made, with_drift

from lth.report.null_2020 import figures, movement, rule
from lth.report.null_2020.configurations import Configuration
from lth.report.null_2020.rule import GONE
from lth.statistics import bootstrap


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 99)
    runs = made({"protocol": {"reinit": 1.0}, "small-weights": {"reinit": 0.0}, "late-rewind": {"reinit": 3.5}})
    three = [Configuration(name, deviation=name) for name in ("small-weights", "late-rewind", "lost-weights")]
    return rule.table(three, runs, runs, "alone")


def test_shares_are_drawn_in_the_order_of_the_rows_from_the_top(rows):
    figure = figures.shares(rows, "what is left", "n = 5 trials")
    speed = figure.axes[0]
    assert [label.get_text() for label in speed.get_yticklabels()] == [
        "small weights (n = 5)", "late rewind (n = 5)", "lost weights",
    ]  # fmt: skip
    assert speed.get_ylim()[0] > speed.get_ylim()[1]
    assert "no runs yet" in [text.get_text() for text in speed.texts]
    assert "n = 5 trials" in figure.get_suptitle()


def test_marks_stand_at_the_shares_and_far_ones_end_in_an_arrow(rows):
    speed = figures.shares(rows, "left", "n = 5").axes[0]
    marks = {line.get_marker(): line for line in speed.get_lines() if line.get_marker() not in ("None", "", None)}
    assert marks["o"].get_xdata()[0] == pytest.approx(0, abs=0.05)
    assert marks["D"].get_xdata()[0] == figures.FURTHEST
    assert ">" in marks


def test_the_band_of_what_counts_as_gone_is_drawn(rows):
    (band, *_) = figures.shares(rows, "left", "n = 5").axes[0].patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((-GONE, GONE))


def test_every_verdict_has_a_mark_and_no_two_of_one_figure_share_it():
    drawn = (set(rule.WORDS) | set(rule.NULLS)) - {"no runs"}
    assert all(figures.STYLES[word].marker for word in drawn)
    alone = ("sufficient", "for speed only", "for accuracy only", "weakens", "no loss shown", "inconclusive")
    left_out = ("necessary", "not necessary", "not asked", "inconclusive")
    for words in (alone, left_out):
        assert len({figures.STYLES[word].marker for word in words}) == len(words)


def test_movements_draw_a_line_a_recipe_in_every_panel():
    moved = {"protocol": {1: 0.001, 100: 0.02}, "small-weights": {1: 0.001, 100: 0.1}}
    runs = with_drift(made({name: {"reinit": 1.0} for name in moved}, trials=2), moved)
    moves = movement.drifts(runs, list(moved), 1)
    names = {"protocol": "protocol", "small-weights": "small weights"}
    figure = figures.movements(moves, "fc1.weight", names, "n = 2 trials")
    assert len(figure.axes) == 3
    grown = {line.get_label(): line for line in figure.axes[1].get_lines()}
    assert grown["small weights"].get_ydata()[-1] == pytest.approx(2.5)
    assert figure.axes[0].get_xscale() == figure.axes[0].get_yscale() == "log"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["protocol", "small weights"]

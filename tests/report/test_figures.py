"""The figures of the book: from frames to SVG, and again from the numbers that they hand out."""

import json
import re
from importlib import import_module
from io import StringIO

import matplotlib
import numpy as np
import pandas as pd
import pytest
from executed import NOTEBOOKS
from matplotlib.colors import to_rgb

from lth.arms import ARMS
from lth.errors import LthError
from lth.records import Records
from lth.report import axes, intervals, lines, styles, summaries
from lth.report.page import show_figure


def points(**changes) -> pd.DataFrame:
    """Two lines at three densities, in one panel."""
    rows = [
        {"panel": "p", "line": arm, "percent": percent, "mean": mean, "low": mean - 1, "high": mean + 1, "n": 5}
        for arm, means in (("ticket", (5, 4, 3)), ("reinit", (5, 6, 7)))
        for percent, mean in zip((100, 50, 25), means, strict=True)
    ]
    return pd.DataFrame(rows).assign(**changes)


def figures_of_notebooks():
    """Every figure that a committed notebook holds: its key, function, options, CSV and SVGs."""
    shown = {}
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text())["cells"]:
            for output in cell.get("outputs", ()):
                if about := output["metadata"].get("figure") if "metadata" in output else None:
                    figure = shown.setdefault(about["key"], {"about": about, "csv": "", "panels": []})
                    figure["csv"] += "".join(output["data"].get("text/csv", ""))
                    figure["panels"].append("".join(output["data"]["image/svg+xml"]))
    return shown


FIGURES = figures_of_notebooks()


@pytest.mark.parametrize("key", FIGURES)
def test_every_figure_can_be_drawn_again_from_its_numbers(key):
    """From what is handed out with it: the CSV and the options, by the same function, to the same bytes."""
    figure = FIGURES[key]
    module, _, function = figure["about"]["draw"].rpartition(".")
    draw = getattr(import_module(module), function)
    with axes.style():
        again = draw(pd.read_csv(StringIO(figure["csv"])), **figure["about"]["options"])
    assert [axes.svg(panel) for panel in again] == figure["panels"]


def test_arms_differ_in_label_and_as_many_as_one_figure_has_in_colour_marker_and_dash():
    looks = list(styles.of_arms().values())
    for part in ("label", "short"):
        assert len({getattr(style, part) for style in looks}) == len(ARMS)
    for part in ("colour", "marker", "dash"):
        assert len({getattr(style, part) for style in looks[: len(styles.LOOKS)]}) == len(styles.LOOKS)
    assert set(styles.of_arms()) == set(ARMS)
    greys = [np.dot(to_rgb(styles.of(arm).colour), [0.299, 0.587, 0.114]) for arm in ("ticket", "reinit")]
    assert abs(greys[0] - greys[1]) > 0.1  # the two arms that every figure has, told apart in grey


@pytest.mark.parametrize("key", FIGURES)
def test_figures_use_only_colours_that_have_a_partner_on_dark_paper(key):
    for panel in FIGURES[key]["panels"]:
        drawn = re.sub(r'xlink:href="data:[^"]*"|href="data:[^"]*"', "", panel)
        colours = {colour.lower() for colour in re.findall(r"#[0-9a-fA-F]{6}\b", drawn)}
        assert colours <= set(styles.PALETTE), key


def test_a_users_settings_of_matplotlib_do_not_reach_into_figures(monkeypatch):
    shown = []
    monkeypatch.setattr("lth.report.page.display.display", lambda data, **_: shown.append(data["image/svg+xml"]))
    for settings in ({}, {"axes.facecolor": "black", "lines.linewidth": 9, "font.size": 30, "axes.spines.top": False}):
        with matplotlib.rc_context(settings):
            show_figure("k", lines.against_density, points(), {"panels": {"p": {"y": "iteration", "log": True}}})
    assert shown[0] == shown[1]


def test_the_same_figure_is_the_same_bytes_and_shares_no_name_with_another():
    look = {"p": {"y": "iteration", "log": True}}
    first, again = (axes.svg(lines.against_density(points(), look)[0]) for _ in range(2))
    assert first == again
    assert "<metadata" not in first and "figure_1" not in first
    used = set(re.findall(r"#([\w-]+)[\")]", first))
    assert {name for name in re.findall(r' id="([^"]+)"', first)} <= used


def test_lines_go_from_dense_to_sparse_and_differ_without_colour():
    (figure,) = lines.against_density(points(), {"p": {"y": "iteration", "log": True, "dense": 5}})
    (ax,) = figure.axes
    ticket, fresh, dense = ax.get_lines()
    assert ax.xaxis_inverted() and ax.get_xscale() == ax.get_yscale() == "log"
    assert list(ticket.get_ydata()) == [5, 4, 3] and list(dense.get_ydata()) == [5, 5]
    assert ticket.get_marker() != fresh.get_marker() and ticket.get_linestyle() != fresh.get_linestyle()
    assert len(ax.collections) == 2  # a band each


def test_a_line_without_intervals_has_no_band_and_what_the_paper_prints_no_line():
    frame = pd.concat(
        [points(low=np.nan, high=np.nan), pd.DataFrame([{"panel": "p", "line": "paper", "percent": 50, "mean": 9}])]
    )
    (figure,) = lines.against_density(frame, {"p": {"y": "iteration"}})
    (ax,) = figure.axes
    assert not ax.collections
    (paper,) = [line for line in ax.get_lines() if line.get_label() == "paper"]
    assert list(paper.get_ydata()) == [9] and ax.get_ylim()[1] > 9


def test_panels_are_figures_of_their_own_and_an_unknown_line_is_refused():
    two = pd.concat([points(), points(panel="q")])
    assert len(lines.against_density(two, {"p": {"y": "a"}, "q": {"y": "b"}})) == 2
    with pytest.raises(LthError, match="unknown line in a figure 'tickets'"):
        lines.against_density(points(line="tickets"), {"p": {"y": "a"}})


def test_along_training_marks_an_iteration_and_lines_keep_their_looks():
    frame = pd.DataFrame(
        {"panel": "p", "line": ["ticket"] * 3 + ["dense"] * 3, "iteration": [0, 100, 200] * 2, "mean": range(6)}
    )
    (figure,) = lines.along_training(frame, {"p": {"y": "loss", "mark": 100, "marked": "early stop"}})
    (ax,) = figure.axes
    assert [line.get_color() for line in ax.get_lines()[:2]] == [styles.of(name).colour for name in ("ticket", "dense")]
    assert list(ax.get_lines()[2].get_xdata()) == [100, 100] and ax.texts[0].get_text() == "early stop"


def test_curves_have_a_panel_for_each_level_with_the_dense_network_beside():
    rows = [(arm, 0, 0, level, i, level * 0.1) for arm in ("ticket", "reinit") for level in (0, 1) for i in (0, 6100)]
    curves = pd.DataFrame(rows, columns=["arm", "trial", "draw", "level", "iteration", "test_acc"]).assign(recipe="t")
    runs = curves.drop_duplicates(["arm", "level"])[["arm", "trial", "draw", "level", "recipe"]].assign(density=1.0)
    shown = summaries.along_training(Records("s", curves, runs), "test_acc", [1], ["ticket", "reinit"])
    assert list(shown["line"]) == ["ticket", "reinit", "dense"]  # iteration 6,100 is thinned out
    assert list(shown["mean"]) == [pytest.approx(10), pytest.approx(10), 0]


def test_rows_of_estimates_stand_in_order_with_their_intervals():
    frame = pd.DataFrame(
        {"panel": "p", "row": ["a", "b"], "mean": [1.0, 2.0], "low": [0.5, np.nan], "high": [1.5, np.nan]}
    ).assign(**{"claimed": [1.2, np.nan], "from": [1.0, np.nan], "to": [1.4, np.nan]})
    (figure,) = intervals.rows(frame, {"p": {"x": "effect"}})
    (ax,) = figure.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"] and ax.get_ylim()[0] > ax.get_ylim()[1]
    assert [list(line.get_xdata()) for line in ax.get_lines()] == [[1.2, 1.2], [0.5, 1.5], [1.0, 2.0], [0.0, 0.0]]
    (bar,) = ax.patches
    assert (bar.get_x(), bar.get_width()) == (1.0, pytest.approx(0.4))


def test_a_group_that_has_a_row_to_itself_lies_in_its_middle():
    rows = [("both", "g"), ("both", "h"), ("one", "h")]
    frame = pd.DataFrame([{"panel": "p", "row": row, "group": g, "mean": 1, "low": 0, "high": 2} for row, g in rows])
    (figure,) = intervals.rows(frame, {"p": {"x": "effect"}})
    places = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines if line.get_label() in "gh"}
    assert places["g"] == pytest.approx([-0.12]) and places["h"] == pytest.approx([0.12, 1])


def test_estimates_without_a_group_are_drawn_beside_those_with_one():
    """As a CSV gives them back: one frame, whose column `group` is empty for one of the panels."""
    frame = pd.DataFrame({"panel": ["p", "p", "q"], "row": "a", "group": ["x", "y", None], "mean": [100.0, 900.0, 2.0]})
    frame = frame.assign(low=np.nan, high=np.nan)
    look = {"x": "iterations", "none": None, "log": True}
    both, plain = intervals.rows(frame, {"p": look, "q": {"x": "points", "none": None}})
    assert len(both.axes[0].get_lines()) == 2 and both.axes[0].get_xscale() == "log"
    assert [tick.get_text() for tick in both.axes[0].get_xticklabels()] == ["100", "200", "500", "1,000"]
    assert [list(line.get_xdata()) for line in plain.axes[0].get_lines()] == [[2.0]]


def test_summaries_average_draws_before_trials_and_share_the_dense_network():
    rows = [
        ("ticket", 0, 0, 0, 1.0, 10.0),
        ("ticket", 1, 0, 0, 1.0, 20.0),
        ("ticket", 2, 0, 0, 1.0, 30.0),
        ("ticket", 0, 0, 1, 0.5, 6.0),
    ]
    rows += [("oneshot", 0, draw, 1, 0.5, value) for draw, value in enumerate((2.0, 4.0))]
    runs = pd.DataFrame(rows, columns=["arm", "trial", "draw", "level", "density", "x"]).assign(recipe="tiny")
    shown = summaries.against_density(runs, "x", "p", scale=2.0).set_index(["line", "percent"])
    assert shown.loc[("ticket", 100), "mean"] == 40 and shown.loc[("ticket", 100), "n"] == 3
    assert shown.loc[("oneshot", 50), "mean"] == 6 and shown.loc[("oneshot", 50), "n"] == 1
    assert shown.loc[("oneshot", 100), "mean"] == 20  # of the trial that has this arm
    assert np.isnan(shown.loc[("oneshot", 50), "low"])
    half = shown.loc[("ticket", 100), "high"] - 40
    assert half == pytest.approx(4.30265 * 20 / np.sqrt(3), rel=1e-4)  # t(0.975, 2)
    assert np.isnan(summaries.interval(np.array([1.0, 2.0]))["low"])


def test_what_is_shown_is_drawn_from_what_is_handed_out(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "lth.report.page.display.display", lambda data, **other: shown.append((data, other["metadata"]))
    )
    drawn = []
    show_figure("k", lambda frame, **options: drawn.append((frame, options)) or [axes.new_panel()[0]] * 2,
                pd.DataFrame({"a": [1 / 3]}), {"b": 1}, {"sources": []})  # fmt: skip
    assert drawn[0][0]["a"].tolist() == [0.333333] and drawn[0][1] == {"b": 1}
    assert [("text/csv" in data) for data, _ in shown] == [True, False]
    assert shown[0][1]["figure"]["key"] == "k" and shown[0][1]["figure"]["options"] == {"b": 1}

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from lth.arms import ARMS
from lth.errors import LthError
from lth.records import Records
from lth.report import figures, styles


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
    runs["final_test_acc"] = 0.9 + 0.04 * runs["trial"]
    runs["early_stop_iteration"] = 100 * (1 + runs["level"])
    curves = runs.drop(columns="density").merge(pd.DataFrame({"iteration": [0, 100, 200]}), how="cross")
    curves["test_acc"] = 0.8 + 0.1 * curves["trial"] + curves["iteration"] / 4000
    return Records("tiny", curves, runs)


def test_lines_are_means_and_bands_reach_from_the_lowest_to_the_highest_trial(records):
    (ax,) = figures.against_density(records, "early_stop_test_acc", 2).axes
    ticket = ax.get_lines()[0]
    assert ticket.get_ydata() == pytest.approx([0.92, 0.92, 0.92])
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.90, 0.94))


def test_density_runs_from_dense_to_sparse_on_a_log_axis(records):
    (ax,) = figures.against_density(records, "early_stop_test_acc", 2).axes
    assert ax.get_xscale() == "log"
    assert ax.get_xlim()[0] > ax.get_xlim()[1]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["100", "50", "25"]
    assert "%" in ax.get_xlabel() and ax.get_ylabel()


def test_arms_differ_in_label_and_as_many_as_one_figure_has_in_colour_marker_and_dash():
    looks = list(styles.of_arms().values())
    for part in ("label", "short"):
        assert len({getattr(style, part) for style in looks}) == len(ARMS)
    for part in ("colour", "marker", "dash"):
        assert len({getattr(style, part) for style in looks[: len(styles.LOOKS)]}) == len(styles.LOOKS)
    assert set(styles.of_arms()) == set(ARMS)
    greys = [np.dot(to_rgb(styles.of_arm(arm).colour), [0.299, 0.587, 0.114]) for arm in ("ticket", "reinit")]
    assert abs(greys[0] - greys[1]) > 0.1  # the two arms that every figure has, told apart in grey


def test_an_arm_without_a_style_is_refused_and_named(records):
    """It would vanish from the figure without a word."""
    records.runs["arm"] = records.runs["arm"].replace("reinit", "sign-only")
    records.curves["arm"] = records.curves["arm"].replace("reinit", "sign-only")
    for draw in (
        lambda: figures.against_density(records, "early_stop_test_acc", 2),
        lambda: figures.learning_curves(records, [0], 2),
    ):
        with pytest.raises(LthError, match="unknown arm in a figure 'sign-only': choose one of ticket, reinit, random"):
            draw()


def test_learning_curves_show_the_levels_asked_for_and_the_trials_there_are(records):
    (ax,) = figures.learning_curves(records, [0, 2], planned=5).axes
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"100.0%", "25.0%", "winning ticket", "same masks, fresh weights"} <= set(labels)
    assert "50.0%" not in labels
    assert "n = 2 of 5 trials" in ax.get_title(loc="right")


def test_learning_curves_end_where_they_are_told_to(records):
    (ax,) = figures.learning_curves(records, [0, 2], planned=2, until=100).axes
    assert max(line.get_xdata().max() for line in ax.get_lines() if len(line.get_xdata())) == 100


def lines_of(ax):
    """The lines of a panel's arms; their points go from the sparsest to the densest."""
    return [line for line in ax.get_lines() if len(line.get_ydata()) and line.get_linestyle() != ":"]


def test_several_draws_count_as_one_trial(records):
    """Trial 1 has a second draw that is far lower: the mean over trials moves by a quarter of it, not by a third."""
    extra = records.runs[(records.runs["arm"] == "ticket") & (records.runs["trial"] == 1)].assign(draw=1)
    extra["early_stop_test_acc"] -= 0.04
    runs = pd.concat([records.runs[records.runs["arm"] == "ticket"], extra])
    (ax,) = figures.against_density(Records("tiny", records.curves, runs), "early_stop_test_acc", 2).axes
    assert ax.get_lines()[0].get_ydata() == pytest.approx([0.91, 0.91, 0.91])
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.90, 0.92))  # over trials, not over draws


def test_trials_of_one_and_of_several_draws_meet_at_one_density(records):
    """The mean of three densities of 0.0556 may differ from it in the last bit: that is not a level of its own."""
    density = next(d for d in 0.8 ** np.arange(2, 60) if (d + d + d) / 3 != d)
    records.runs["density"] = records.runs["level"].map({0: 1.0, 1: 0.8, 2: density})
    draws = [records.runs[records.runs["trial"] == 1].assign(draw=draw) for draw in (1, 2)]
    curves = [records.curves[records.curves["trial"] == 1].assign(draw=draw) for draw in (1, 2)]
    both = Records("tiny", pd.concat([records.curves, *curves]), pd.concat([records.runs, *draws]))
    (ax,) = figures.against_density(both, "early_stop_test_acc", 2).axes
    assert [len(line.get_ydata()) for line in lines_of(ax)] == [3, 3]
    assert lines_of(ax)[0].get_ydata() == pytest.approx([0.92, 0.92, 0.92])
    (ax,) = figures.learning_curves(both, [2], 2).axes
    assert [line.get_ydata()[0] for line in lines_of(ax)] == pytest.approx([0.85, 0.85])


def test_learning_curves_average_draws_and_leave_out_what_was_not_measured(records):
    curves = records.curves.assign(train_acc=records.curves["test_acc"].where(records.curves["iteration"] != 100))
    extra = curves[curves["trial"] == 1].assign(draw=1)
    extra["train_acc"] -= 0.2
    runs = pd.concat([records.runs, records.runs[records.runs["trial"] == 1].assign(draw=1)])
    both = Records("tiny", pd.concat([curves, extra]), runs)
    (ax,) = figures.learning_curves(both, [0], 2, column="train_acc", label="training accuracy (%)").axes
    assert list(ax.get_lines()[0].get_xdata()) == [0, 200]
    assert ax.get_lines()[0].get_ydata() == pytest.approx([0.8, 0.85])
    assert ax.get_ylabel() == "training accuracy (%)"


def test_accuracy_axes_end_below_the_dense_net_only_where_lines_go_on(records):
    (ax,) = figures.against_density(records, "early_stop_test_acc", 2).axes
    assert ax.get_ylim()[0] > 0.89
    records.runs.loc[records.runs["level"] == 2, "early_stop_test_acc"] = 0.3
    (ax,) = figures.against_density(records, "early_stop_test_acc", 2).axes
    assert ax.get_ylim()[0] == pytest.approx(0.92 - figures.BELOW_DENSE)
    assert ax.get_ylim()[1] > 0.94


def with_oneshot(records):
    """The records with one trial of one-shot tickets at levels 1 and 2, at 80 %."""
    tickets = records.runs[(records.runs["arm"] == "ticket") & (records.runs["level"] > 0)]
    runs = tickets[tickets["trial"] == 0].assign(arm="oneshot", early_stop_test_acc=0.8)
    return Records("tiny", records.curves, pd.concat([records.runs, runs], ignore_index=True))


def test_the_papers_figure_sets_iterative_beside_one_shot_pruning(records):
    figure = figures.paper_figure(with_oneshot(records), {"ticket": 2, "reinit": 2, "oneshot": 5, "random-mask": 5})
    axes = np.array(figure.axes).reshape(3, 2)
    assert [ax.get_title(loc="left") for ax in axes[0]] == ["Iterative", "One-shot"]
    ticket, fresh = lines_of(axes[0, 0])[:2]
    assert list(ticket.get_ydata()) == list(fresh.get_ydata()) == [300, 200, 100]
    oneshot = [line for line in lines_of(axes[1, 1]) if line.get_ydata()[0] == pytest.approx(0.8)]
    assert list(oneshot[0].get_ydata()) == pytest.approx([0.8, 0.8, 0.9])  # from the dense net of its own trial
    assert axes[1, 0].get_ylim() == axes[1, 1].get_ylim()
    assert all(ax.xaxis_inverted() for ax in axes.flat)
    note = figure.get_suptitle().replace("\n", " ")
    assert note.startswith("n = 2 trials (one-shot ticket 1 of 5); no runs yet of random masks")
    assert "weights left" in axes[2, 0].get_xlabel() and "early-stop" in axes[0, 0].get_ylabel()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["winning ticket", "same masks, fresh weights", "one-shot ticket", "dense net, mean"]


def test_the_papers_figure_is_of_one_recipe(records):
    both = replace(records, runs=pd.concat([records.runs, records.runs.assign(recipe="unit")]))
    with pytest.raises(LthError, match="has the recipes"):
        figures.paper_figure(both, {"ticket": 2})


def test_the_papers_figure_names_the_half_that_is_missing(records):
    figure = figures.paper_figure(records, {"ticket": 2, "oneshot": 5})
    assert figure.axes[1].get_title(loc="left") == "One-shot: no runs yet"
    assert len(lines_of(figure.axes[1])) == 1  # the iterative ticket, for comparison


def test_recipes_stand_below_each_other_on_the_same_axes(records):
    """As in the figure of preprocessings: the second recipe stops 50 iterations later, the third has no runs."""
    other = records.runs.assign(recipe="tiny-unit", early_stop_iteration=records.runs["early_stop_iteration"] + 50)
    parts = {"L2 norm": records.runs, "[0, 1]": other, "standardised": records.runs[:0]}
    columns = ("early_stop_iteration", "early_stop_test_acc")
    axes = np.array(figures.density_grid(parts, columns, "n = 2 trials", parts_in_rows=True).axes).reshape(3, 2)
    assert [ax.get_title(loc="left") for ax in axes[:, 0]] == list(parts)
    assert list(lines_of(axes[0, 0])[0].get_ydata()) == [300, 200, 100]
    assert list(lines_of(axes[1, 0])[0].get_ydata()) == [350, 250, 150]
    assert [text.get_text() for text in axes[2, 0].texts] == ["no runs yet"]
    assert axes[0, 0].get_ylim() == axes[1, 0].get_ylim() == axes[2, 0].get_ylim() != axes[0, 1].get_ylim()
    assert axes[0, 0].get_xlim() == axes[2, 1].get_xlim()


def test_levels_of_learning_curves_differ_in_marker_and_arms_in_dash(records):
    (ax,) = figures.learning_curves(records, [0, 1, 2], 2).axes
    lines = [line for line in ax.get_lines() if len(line.get_xdata())]
    assert len({line.get_marker() for line in lines}) == 3
    assert len({(line.get_marker(), line.is_dashed()) for line in lines}) == len(lines) == 6
    in_legend = {line.get_marker() for line in ax.get_legend().get_lines()}
    assert {line.get_marker() for line in lines} <= in_legend

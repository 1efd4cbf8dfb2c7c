import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lth.records import Records
from lth.report.axes import new_figure
from lth.report.null_2020 import figures as null_2020_figures
from lth.report.null_2020 import figures_of_2020
from lth.report.null_2020.figures_of_2020 import POINTS, answer

DENSITIES = [0.8**level for level in range(26)]


def runs(stop=lambda arm, density: 4500, accuracy=lambda arm, density: 0.98, trials=6, levels=25):
    """Made-up runs of tickets and fresh weights; trials differ a little, the two arms of a trial by less."""
    generator, rows = np.random.default_rng(0), []
    for trial in range(trials):
        luck = generator.normal(0, 0.0003)
        for arm in ("ticket", "reinit"):
            for level, density in enumerate(DENSITIES[: levels + 1]):
                chance = generator.normal(0, 0.0001)
                acc = accuracy(arm, density) + luck + chance
                rows.append(
                    {"recipe": "lenet", "arm": arm, "trial": trial, "draw": 0, "level": level, "density": density}
                    | {"early_stop_iteration": stop(arm, density) * (1 + 100 * chance)}
                    | {"early_stop_test_acc": acc, "final_test_acc": acc}
                )
    return pd.DataFrame(rows)


def point(figure, text):
    (found,) = [p for p in POINTS if p.figure == figure and text in p.seen]
    return found


def as_reported(arm, density):
    """Accuracy as the 2020 report shows it."""
    return 0.98 if density >= 0.15 else 0.96 if density > 0.012 else 0.95


def test_what_the_report_shows_agrees_with_itself():
    made = runs(lambda arm, density: 4500 if density >= 0.15 else 10_000 if density > 0.012 else 25_000, as_reported)
    assert {one.point.seen: one.word for one in figures_of_2020.answers(made) if one.word != "agrees"} == {}
    assert figures_of_2020.summary(figures_of_2020.answers(made)) == f"{len(POINTS)} of {len(POINTS)} points agree"


def test_a_ticket_that_wins_differs():
    better = runs(accuracy=lambda arm, density: 0.984 if arm == "ticket" else 0.98)
    both = answer(point(2, "to about 15%, both coincide"), better)
    assert (both.word, both.n) == ("differs", 6) and both.ours.startswith("tickets 0.40 points ahead [0.")
    ranged = answer(point(2, "both are at"), better)
    assert ranged.word == "differs" and ranged.ours.startswith("tickets 98.38%")
    sooner = runs(lambda arm, density: 2000 if arm == "ticket" else 4500)
    assert answer(point(3, "to about 15%, both coincide"), sooner).word == "differs"
    assert "tickets 56% earlier [" in answer(point(3, "both rise together"), sooner).ours
    worse = runs(accuracy=lambda arm, density: 0.976 if arm == "ticket" else 0.98)
    behind = answer(point(2, "to about 15%, both coincide"), worse).ours
    value, low, high = map(float, re.findall(r"\d\.\d\d", behind))
    assert behind.startswith("tickets 0.40 points behind [") and low <= value < high
    later = runs(lambda arm, density: 4500 if arm == "ticket" else 3000)
    assert "tickets 50% later [" in answer(point(3, "both rise together"), later).ours


def test_a_figure_shows_differences_above_its_resolution():
    assert [figures_of_2020.resolution(figure) for figure in (1, 2, 3)] == [0.3, 0.2, 33]


def test_a_difference_below_the_figures_resolution_agrees():
    small = runs(accuracy=lambda arm, density: 0.981 if arm == "ticket" else 0.98)
    wanted = point(2, "to about 15%, both coincide")
    assert answer(wanted, small).word == "agrees"
    assert answer(replace(wanted, resolution=0.05), small).word == "differs"


def test_noise_and_single_trials_cannot_tell():
    generator = np.random.default_rng(0)
    noisy = runs()
    noisy["early_stop_test_acc"] += generator.normal(0, 0.01, len(noisy))
    assert answer(
        point(2, "Near 1%"), noisy.assign(early_stop_test_acc=noisy["early_stop_test_acc"] - 0.0195)
    ).word in (
        "cannot tell",
        "agrees",
    )
    one = figures_of_2020.answers(runs(trials=1))
    assert {found.word for found in one} == {"cannot tell"} and {found.n for found in one} == {1}
    edge = runs(accuracy=lambda arm, density: 0.98201, trials=3)
    assert answer(point(2, "both are at"), edge).word == "cannot tell"  # a mean outside, no interval wholly


def test_densities_that_are_not_there_have_no_records():
    shallow = {one.point.seen: one.word for one in figures_of_2020.answers(runs(levels=7))}
    assert shallow[point(1, "21.1% of the weights level").seen] == "agrees"
    for text in ("3.6%", "Below 15%", "Near 1%"):
        assert {word for seen, word in shallow.items() if text in seen} == {"no records"}
    alone = runs()
    alone = alone[alone["arm"] == "ticket"]
    assert answer(point(2, "Below 15%"), alone).word == "no records"
    assert "no records" in figures_of_2020.summary(figures_of_2020.answers(alone))


def test_the_control_is_the_one_named():
    """Against another control that wins nothing, tickets that win over fresh weights coincide."""
    better = runs(accuracy=lambda arm, density: 0.984 if arm == "ticket" else 0.98)
    other = better[better["arm"] == "ticket"].assign(arm="chain-reinit")
    both = point(2, "to about 15%, both coincide")
    assert answer(both, pd.concat([better, other]), control="chain-reinit").word == "agrees"
    assert answer(both, pd.concat([better, other])).word == "differs"
    ranged = answer(point(2, "both are at"), better)
    assert ranged.ours == f"tickets {ranged.by_arm['ticket']}, fresh weights {ranged.by_arm['control']}"


def test_densities_are_levels():
    made = runs()
    assert figures_of_2020._levels(point(2, "both are at"), made) == list(range(9))
    assert figures_of_2020._levels(point(1, "level off at 97.5"), made) == [0, 3, 7]
    assert figures_of_2020._levels(point(1, "3.6%"), made) == [15]
    assert figures_of_2020._levels(point(2, "Near 1%"), made) == [21]


def test_a_table_has_a_row_a_point():
    text = figures_of_2020.table(figures_of_2020.answers(runs(), 2))
    assert len(text.splitlines()) == 2 + sum(p.figure == 2 for p in POINTS)
    assert {line.count("|") for line in text.splitlines()} == {5}


def test_the_reports_arms_and_densities_are_shown():
    made = pd.concat([runs(trials=1), runs(trials=1).query("arm == 'ticket'").assign(arm="oneshot")])
    curves = made.assign(iteration=0, test_acc=0.98)
    shown = figures_of_2020.as_in_2020(Records("lenet", curves, made), 1)
    fresh = shown.runs[shown.runs["arm"] == "reinit"]
    assert set(shown.runs["arm"]) == {"ticket", "reinit"} and fresh["density"].between(0.1, 0.99).all()
    assert len(shown.curves) == len(shown.runs)
    assert len(figures_of_2020.as_in_2020(Records("lenet", curves, made), 2).runs) == 52


@pytest.mark.parametrize(("figure", "low", "high"), [(1, 0.953, 0.983), (2, 0, 1), (3, 0, 1)])
def test_the_reports_values_are_drawn_and_named(figure, low, high):
    _, ax = new_figure((4, 3))
    ax.plot([100, 1], [0.97, 0.98], label="ours")
    null_2020_figures.draw_2020(ax, figure)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["ours", f"2020 report, as read from its Figure {figure}"]
    if figure == 1:
        assert ax.get_ylim()[0] <= low and ax.get_ylim()[1] >= high
        assert [patch.get_xy()[1] for patch in ax.patches] == [0.975, 0.955]
    else:
        assert {2: 0.96, 3: 20_000}[figure] == ax.lines[-1].get_ydata()[0]

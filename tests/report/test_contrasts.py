import pytest
from effects_made import made

from lth.errors import LthError
from lth.report import contrasts
from lth.statistics.paired import times


@pytest.fixture
def runs():
    """Two trials, three pruned levels: tickets are like the dense network, twice as fast as fresh weights, +0.8 pp."""
    return made({"protocol": {"reinit": 1.0}}, trials=2, noise=0.0, levels=3)


def test_a_row_for_each_level_and_side(runs):
    lines = contrasts.by_level(runs).splitlines()
    assert lines[0].count("|") == 7 and len(lines) == 2 + 3 * 2
    assert (
        lines[2]
        == "| 51.2% | the dense network | 1.00 [1.00, 1.00] | +0.00 [+0.00, +0.00] | +0.00 [+0.00, +0.00] | 2 |"
    )
    assert lines[3] == "| 51.2% | fresh weights | 2.00 [2.00, 2.00] | +0.80 [+0.80, +0.80] | +0.80 [+0.80, +0.80] | 2 |"


def test_arms_are_compared_as_in_the_papers_figure():
    shares = {"reinit": 1.0, "random-mask": 0.5, "oneshot": 0.0, "oneshot-reinit": 1.0}
    runs = made({"protocol": shares}, trials=3, noise=0.0, levels=2)
    lines = [line.strip("| ").split(" | ") for line in contrasts.contrasts(runs, 1).splitlines()]
    assert lines[0] == ["Arm", "Against", "Times as fast", "pp at early stop", "pp after training", "n"]
    assert [tuple(line[:2]) for line in lines[2:]] == [
        ("winning ticket", "the dense network"),
        ("winning ticket", "fresh weights"),
        ("winning ticket", "random masks"),
        ("winning ticket", "one-shot ticket"),
        ("one-shot ticket", "the dense network"),
        ("one-shot ticket", "one-shot masks with fresh weights"),
    ]
    assert [line[2].split()[0] for line in lines[2:]] == ["1.00", "2.00", "1.41", "1.00", "1.00", "2.00"]
    assert [line[3].split()[0] for line in lines[2:]] == ["+0.00", "+0.80", "+0.40", "+0.00", "+0.00", "+0.80"]
    assert len(contrasts.contrasts(runs[runs["arm"] != "oneshot"], 1).splitlines()) == 2 + 3


def test_only_trials_with_both_sides_count(runs):
    unfinished = runs[(runs["arm"] == "ticket") | (runs["level"] == 1) & (runs["trial"] == 0)]
    assert contrasts.gain_of(unfinished, 1, "reinit", times, "early_stop_iteration").n == 1
    assert contrasts.gain_of(unfinished, 2, "reinit", times, "early_stop_iteration") is None
    assert contrasts.by_level(unfinished).count("fresh weights") == 1


def test_the_fastest_and_the_sparsest_level_are_told(runs):
    better = runs.copy()
    tickets = better["arm"] == "ticket"
    better.loc[tickets & (better["level"] == 2), "early_stop_iteration"] /= 4
    better.loc[tickets & (better["level"] == 3), "early_stop_test_acc"] -= 0.02
    better = better[tickets | (better["trial"] == 0)]
    assert contrasts.sentence(better) == (
        "With 26.2% of the weights (n = 2) tickets reach their early stop 4.00 [4.00, 4.00] times as fast as the dense "
        "network; their accuracy there differs from its by +0.00 [+0.00, +0.00] percentage points, and from that of "
        "the same masks with fresh weights by +0.80 (n = 1). "
        "With 13.4% of the weights (n = 2) tickets reach their early stop 1.00 [1.00, 1.00] times as fast as the dense "
        "network; their accuracy there differs from its by −2.00 [−2.00, −2.00] percentage points, and from that of "
        "the same masks with fresh weights by −1.20 (n = 1). (The fastest of several levels flatters.)"
    )
    alone = contrasts.sentence(better[better["arm"] == "ticket"])
    assert "fresh weights" not in alone and alone.count("With ") == 2


def test_the_experiments_are_named_that_establish_an_advantage(runs):
    slow = runs.assign(early_stop_iteration=1000)
    worse = runs.copy()
    worse.loc[worse["arm"] == "ticket", "early_stop_test_acc"] -= 0.1
    assert contrasts.advantage_sentence({"A": runs, "B": slow, "C": worse, "D": runs[:0]}, 2) == (
        "Against fresh weights, 95% intervals establish that tickets are faster with A and C and more accurate with A "
        "and B (n = 2)."
    )
    one = runs[runs["trial"] == 0]
    assert "faster with none of them and more accurate with B (n = 1–2)" in contrasts.advantage_sentence(
        {"A": one, "B": slow}, 2
    )
    assert contrasts.advantage_sentence({"A": one}, 2).startswith("A single trial has no interval")


def test_without_records_the_table_says_so(runs):
    for nothing in (contrasts.table("Level", []), contrasts.by_level(runs[runs["level"] == 0])):
        assert nothing.splitlines()[2] == "| no records yet | – | – | – | – | – |"
    assert contrasts.sentence(runs[runs["level"] == 0]) == "No pruned network has been trained yet."


def test_recipes_are_not_mixed(runs):
    with pytest.raises(LthError, match="mix the recipes"):
        contrasts.by_level(made({"protocol": {"reinit": 1.0}, "other": {"reinit": 1.0}}, trials=2, levels=1))

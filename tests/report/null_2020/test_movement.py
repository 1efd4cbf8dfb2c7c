import pytest
from effects_made import made, with_drift

from lth.report.null_2020 import movement
from lth.statistics.bootstrap import MissingRecords

MOVED = {
    "protocol": {1: 0.001, 10: 0.008, 100: 0.02, 1000: 0.08},
    "small-weights": {1: 0.001, 10: 0.05, 100: 0.1, 1000: 0.2},
}


@pytest.fixture
def runs():
    return with_drift(made({"protocol": {"reinit": 1.0}, "small-weights": {"reinit": 1.0}}, trials=2), MOVED)


@pytest.fixture
def moves(runs):
    return movement.drifts(runs, list(MOVED), 2)


def test_changes_are_told_in_learning_rates_and_in_initial_sizes(moves):
    assert len(moves) == 2 * 2 * 4
    assert movement.at(moves, "protocol", "fc1.weight", 10, "steps") == pytest.approx(8)
    assert movement.at(moves, "protocol", "fc1.weight", 10, "grown") == pytest.approx(0.2)
    assert movement.at(moves, "protocol", "fc1.weight", 1000, "cosine") == pytest.approx(0.92)


def test_the_start_is_outgrown_when_the_change_is_as_large(moves):
    assert movement.outgrown(moves, "protocol", "fc1.weight") == 1000
    assert movement.outgrown(moves, "small-weights", "fc1.weight") == 10
    assert movement.outgrown(moves[moves["iteration"] < 1000], "protocol", "fc1.weight") is None


def test_what_is_not_recorded_is_named(runs, moves):
    with pytest.raises(MissingRecords, match="late-rewind"):
        movement.drifts(runs, ["protocol", "late-rewind"], 2)
    with pytest.raises(MissingRecords):
        movement.drifts(runs.assign(drift=None), ["protocol"], 2)
    with pytest.raises(MissingRecords, match="at level 99 is not recorded for any recipe"):
        movement.drifts(runs, [], 99)
    with pytest.raises(MissingRecords, match="iteration 3"):
        movement.at(moves, "protocol", "fc1.weight", 3, "steps")

import pytest
from effects_made import made, with_drift

from lth.report.null_2020 import movement
from lth.statistics.bootstrap import MissingRecords

MOVED = {
    "protocol": {1: 0.001, 10: 0.008, 100: 0.02, 1000: 0.08},
    "small-weights": {1: 0.001, 10: 0.05, 100: 0.1, 1000: 0.2},
}
NAMES = {"protocol": "protocol", "small-weights": "small weights"}


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


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (
            {1: 0.001, 10: 0.05, 100: 0.06, 1000: 0.07},
            "written over sooner, but not in every trial with less of it left,",
        ),
        ({1: 0.001, 10: 0.002, 100: 0.003, 1000: 0.2}, "written over no sooner, with less of it left in the end,"),
        (
            {1: 0.001, 10: 0.002, 100: 0.003, 1000: 0.004},
            "written over no sooner, and not in every trial with less of it left,",
        ),
    ],
)
def test_what_the_start_can_account_for(runs, moved, words):
    moves = movement.drifts(with_drift(runs, MOVED | {"small-weights": moved}), list(MOVED), 2)
    assert movement.accounts_sentence(moves, "fc1.weight", NAMES) == f"The start is {words} with small weights."
    assert "Nothing is compared" in movement.accounts_sentence(moves, "fc1.weight", {"protocol": "protocol"})


def test_what_is_not_recorded_is_named(runs, moves):
    with pytest.raises(MissingRecords, match="late-rewind"):
        movement.drifts(runs, ["protocol", "late-rewind"], 2)
    with pytest.raises(MissingRecords):
        movement.drifts(runs.assign(drift=None), ["protocol"], 2)
    with pytest.raises(MissingRecords, match="at level 99 is not recorded for any recipe"):
        movement.drifts(runs, [], 99)
    with pytest.raises(MissingRecords, match="iteration 3"):
        movement.at(moves, "protocol", "fc1.weight", 3, "steps")
    assert movement.recorded(runs, ["late-rewind", "protocol"], 2) == ["protocol"]


def test_sentences_and_table_hold_the_numbers(moves):
    scales = movement.scales_sentence(moves, "fc1.weight", NAMES)
    assert scales.endswith("as large as the start at iteration 1,000 under the protocol and 10 with small weights.")
    early = movement.scales_sentence(moves[moves["iteration"] < 1000], "fc1.weight", NAMES)
    assert early.endswith("at iteration 10 with small weights; it never gets as large as the start under the protocol.")
    assert "0.92 under the protocol and 0.80 with small weights" in movement.ends_sentence(moves, "fc1.weight", NAMES)
    assert "1.00 after the first step and 8.0 after 10" in movement.steps_sentence(moves, "fc1.weight", NAMES)
    accounts = movement.accounts_sentence(moves, "fc1.weight", NAMES)
    assert accounts.startswith("The start is written over sooner than under the protocol, and less of it is left in")
    assert accounts.endswith("in the end, with small weights.")
    assert movement.table(moves, NAMES).splitlines()[2].split(" | ")[:3] == ["| protocol", "fc1", "0.040"]

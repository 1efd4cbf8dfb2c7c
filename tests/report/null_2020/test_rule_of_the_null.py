import pandas as pd
import pytest
from effects_made import left_out, suspects, verdicts

from lth.errors import LthError
from lth.report.null_2020 import configurations, rule
from lth.statistics import bootstrap
from lth.studies.deviations import DEVIATIONS


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 499)


def test_a_deviation_that_erases_the_advantage_alone_is_sufficient_and_ranks_first():
    runs = suspects(small_weights=0.05, standard_inputs=0.6, lost_weights=-0.8)
    rows = rule.ranked(rule.table(configurations.alone(), runs, runs, "alone"))
    found = verdicts(rows)
    assert rows["deviation"].tolist()[:3] == ["lost-weights", "small-weights", "standard-inputs"]
    assert found["small-weights"] == found["lost-weights"] == "sufficient"
    assert found["standard-inputs"] == "weakens"
    assert rows["mean share"][1] == pytest.approx(0.05, abs=0.05)
    assert set(rows["n"]) == {5}
    others = set(DEVIATIONS) - {"lost-weights", "small-weights", "standard-inputs"}
    assert {found[name] for name in others} <= {"no loss shown", "weakens"}


def test_speed_and_accuracy_are_judged_apart():
    runs = suspects()
    fresh = (runs["recipe"] == "late-rewind") & (runs["arm"] == "reinit")
    tickets = runs[(runs["recipe"] == "late-rewind") & (runs["arm"] == "ticket")]
    runs.loc[fresh, "early_stop_iteration"] = tickets["early_stop_iteration"].to_numpy()
    assert verdicts(rule.table(configurations.alone(), runs, runs, "alone"))["late-rewind"] == "for speed only"


def test_chain_control_is_the_protocols_tickets_against_another_control():
    runs = suspects(chain_control=0.0)
    found = verdicts(rule.table(configurations.alone(), runs, runs, "alone"))
    assert found["chain-control"] == "sufficient"
    assert found["small-weights"] != "sufficient"


@pytest.mark.parametrize(
    ("speed", "accuracy", "null", "alone"),
    [
        ((0.1, 0.2), (-0.1, 0.3), "reproduced", "sufficient"),
        ((0.1, 0.2), (0.2, 0.5), "inconclusive", "inconclusive"),
        ((0.1, 0.2), (0.4, 0.9), "for speed only", "for speed only"),
        ((0.4, 0.9), (0.1, 0.2), "for accuracy only", "for accuracy only"),
        ((0.2, 0.5), (0.4, 0.9), "not reproduced", "weakens"),
        ((0.2, 0.5), (1.1, 1.6), "not reproduced", "weakens"),
        ((0.8, 1.3), (0.9, 1.2), "not reproduced", "no loss shown"),
        ((-0.5, -0.2), (0.0, 0.1), "inconclusive", "sufficient"),
        ((-0.9, -0.4), (0.0, 0.1), "reversed", "sufficient"),
    ],
)
def test_a_verdict_needs_the_whole_interval_on_one_side_of_a_third(speed, accuracy, null, alone):
    row = {"n": 5}
    for measure, ends in (("speed", speed), ("accuracy", accuracy)):
        row |= {f"{measure} share low": ends[0], f"{measure} share high": ends[1]}
    assert rule.verdict(row, "together") == null
    assert rule.verdict(row, "alone") == alone
    assert rule.verdict(row | {"n": 2}, "alone") == "inconclusive"


def test_two_trials_are_too_few_for_a_verdict():
    runs = suspects(trials=2, small_weights=0.0)
    rows = rule.table(configurations.alone(), runs, runs, "alone")
    assert set(rows["verdict"]) == {"inconclusive"} and set(rows["n"]) == {2}


def test_a_protocol_without_an_advantage_convicts_nobody():
    runs = suspects(small_weights=0.0)
    runs = runs.assign(early_stop_iteration=3000 + 10 * (runs["trial"] * runs["level"] % 3))
    assert set(rule.table(configurations.alone(), runs, runs, "alone")["verdict"]) == {"inconclusive"}


def test_what_has_no_runs_says_so_and_ranks_last():
    runs = suspects()
    runs = runs[runs["recipe"] != "small-weights"]
    rows = rule.ranked(rule.table(configurations.alone(), runs, runs, "alone"))
    last = rows.iloc[-1]
    assert (last["deviation"], last["verdict"], last["n"]) == ("small-weights", "no runs", 0)
    assert pd.isna(last["mean share"])


def test_the_full_ladder_is_compared_at_the_same_densities():
    coarse = left_out(together=0.5)
    full = coarse[coarse["recipe"] == "all"].assign(recipe="lenet-2020", level=lambda rows: 3 * rows["level"])
    one = [configurations.Configuration("lenet-2020", "chain-reinit")]
    row = rule.table(one, full, suspects(), "together").iloc[0]
    assert row["mean share"] == pytest.approx(0.5, abs=0.05) and row["verdict"] == "not reproduced"


def test_the_same_records_give_the_same_table():
    runs = suspects(trials=3)
    tables = [rule.table(configurations.alone()[:2], runs, runs, "alone") for _ in range(2)]
    pd.testing.assert_frame_equal(*tables)


def test_an_unknown_role_is_refused():
    with pytest.raises(LthError, match="unknown role 'lone'"):
        rule.table([], suspects(), suspects(), "lone")


@pytest.mark.parametrize("role", rule.ROLES)
def test_every_verdict_that_can_be_given_has_its_meaning(role):
    """Each measure's share is gone, there, more than the whole, far below none, or told by no interval."""
    ends = [(0.1, 0.2), (0.4, 0.9), (1.1, 1.6), (-0.9, -0.4), (0.2, 0.5)]
    rows = [
        {"n": 5, "speed share low": a, "speed share high": b, "accuracy share low": c, "accuracy share high": d}
        for a, b in ends
        for c, d in ends
    ]
    given = {rule.left_out(row, together) for row in rows for together in rows}
    given |= {rule.verdict(row, role) for row in rows}
    assert given <= {*rule.WORDS, *(rule.NULLS if role == "together" else ())}
    assert len(given) > 8  # most of the words occur


def test_the_protocol_may_go_by_another_name():
    """The study with the protocol at the paper's length calls its recipe lenet; numbers must not depend on that."""
    runs = suspects(small_weights=0.05)
    renamed = runs[runs["recipe"] == "protocol"].assign(recipe="lenet")
    one = [configurations.Configuration("small-weights", deviation="small-weights")]
    usual = rule.table(one, runs, runs, "alone")
    named = rule.table(one, runs, renamed, "alone", protocol=configurations.Configuration("lenet"))
    pd.testing.assert_frame_equal(named, usual)

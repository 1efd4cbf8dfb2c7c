"""What was asked of the claims once their verdicts were known."""

import numpy as np
import pandas as pd
import pytest
from claimed import TRIALS, only, records, table

from lth.claims import posthoc
from lth.claims.rule import CLAIMS, evaluate

EARLIER = records(only("ticket", {7}, 0.6, 1.0), only("ticket", {9}, 0.4, 0.0))


def test_estimates_are_those_of_the_rule_with_intervals_of_their_own():
    for name in ("L1", "L2", "L4", "L5", "L8", "L9"):
        ours, registered = posthoc.estimate(CLAIMS[name], EARLIER), evaluate(name, EARLIER)
        assert ours.value == pytest.approx(registered.estimate)
        assert ours.low < registered.low < registered.high < ours.high  # percentiles of 8 trials are too narrow


def test_a_repeat_of_few_trials_is_less_sure_than_the_estimate():
    for name in ("L1", "L2", "L3-speed", "L4"):
        found, ends = posthoc.estimate(CLAIMS[name], EARLIER), posthoc.repeat(CLAIMS[name], EARLIER)
        assert ends.low < found.low < found.high < ends.high
        assert posthoc.repeat(CLAIMS[name], EARLIER, trials=10**9).high == pytest.approx(found.high, rel=1e-4)


def test_a_repeat_reads_the_largest_mean_off_its_figure():
    """With nothing there, the largest of 25 noisy means is above zero."""
    ends = posthoc.repeat(CLAIMS["L6"], records())
    assert 0 < ends.low < ends.high < 0.1


def test_a_single_trial_predicts_nothing():
    runs = records(trials=1)
    rows = posthoc.table(table(runs), runs)
    assert rows[["repeat low", "repeat high"]].isna().all(axis=None)


@pytest.mark.parametrize("start", [4, 12])
def test_the_level_from_which_the_difference_is_larger_than_the_margin(start):
    """At levels before it is 0.05 points, which many trials would see."""
    runs = records(
        accuracy=lambda arm, level: (-0.3 if level >= start else -0.05) if (arm, level > 0) == ("reinit", True) else 0.0
    )
    found = posthoc.falls_from(CLAIMS["L7-reinit"], runs)
    assert (found.value, found.low, found.high) == (start, start, start)
    assert posthoc.repeat(CLAIMS["L7-reinit"], runs).low == start


def test_accuracy_that_never_falls_is_told_as_the_level_after_the_last():
    assert posthoc.falls_from(CLAIMS["L7-ticket"], records()).value == 26


def test_a_range_that_is_contradicted_in_part_shows_it_level_by_level():
    runs = records(accuracy=lambda arm, level: (0.4 if level < 7 else -0.4) if arm == "oneshot" else 0.0)
    levels = posthoc.by_level(CLAIMS["L9"], runs).set_index("level")
    assert list(levels.index[levels["claimed"]]) == list(range(1, 14))
    assert (levels.loc[1:6, "low"] > 0).all() and (levels.loc[7:25, "high"] < 0).all()
    assert levels.loc[2, "percent"] == pytest.approx(64)


def test_all_dense_networks_of_a_trial_are_averaged():
    runs = records()
    runs["late_test_acc"] = np.where(runs["arm"].eq("ticket") & runs["level"].gt(0), 0.985, 0.98)
    runs.loc[runs["arm"].eq("reinit") & runs["level"].eq(0), "late_test_acc"] = 0.982
    found = posthoc.best(CLAIMS["L6"], runs, "late_test_acc")
    assert found.value == pytest.approx(0.4) and found.n == TRIALS


def test_an_estimate_on_a_limit_needs_more_trials_than_anyone_trains():
    limit = CLAIMS["L3-accuracy"].tolerance
    here, there = (records(accuracy=only("ticket", {15}, -size, 0.0)) for size in (limit + 0.02, limit + 0.3))
    near, far = (posthoc.to_tell(CLAIMS["L3-accuracy"], runs) for runs in (here, there))
    assert far < 5 < near
    assert posthoc.remark("inconclusive", None) == posthoc.remark("inconclusive", posthoc.MANY + 1) == "on the margin"
    assert posthoc.remark("inconclusive", 15) == "15 trials would tell" and posthoc.remark("replicated", None) == ""


def test_the_table_keeps_the_registered_columns():
    registered = table(EARLIER)
    after = posthoc.table(registered, EARLIER)
    pd.testing.assert_frame_equal(after[registered.columns], registered)

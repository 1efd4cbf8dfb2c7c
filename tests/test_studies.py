from dataclasses import replace

import pytest
from tiny_study import STUDY, TINY

import lth
from lth.errors import LthError
from lth.grid import Grid, Study, cost
from lth.lottery import Chain
from lth.runs import ARMS
from lth.studies import STUDIES, parse_arms, study


def places(of: Study) -> set:
    return {(run.arm, run.trial, run.draw, run.level) for run in of.runs()}


def test_runs_of_a_grid():
    runs = STUDY.runs()
    assert len(runs) == len({run.key for run in runs}) == 6
    assert places(STUDY) == {(arm, 0, 0, level) for arm in ("ticket", "reinit") for level in (0, 1, 2)}


def test_grids_of_different_sizes():
    two = replace(STUDY, levels=1, grids=(Grid({"ticket": 1}, 3), Grid({"reinit": 2, "oneshot": 1}, 1)))
    trial_0 = {("ticket", 0, 0), ("ticket", 0, 1), ("oneshot", 0, 1)} | {
        ("reinit", d, level) for d in (0, 1) for level in (0, 1)
    }
    assert {(a, d, level) for a, t, d, level in places(two) if t == 0} == trial_0
    assert {(a, t, d, level) for a, t, d, level in places(two) if t} == {
        ("ticket", t, 0, n) for t in (1, 2) for n in (0, 1)
    }


def test_arms_that_share_the_tickets_level_0_start_at_1():
    levels = {
        arm: {run.level for run in Chain(TINY, 0, 2, dict.fromkeys(ARMS, 1)).runs() if run.arm == arm} for arm in ARMS
    }
    for arm in ("ticket", "reinit", "chain-reinit"):
        assert levels[arm] == {0, 1, 2}
    for arm in ("random-mask", "oneshot", "oneshot-reinit"):
        assert levels[arm] == {1, 2}


def test_several_recipes():
    both = replace(STUDY, recipes=(TINY, replace(TINY, name="unit", preprocessing="unit")))
    assert len({run.key for run in both.runs()}) == 12


def test_arguments_change_the_study(tiny_study):
    changed = study("tiny", trials=2, levels=3, iterations=20, arms="ticket, reinit:3,chain-reinit", rewind=5)
    assert {run.recipe for run in changed.runs()} == {replace(TINY, iterations=20, rewind=5)}
    assert {run.trial for run in changed.runs()} == {0, 1} and {run.level for run in changed.runs()} == {0, 1, 2, 3}
    assert {(run.arm, run.draw) for run in changed.runs()} == {
        ("ticket", 0), ("reinit", 0), ("reinit", 1), ("reinit", 2), ("chain-reinit", 0),
    }  # fmt: skip
    assert study("tiny") == tiny_study  # what is not given stays, the engine too
    assert {run.engine for run in study("tiny", engine="dense").runs()} == {"dense"}


def test_trials_size_the_largest_grid_and_limit_the_others(monkeypatch):
    grids = (Grid({"ticket": 1}, 5), Grid({"oneshot": 1}, 3))
    monkeypatch.setitem(STUDIES, "two", replace(STUDY, name="two", grids=grids))
    assert [grid.trials for grid in study("two", trials=10).grids] == [10, 3]
    assert [grid.trials for grid in study("two", trials=2).grids] == [2, 2]
    assert study("two", trials=2, arms="ticket").grids == (Grid({"ticket": 1}, 2),)


def test_more_trials_or_levels_keep_the_keys(tiny_study):
    small = {run.key for run in study("tiny").runs()}
    assert small < {run.key for run in study("tiny", trials=3, levels=5).runs()}
    assert not small & {run.key for run in study("tiny", iterations=8).runs()}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "lennet"}, "unknown study 'lennet': choose one of .*lenet"),
        ({"trials": 0}, "trials must be a whole number of at least 1, not 0"),
        ({"trials": -1}, "trials.*-1"),
        ({"trials": 1.5}, "trials.*1.5"),
        ({"levels": 0}, "levels.*0"),
        ({"levels": "3"}, "levels.*'3'"),
        ({"iterations": 0}, "iterations.*0"),
        ({"iterations": -100}, "iterations.*-100"),
        ({"arms": "ticket,winner"}, "unknown arm 'winner': choose one of ticket"),
        ({"arms": ""}, "unknown arm ''"),
        ({"arms": "reinit:0"}, "draws of reinit.*'0'.*reinit:3"),
        ({"arms": "reinit:x"}, "draws of reinit.*'x'"),
        ({"rewind": -1}, "rewind must lie between 0 and the 10 iterations, not -1"),
        ({"rewind": 11}, "rewind.*11"),
        ({"engine": "steam"}, "engine 'steam'.*auto"),
    ],
)
def test_bad_arguments_are_refused(tiny_study, changes, says):
    with pytest.raises(LthError, match=says):
        study(**({"name": "tiny"} | changes)).check()


def test_an_unknown_parameter_is_an_error():
    with pytest.raises(TypeError, match="trails"):
        study("lenet", trails=1)


def test_too_deep_levels_are_refused(tiny_study):
    with pytest.raises(LthError, match="level 43 .* fc2.weight: ask for at most 42 levels"):
        study("tiny", levels=60).check()


def test_missing_data_is_told(tiny_mnist, monkeypatch):
    monkeypatch.setitem(STUDIES, "tiny", STUDY)
    with pytest.raises(LthError, match="MNIST is not in .*run `lth data mnist`"):
        study("tiny").check()


def test_parse_arms():
    assert parse_arms("ticket") == {"ticket": 1}
    assert parse_arms(" ticket , reinit:3 ") == {"ticket": 1, "reinit": 3}


def test_cost_falls_with_density_below_a_third():
    runs = Chain(TINY, 0, 16, {"ticket": 1}).runs()
    costs = [cost(run) for run in runs]
    assert costs[0] == costs[4] == TINY.iterations and costs == sorted(costs, reverse=True)
    assert costs[16] == pytest.approx(TINY.iterations * (0.1 + 2.7 * 7650 / 266_200))


def test_published_studies():
    assert lth.STUDIES is STUDIES and lth.study is study
    lenet = STUDIES["lenet"]
    (recipe,) = lenet.recipes
    assert replace(recipe, iterations=50_000) == lth.RECIPES["lenet"]
    assert lenet.trials >= 3 and lenet.levels >= 12
    for each in STUDIES.values():
        assert len({run.key for run in each.runs()}) == len(each.runs())

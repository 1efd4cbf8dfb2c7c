from dataclasses import replace

import pytest
from tiny_study import STUDY, TINY

from lth.arms import ARMS
from lth.engines.cost import cost
from lth.errors import LthError
from lth.lottery import Chain
from lth.running import complete
from lth.runs import Run
from lth.studies.catalogue import STUDIES
from lth.studies.study import Grid, Study


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


def test_a_grid_may_be_for_some_of_the_recipes():
    recipes = (TINY, replace(TINY, name="other"))
    grids = (Grid({"ticket": 1}, 2), Grid({"ticket": 1, "reinit": 2}, 1, ("other",)))
    runs = replace(STUDY, recipes=recipes, grids=grids, levels=1).runs()
    got = {(run.recipe.name, run.arm, run.trial, run.draw) for run in runs}
    assert got == {(name, "ticket", trial, 0) for name in ("tiny", "other") for trial in (0, 1)} | {
        ("other", "reinit", 0, draw) for draw in (0, 1)
    }
    assert len(runs) == len({run.key for run in runs}) == 2 * 6


def test_too_deep_levels_are_refused(tiny_study):
    with pytest.raises(LthError, match="level 43 .* fc2.weight: ask for at most 42 levels"):
        complete.check(replace(STUDY, levels=60).chains())


def test_missing_data_is_told(tiny_mnist, monkeypatch):
    monkeypatch.setitem(STUDIES, "tiny", STUDY)
    with pytest.raises(LthError, match="MNIST is not in .*run `lth data mnist`"):
        complete.check(STUDY.chains())


def test_cost_falls_with_density():
    runs = Chain(TINY, 0, 16, {"ticket": 1}).runs()
    costs = [cost(run) for run in runs]
    assert costs[0] == TINY.iterations and costs == sorted(costs, reverse=True)
    assert costs[7] == pytest.approx(TINY.iterations * 0.24, rel=0.02)  # at 21.1 % of the weights, as measured
    assert cost(Run(replace(TINY, model="conv2"), "ticket", 0, level=9)) == TINY.iterations

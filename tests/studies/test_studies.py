from dataclasses import replace

import pytest
from tiny_study import STUDY, TINY

import lth
from lth.errors import LthError
from lth.recipes import RECIPES
from lth.studies.catalogue import STUDIES
from lth.studies.deviations import CERTAIN, DEVIATIONS, PARTS, deviate
from lth.studies.null_2020 import SETTINGS
from lth.studies.parameters import parse_arms, study
from lth.studies.study import Grid
from lth.studies.what_makes_a_ticket import STUDIES as TICKETS


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
        ({"arms": "reinit:²"}, "draws of reinit.*'²'"),
        ({"arms": "reinit:"}, "draws of reinit.*''"),
        ({"arms": "reinit:1000"}, "draws of reinit.*from 1 to 999, not '1000'"),
        ({"arms": "ticket:3,reinit"}, "a trial has one ticket, not 3"),
        ({"arms": "ticket,reinit,reinit:2"}, "'reinit' is named twice.*reinit:3"),
        ({"arms": 3}, "arms must be a text.*3"),
        ({"recipes": 3}, "recipes must be a text.*3"),
        ({"trials": 1001}, "trials must be at most 1,000, not 1,001"),
        ({"iterations": 10**9}, "iterations must be at most 100,000,000"),
        ({"levels": 60}, "ask for at most 42 levels"),
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


def test_parse_arms():
    assert parse_arms("ticket") == {"ticket": 1}
    assert parse_arms(" ticket , reinit:3 ") == {"ticket": 1, "reinit": 3}


def test_published_studies():
    assert lth.STUDIES is STUDIES and lth.study is study
    lenet = STUDIES["lenet"]
    (recipe,) = lenet.recipes
    assert replace(recipe, iterations=50_000) == lth.RECIPES["lenet"]
    assert lenet.trials >= 3 and lenet.levels >= 12
    for each in STUDIES.values():
        assert len({run.key for run in each.runs()}) == len(each.runs())


def recipes_of(name: str) -> dict:
    return {recipe.name: recipe for recipe in STUDIES[name].recipes}


def test_suspects_are_the_protocol_and_every_deviation_alone():
    """One recipe each, or the other control with the protocol's recipe."""
    recipes = recipes_of("suspects")
    assert recipes.keys() == {"protocol", *DEVIATIONS} - {"chain-control"}
    protocol = recipes.pop("protocol")
    assert replace(protocol, name="lenet", iterations=50_000, eval_every=100, train_eval_every=1000, drift_at=(),
                   pruning=RECIPES["lenet"].pruning) == RECIPES["lenet"]  # fmt: skip
    assert all(recipe == deviate(protocol, name, name) for name, recipe in recipes.items())
    pairs = {(run.recipe.name, run.arm) for run in STUDIES["suspects"].runs()}
    in_masks = {(name, arm) for name in ("protocol", *recipes) for arm in ("ticket", "reinit")}
    assert pairs == in_masks | {("protocol", "chain-reinit")}


def test_leave_one_out_is_all_that_the_code_always_does_and_all_but_each():
    recipes, protocol = recipes_of("leave-one-out"), recipes_of("suspects")["protocol"]
    assert set(CERTAIN) == DEVIATIONS.keys() - {"lost-weights"}
    assert recipes.pop("all") == deviate(protocol, "all", *CERTAIN)
    assert recipes.pop("all-and-lost-weights") == deviate(protocol, "all-and-lost-weights", *DEVIATIONS)
    assert recipes == {
        f"all-but-{left}": deviate(protocol, f"all-but-{left}", *(d for d in CERTAIN if d != left))
        for left in CERTAIN
        if left != "chain-control"
    }
    pairs = {(run.recipe.name, run.arm) for run in STUDIES["leave-one-out"].runs()}
    names = ("all", "all-and-lost-weights", *recipes)
    assert pairs == {(name, arm) for name in names for arm in ("ticket", "chain-reinit")} | {("all", "reinit")}


def test_the_factorial_has_every_combination_of_the_culprits():
    """A combination of one has the recipe, and so the runs, that it has among the suspects."""
    recipes, suspects = recipes_of("factorial"), recipes_of("suspects")
    assert len(recipes) == len(STUDIES["factorial"].recipes) == 2 ** len(SETTINGS)
    for name, recipe in recipes.items():
        chosen = [] if name == "protocol" else name.split("+")
        assert set(chosen) <= set(SETTINGS) and recipe == deviate(suspects["protocol"], name, *chosen)
    assert all(recipes[name] == suspects[name] for name in ("protocol", *SETTINGS))
    assert {run.arm for run in STUDIES["factorial"].runs()} == {"ticket", "reinit"}


def test_the_programs_of_2020_differ_in_rewinding_and_control_only():
    (a,), (b,) = recipes_of("program-a").values(), recipes_of("program-b").values()
    assert replace(a, name="program-b", rewind=0) == b and (a.rewind, b.rewind) == (1, 0)
    assert b.initial_std == 0.01 and b.carry_optimizer and b.pruning.biases and b.preprocessing == "standard"
    assert b.iterations == 55 * b.eval_every == 50_380 and b.eval_every == 55_000 // b.batch_size
    assert {run.arm for run in STUDIES["program-a"].runs()} == {"ticket", "other-ticket"}
    assert {run.arm for run in STUDIES["program-b"].runs()} == {"ticket", "chain-reinit"}


def test_studies_that_confirm_use_seeds_that_those_which_chose_did_not():
    confirming = {"settings", "mechanism", "program-a", "program-b", *(study.name for study in TICKETS)}
    seeds = {name: study.root_seed for name, study in STUDIES.items()}
    assert not {seeds[name] for name in confirming} & {seeds[name] for name in seeds.keys() - confirming}


def test_the_mechanism_is_the_factorial_in_close_up_and_the_carried_optimizer_taken_apart():
    """Every part alone, with small weights and with standard inputs as well; more trials of what has small weights."""
    recipes, factorial = recipes_of("mechanism"), recipes_of("factorial")
    plain = {
        name: replace(recipe, steps_at=(), drift_at=factorial["protocol"].drift_at) for name, recipe in recipes.items()
    }
    assert {name: plain.pop(name) for name in factorial} == factorial
    with_parts = {("small-weights", part, *also) for part in PARTS for also in ((), ("standard-inputs",))}
    with_parts |= {("carried-moments",), ("carried-steps",)}
    assert plain == {"+".join(on): deviate(factorial["protocol"], "+".join(on), *on) for on in with_parts}
    assert all(set(recipe.steps_at) <= set(recipe.drift_at) for recipe in recipes.values())
    trials = {(run.recipe.name, run.trial) for run in STUDIES["mechanism"].runs()}
    assert trials == {(name, t) for name in recipes for t in range(5 if "small-weights" in name else 3)}


def test_the_settings_are_the_factorial_at_the_papers_length():
    short, long = recipes_of("factorial"), recipes_of("settings")
    assert short.keys() == long.keys()
    for name, recipe in long.items():
        assert recipe.iterations == 50_000 and recipe.eval_every == 100
        assert (
            replace(recipe, iterations=12_000, eval_every=200, train_eval_every=2000, drift_at=short[name].drift_at)
            == short[name]
        )


def test_the_null_of_2020_is_at_full_length():
    (recipe,), chosen = STUDIES["null-2020"].recipes, STUDIES["null-2020"]
    assert recipe == deviate(RECIPES["lenet"], "lenet-2020", *CERTAIN) and recipe.iterations == 50_000
    assert (chosen.trials, chosen.levels) == (5, 25)
    assert {run.arm for run in chosen.runs()} == {"ticket", "chain-reinit"}


def test_all_together_and_the_protocol_are_those_of_the_other_studies():
    """So that their runs are shared: more trials of the same."""
    protocol, everything = STUDIES["together"].recipes
    assert (protocol, everything) == (recipes_of("suspects")["protocol"], recipes_of("leave-one-out")["all"])
    arms = {
        name: {run.arm for run in STUDIES["together"].runs() if run.recipe.name == name} for name in ("protocol", "all")
    }
    assert arms == {"protocol": {"ticket", "reinit"}, "all": {"ticket", "chain-reinit"}}
    first = {run.key for run in study("together", trials=5).runs()}
    assert first <= {run.key for name in ("suspects", "leave-one-out") for run in STUDIES[name].runs()}


def test_the_culprits_are_confirmed_at_full_length():
    (recipe,), chosen = STUDIES["culprits"].recipes, STUDIES["culprits"]
    assert recipe == deviate(RECIPES["lenet"], "lenet-culprits", *SETTINGS)
    assert (chosen.levels, {run.arm for run in chosen.runs()}) == (STUDIES["lenet"].levels, {"ticket", "reinit"})


@pytest.mark.parametrize(
    "name", ["suspects", "leave-one-out", "together", "factorial", "mechanism", "culprits", "null-2020"]
)
def test_their_switches_fit_their_arms(name):
    """`check` raises where one does not."""
    for chain in STUDIES[name].chains():
        chain.rules.check(chain)


def test_other_iterations_keep_the_deviations(tiny_study):
    """A late rewind stays one of one step, however short the runs."""
    for recipe in study("suspects", iterations=400).recipes:
        whole = recipes_of("suspects")[recipe.name]
        assert replace(recipe, iterations=12_000, copy=whole.copy) == whole

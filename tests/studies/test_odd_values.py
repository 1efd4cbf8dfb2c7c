"""Values of other kinds than are asked for, and numbers beyond what can be computed with."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from own import SHORT, clouds
from tiny_study import STUDY, TINY

import lth
from lth.errors import LthError, check_choice
from lth.recipes import Optimizer, Pruning
from lth.runs import Run
from lth.studies.parameters import study
from lth.training import early_stop

ODD = ([], {}, {"a": 1}, {1}, np.zeros(3), torch.zeros(2), b"x", None, 1.5, object())


@pytest.mark.parametrize("value", ODD, ids=map(repr, range(len(ODD))))
@pytest.mark.parametrize(
    "make",
    [
        lambda value: check_choice("thing", value, {"a": 1}),
        Optimizer,
        lambda value: Optimizer(momentum=[value]),
        lambda value: Optimizer(weight_decay=[value]),
        lambda value: Pruning(scope=value),
        lambda value: Pruning(biases=value),
        lambda value: Pruning(linear=[value]),
        lambda value: Pruning(lag=value),
        lambda value: replace(TINY, name=value),
        lambda value: replace(TINY, model=value),
        lambda value: replace(TINY, dataset=value),
        lambda value: replace(TINY, augment=value),
        lambda value: replace(TINY, preprocessing=value),
        lambda value: replace(TINY, shape=value),
        lambda value: replace(TINY, drift_at=value),
        lambda value: replace(TINY, drift_at=(value,)),
        lambda value: replace(TINY, steps_at=(value,)),
        lambda value: replace(TINY, corruption=value),
        lambda value: Pruning(inverted=value),
        lambda value: Pruning(frozen=value),
        lambda value: Run(TINY, value, 0),
        lambda value: Run(TINY, "ticket", value),
        lambda value: Run(TINY, "ticket", 0, root_seed=value),
        lambda value: replace(STUDY, root_seed=value),
        lambda value: replace(STUDY, name=value),
        lambda value: replace(STUDY, levels=value),
        study,
        lambda value: study("lenet", arms=[value]),
        lambda value: study("lenet", recipes=[value]),
        lambda value: study("lenet", engine=[value]),
        lambda value: study("lenet", trials=[value]),
        lambda value: lth.Data(train=value, test=value),
        lambda value: lth.Data(train=(value, value), test=(value, value)),
        lambda value: lth.find_tickets(data=[value]),
        lambda value: lth.find_tickets(recipe=value),
        lambda value: lth.find_tickets(network=[value]),
    ],
)
def test_a_value_of_another_kind_is_one_sentence(make, value):
    with pytest.raises(LthError) as told:
        make(value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".hidden", "a\nb", " a", "a ", "x" * 101, "\0"])
def test_names_that_could_lead_elsewhere_are_refused(name):
    for make in (lambda: replace(TINY, name=name), lambda: replace(STUDY, name=name)):
        with pytest.raises(LthError, match="the name of a .* must be a text"):
            make()


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "0.9", True])
def test_numbers_that_are_none_are_refused(value):
    for make in (
        lambda: Optimizer(momentum=value),
        lambda: Optimizer(weight_decay=value),
        lambda: Optimizer(learning_rate=value),
        lambda: replace(TINY, initial_std=value),
        lambda: Pruning(linear=value),
    ):
        with pytest.raises(LthError):
            make()


def test_an_initial_width_beyond_what_can_be_computed_with_is_refused():
    with pytest.raises(LthError, match="initial std must be a number above 0 and below 1e.06.*, not 1e.30"):
        replace(TINY, initial_std=1e30)


def test_a_curve_without_a_single_number_has_no_early_stop():
    curve = {"val_loss": np.array([np.nan, np.inf, np.nan], np.float32)}
    with pytest.raises(LthError, match="no validation loss is a number"):
        early_stop(curve)
    assert early_stop({"val_loss": np.array([np.inf, 3.0, np.nan, 3.0], np.float32)}) == 1


@pytest.mark.parametrize("engine", ["stacked", "auto"])
def test_training_that_diverges_before_the_rewind_iteration_is_told(engine):
    recipe = SHORT.but(optimizer=Optimizer("sgd", learning_rate=1e30), rewind=30)
    with pytest.raises(LthError, match="training diverges before the rewind iteration 30"):
        lth.find_tickets("fc-8", clouds(), recipe, levels=1, arms="ticket", engine=engine, progress=False)
    whole = lth.find_tickets("fc-8", clouds(), replace(recipe, rewind=0), 1, "ticket", engine=engine, progress=False)
    assert len(whole.runs) == 2  # one that diverges later on is recorded


def test_a_study_of_a_thousand_trials_is_counted_from_its_grid():
    wanted = study("lenet", trials=1000, arms="ticket,reinit:999,random-mask:7")
    assert sum(wanted.counts.values()) == 1000 * (26 + 999 * 26 + 7 * 25)
    small = study("lenet", trials=2, levels=3, arms="ticket,reinit:2,oneshot,chain-reinit")
    assert sum(small.counts.values()) == len(small.runs())
    made = {(recipe, level): 0 for recipe, level in small.counts}
    for run in small.runs():
        made[run.recipe, run.level] += 1
    assert made == small.counts


def test_a_specification_is_of_a_study_where_one_of_its_runs_has_it():
    of = study("lenet", trials=2, levels=3, arms="ticket,reinit:2")
    for run in of.runs():
        assert of.run_of(json.loads(run.spec)) == run
    spec = json.loads(of.runs()[-1].spec)
    others = (
        {"trial": 2},
        {"draw": 2},
        {"level": 4},
        {"arm": "oneshot"},
        {"root_seed": 1},
        {"engine": "dense"},
        {"x": 1},
    )
    for change in (*others, {"recipe": spec["recipe"] | {"iterations": 3}}, {"trial": -1}, {"level": "a"}):
        assert of.run_of(spec | change) is None
    assert of.run_of({}) is None

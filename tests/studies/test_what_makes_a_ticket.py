"""The studies of what makes a ticket: one protocol, one seed, and networks shared only where they are the same."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from lth.criteria import CRITERIA, rounds_at_start
from lth.recipes import Pruning
from lth.running import checks
from lth.studies.catalogue import STUDIES
from lth.studies.what_makes_a_ticket import BASE, ROOT_SEED, STARTS
from lth.studies.what_makes_a_ticket import STUDIES as TICKETS


def test_all_hold_the_coarse_protocol_on_a_seed_of_their_own():
    protocol = replace(STUDIES["suspects"].recipes[0], drift_at=())
    for study in TICKETS:
        assert study.recipes[0] == protocol and (study.levels, study.root_seed) == (5, ROOT_SEED)
    others = {study.root_seed for study in STUDIES.values() if study not in TICKETS}
    assert ROOT_SEED not in others


def test_their_protocol_is_trained_once():
    starts, relearning = ({run.key for run in STUDIES[f"ticket-{name}"].runs()} for name in ("starts", "relearning"))
    shared = {run.key for run in STUDIES["ticket-criteria"].runs() if run.recipe.name == BASE.name}
    assert shared <= starts | {r.key for r in STUDIES["ticket-criteria"].runs() if r.arm == "random-mask"}
    assert starts & relearning


@pytest.mark.parametrize("study", TICKETS, ids=lambda study: study.name)
def test_a_dense_network_is_shared_only_by_recipes_that_train_it_alike(study):
    recipes = {recipe.name: recipe for recipe in study.recipes}
    alike = {"name": "one", "pruning": Pruning(), "masks_from": None}
    for one, other in study.dense:
        assert replace(recipes[one], **alike) == replace(recipes[other], **alike)
    for chain in study.chains():
        heads = {chain.recipe.name} if not chain.dense else {chain.dense.name}
        assert {run.recipe.name for run in chain.runs() if run.level == 0} <= heads


@pytest.mark.parametrize("study", TICKETS, ids=lambda study: study.name)
def test_they_are_counted_without_dense_networks_that_they_do_not_train(study):
    runs = study.runs()
    assert study.counts == Counter((run.recipe, run.level) for run in runs)
    for one, _ in study.dense:
        dense = next(chain for chain in study.chains() if chain.recipe.name == one).run("ticket", 0)
        assert study.run_of(json.loads(dense.spec)) is None
    for run in runs[:: len(runs) // 20]:
        assert study.run_of(json.loads(run.spec)) == run


@pytest.mark.parametrize("study", TICKETS, ids=lambda study: study.name)
def test_their_recipes_can_be_trained(study):
    for chain in study.chains():
        if chain.trial == 0:
            checks.check(chain)


def test_every_criterion_and_start_of_the_library_is_asked_about():
    criteria = {recipe.pruning.criterion for study in TICKETS for recipe in study.recipes}
    assert criteria == set(CRITERIA)
    arms = {run.arm for study in TICKETS for run in study.runs()}
    assert {*STARTS, "noise-0.5", "noise-3", "random-mask", "finetuned", "retrained"} <= arms


def test_masks_found_on_corrupted_data_are_trained_on_the_real_ones():
    found = [recipe for recipe in STUDIES["ticket-masks"].recipes if recipe.masks_from]
    assert {(r.masks_from.corruption, rounds_at_start(r.pruning)) for r in found} == {
        ("shuffled-pixels", 0), ("random-labels", 0), ("tenth", 0), ("shuffled-pixels", 1), ("random-labels", 1),
    }  # fmt: skip
    assert all(not recipe.corruption and recipe.masks_from.pruning == recipe.pruning for recipe in found)
    rates = [recipe.optimizer.learning_rate for recipe in STUDIES["ticket-rates"].recipes if recipe.name != "sgd"]
    assert max(rates) / min(rates) == pytest.approx(30)

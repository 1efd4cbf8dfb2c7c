"""Barriers and learned masks of a study, measured from its kept runs in processes of Dask."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_study import STUDY, TINY

from lth import barriers
from lth.datasets import loading
from lth.engines import choose
from lth.errors import LthError
from lth.lottery import TICKET, Left, next_level
from lth.records import store
from lth.records.instruments import BARRIERS, SUPERMASKS, load
from lth.running import complete, instruments

WHOLE = replace(STUDY, recipes=(replace(TINY, iterations=20),), levels=2)


@pytest.fixture
def here(monkeypatch, scheduler):
    """Measuring in the scheduler of the tests, whose worker sees their data."""
    from lth.running import cluster

    connect = cluster.connect
    monkeypatch.setattr(cluster, "connect", lambda workers, address, *told: connect(None, scheduler, *told))


def test_the_barriers_of_a_study_are_measured_once_and_are_those_of_its_networks(data_dir, scheduler, here):
    complete.train(WHOLE, scheduler=scheduler)
    assert instruments.stability(WHOLE, (0, 10)) == 2 * 6 + 2  # ticket and reinit at three levels; lines between levels
    table = load(BARRIERS)
    assert instruments.stability(WHOLE, (0, 10)) == 0 and load(BARRIERS).equals(table)
    assert set(zip(table["kind"], table["arm"], table["level"], table["iteration"], strict=True)) == {
        ("orders", arm, level, k) for arm in ("ticket", "reinit") for level in (0, 1, 2) for k in (0, 10)
    } | {("levels", "ticket", level, 0) for level in (1, 2)}
    (chain,) = WHOLE.chains()
    dense, first = (store.read(chain.run("ticket", level).key) for level in (0, 1))
    before = Left(dense.weights, dense.rewound, dense.masks)
    _, fresh = next_level(chain, TICKET, 1, before, before)
    data = loading.load(TINY, fresh.run.split())
    orders = fresh.run.stream("order of copy 1"), fresh.run.stream("order of copy 2")
    copies = barriers.copies(fresh.run.recipe, data, fresh.start(), 0, orders, choose(TINY, 0.8, "stacked")[1])
    parts = [(data.images, data.validation), (data.test, torch.arange(len(data.test)))]
    rows = table.set_index(["kind", "arm", "level", "iteration"])
    by_hand = barriers.line(TINY, *copies, parts)
    assert np.array_equal(rows.loc[("orders", "reinit", 1, 0), "validation_errors"], by_hand[0])
    levels = barriers.line(TINY, dense.weights, first.weights, parts)[1]
    found = rows.loc[("levels", "ticket", 1, 0), "test_errors"]
    assert np.array_equal(found, levels)
    assert found[0] == pytest.approx(1 - dense.summary["final_test_acc"])


def test_what_is_recorded_needs_no_kept_runs(data_dir, scheduler, here):
    complete.train(WHOLE, scheduler=scheduler)
    instruments.stability(WHOLE)
    for run in WHOLE.chains()[0].runs():
        store.path(run.key).unlink()
    assert instruments.stability(WHOLE) == 0
    with pytest.raises(LthError, match="is not kept .* measured without it: 0"):
        instruments.stability(WHOLE, (10,))  # copies that part elsewhere are not recorded


def test_what_is_kept_is_measured_where_other_trials_are_not(data_dir, scheduler, here):
    two = replace(WHOLE, levels=1, grids=tuple(replace(grid, trials=2) for grid in WHOLE.grids))
    complete.train(two, scheduler=scheduler)
    for run in two.chains()[0].runs():
        store.path(run.key).unlink()
    with pytest.raises(LthError, match="trial 0, level 0 is not kept .* measured without it: 5"):
        instruments.stability(two)
    assert set(load(BARRIERS)["trial"]) == {1}


def test_where_the_tickets_are_not_kept_the_way_out_is_told(data_dir, scheduler):
    with pytest.raises(LthError, match="the ticket of tiny, trial 0, level 0 is not kept .*`lth run tiny` trains"):
        instruments.stability(WHOLE, levels=(1,))
    with pytest.raises(LthError, match="unknown level of the study 3: choose one of 0, 1, 2"):
        instruments.stability(WHOLE, levels=(3,))


def test_masks_are_learned_on_the_dense_networks_of_a_study(data_dir, here):
    assert instruments.learned_masks(WHOLE, ("learned", "signed")) == 2
    table = load(SUPERMASKS)
    assert set(table["kind"]) == {"learned", "signed"} and table["density"].between(0.1, 0.99).all()
    assert set(table["key"]) == {WHOLE.chains()[0].run("ticket", 0).key}
    with pytest.raises(LthError, match="unknown kind of supermask 'trained'"):
        instruments.learned_masks(WHOLE, ("trained",))

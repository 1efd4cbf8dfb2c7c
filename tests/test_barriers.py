"""Error barriers: none between a network and itself, a high one between a network and a permuted copy of it."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from tiny_study import TINY

from lth import barriers, pruning
from lth.barriers import POINTS, barrier, check_masks, copies, line
from lth.datasets import loading
from lth.engines.stacked import Stacked
from lth.errors import LthError
from lth.lottery import TICKET, Chain, next_level
from lth.recipes import Optimizer
from lth.runs import stream
from lth.training import train

RECIPE = replace(TINY, model="fc-12", iterations=60, optimizer=Optimizer("adam", 1e-2))
ENGINE = partial(Stacked, device="cpu")


@pytest.fixture
def trial(data_dir):
    return loading.load(RECIPE, stream(0, 0, "split"))


def job(recipe=RECIPE):
    return next_level(Chain(recipe, 0, 1, {"ticket": 1}), TICKET, 0)[0]


def order(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_a_barrier_is_the_highest_error_above_the_mean_of_the_ends():
    assert barrier([0.1, 0.5, 0.4, 0.3]) == pytest.approx(0.3)
    assert barrier([0.2, 0.1, 0.2]) == pytest.approx(0)
    assert barrier([0.2, 0.2, 0.4]) == pytest.approx(0.1)  # an end may be the highest


def permuted(weights):
    """The same function: hidden units in another order."""
    other = torch.arange(11, -1, -1)
    turned = {"fc1.weight": weights["fc1.weight"][other], "fc1.bias": weights["fc1.bias"][other]}
    return weights | turned | {"fc2.weight": weights["fc2.weight"][:, other]}


def test_there_is_none_between_identical_copies_and_a_high_one_to_a_permuted_copy(trial):
    (trained,) = train(RECIPE, [trial], [job().start()], ENGINE)
    parts = [(trial.images, trial.subset), (trial.test, torch.arange(len(trial.test)))]
    same = line(RECIPE, trained.weights, trained.weights, parts)
    assert same.shape == (2, POINTS) and np.ptp(same, axis=1).max() == 0
    assert same[1, 0] == pytest.approx(1 - trained.curve["test_acc"][-1])
    turned = line(RECIPE, trained.weights, permuted(trained.weights), parts)
    assert (turned[:, 0] == turned[:, -1]).all() and (turned[:, 0] == same[:, 0]).all()
    assert barrier(same[1]) == 0 and barrier(turned[1]) > 0.1


def test_the_line_is_straight(trial):
    """Halfway between w and -w of an output layer every logit is its bias alone."""
    weights = job().weights | {"fc2.bias": torch.eye(10)[3]}
    other = weights | {"fc2.weight": -weights["fc2.weight"]}
    errors = line(RECIPE, weights, other, [(trial.test, torch.arange(len(trial.test)))])[0]
    nearest = (POINTS - 1) // 2  # at 14 / 29 the logits are 1/29 of what they are
    shrunk = weights | {"fc2.weight": weights["fc2.weight"] / 29}
    assert errors[nearest] == line(RECIPE, shrunk, shrunk, [(trial.test, torch.arange(len(trial.test)))])[0, 0]


def test_the_short_way_through_a_fully_connected_network_is_the_whole_way(trial, monkeypatch):
    recipe = replace(RECIPE, model="fc-20-15")
    one, other = (next_level(Chain(recipe, number, 1, {"ticket": 1}), TICKET, 0)[0] for number in (0, 1))
    parts = [(trial.test, torch.arange(len(trial.test)))]
    short = line(recipe, one.weights, other.weights, parts)
    monkeypatch.setattr(barriers, "FullyConnected", None)
    assert np.allclose(short, line(recipe, one.weights, other.weights, parts), atol=1 / 60)
    assert np.ptp(short) > 0


def same(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_copies_are_alike_with_one_order_and_part_with_two_after_iteration_k(trial):
    one, other = copies(RECIPE, trial, job().start(), 0, (order(1), order(1)), ENGINE)
    assert same(one, other)
    one, other = copies(RECIPE, trial, job().start(), 0, (order(1), order(2)), ENGINE)
    assert not same(one, other)
    late_one, late_other = copies(RECIPE, trial, job().start(), 59, (order(1), order(2)), ENGINE)
    apart = [float((a["fc1.weight"] - b["fc1.weight"]).norm()) for a, b in ((one, other), (late_one, late_other))]
    assert 0 < apart[1] < apart[0] / 5


def test_a_copy_from_iteration_0_is_the_run_that_has_its_order(trial):
    """So copies take the same steps as the runs of a study; what they share ends where that run is at iteration k."""
    (run,) = train(replace(RECIPE, rewind=20), [trial], [job().start()], ENGINE)
    copy, _ = copies(RECIPE, trial, job().start(), 0, (job().start().order, order(2)), ENGINE)
    assert same(run.weights, copy)
    at_20 = replace(RECIPE, iterations=21)
    one, other = copies(at_20, trial, job().start(), 20, (order(1), order(1)), ENGINE)
    moved = (one["fc2.weight"] - run.rewound["fc2.weight"]).abs()
    assert same(one, other) and 0 < moved.max() < 3e-2  # one step of Adam
    assert moved.median() < 5e-3  # with the moments of those before: the first step is one of the whole rate everywhere


def test_sparse_copies_stay_sparse(trial):
    full = job().masks
    masks = pruning.random_masks({n: torch.rand(m.shape, generator=order(0)) < 0.3 for n, m in full.items()}, order(1))
    start = replace(job().start(), weights=pruning.apply(masks, job().weights), masks=masks)
    for copy in copies(RECIPE, trial, start, 5, (order(1), order(2)), ENGINE):
        assert all((copy[name][~mask] == 0).all() for name, mask in masks.items())


def test_networks_of_different_masks_are_refused_unless_one_lies_within_the_other():
    one = {"w": torch.tensor([True, True, False])}
    check_masks(one, {"w": one["w"].clone()})
    within, beyond = {"w": torch.tensor([True, False, False])}, {"w": torch.tensor([True, False, True])}
    check_masks(one, within, nested=True)
    for other, nested in ((within, False), (beyond, False), (beyond, True), ({"v": one["w"]}, False)):
        with pytest.raises(LthError, match="between networks whose masks .* those of w are not so"):
            check_masks(one, other, nested)


def test_nonsense_is_refused(trial):
    orders = (order(1), order(2))
    with pytest.raises(LthError, match="between iteration 0 and the last, 59, not at 60"):
        copies(RECIPE, trial, job().start(), 60, orders, ENGINE)
    warm = replace(RECIPE, optimizer=Optimizer("adam", 1e-2, warmup=5))
    with pytest.raises(LthError, match="a constant learning rate, which tiny does not have"):
        copies(warm, trial, job(warm).start(), 0, orders, ENGINE)

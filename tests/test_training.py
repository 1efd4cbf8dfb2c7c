import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from fake import Fake
from tiny_study import TINY
from torch.nn import functional as F

from lth import pruning
from lth.datasets import loading
from lth.engines.stacked import Stacked
from lth.errors import LthError
from lth.models import build_model, initialise, skeleton
from lth.runs import Run, stream
from lth.training import COLUMNS, Start, batches, early_stop, stops, train

RECIPE = replace(TINY, iterations=10, eval_every=4, train_eval_every=8, rewind=0)


@pytest.fixture
def trial(data_dir):
    return loading.load(RECIPE, stream(0, 0, "split"))


def start(run: Run, masks=None) -> Start:
    net = skeleton(run.recipe)
    masks = masks or pruning.full_masks(net)
    weights = pruning.apply(masks, initialise(net, stream(0, run.trial, "initialisation")))
    return Start(weights, masks, run.stream("order"), run.stream("augmentation"))


def faked(trial, recipe=RECIPE, replicas=2):
    starts = [start(Run(recipe, "reinit", 0, draw)) for draw in range(replicas)]
    return train(recipe, [trial] * replicas, starts, Fake)


def test_measurements_at_0_and_every_eval_every_and_at_the_end(trial):
    curve = faked(trial)[0].curve
    assert list(curve) == list(COLUMNS) and all(curve[name].dtype == kind for name, kind in COLUMNS.items())
    assert curve["iteration"].tolist() == [0, 4, 8, 10]
    measured = ~np.isnan(curve["train_acc"])
    assert measured.tolist() == [True, False, True, True]
    assert not any(np.isnan(curve[name]).any() for name in curve if name != "train_acc")


def test_values_land_in_their_columns(trial):
    first, second = (result.curve for result in faked(trial))
    for curve, own in ((first, 0.01), (second, 0.02)):
        np.testing.assert_allclose(curve["val_loss"], np.array([6, 2, 2, 4]) + own, rtol=1e-6)
        np.testing.assert_allclose(curve["test_loss"], np.array([6, 2, 2, 4]) + own + 0.2, rtol=1e-6)
        np.testing.assert_allclose(curve["val_acc"], own)
        np.testing.assert_allclose(curve["test_acc"], own + 0.2)
        np.testing.assert_allclose(curve["train_acc"][[0, 2, 3]], own + 0.4)


@pytest.mark.parametrize("rewind", [0, 3, 4, 7, 10])
def test_training_loss_is_the_mean_since_the_last_measurement(trial, rewind):
    """Also where training pauses in between, to keep the weights of the rewind iteration."""
    first, second = (result.curve["train_loss"] for result in faked(trial, replace(RECIPE, rewind=rewind)))
    # By hand: the subset's loss, then 10 × mean(1..4), 10 × mean(5..8), 10 × mean(9, 10).
    np.testing.assert_allclose(first, [6.41, 25, 65, 95], rtol=1e-6)
    np.testing.assert_allclose(second, [6.42, 50, 130, 190], rtol=1e-6)


@pytest.mark.parametrize("rewind", [0, 3, 4, 7, 10])
def test_rewound_weights_are_those_after_step_k(trial, rewind):
    results = faked(trial, replace(RECIPE, rewind=rewind))
    assert [(int(r.rewound["steps"]), int(r.rewound["replica"])) for r in results] == [(rewind, 0), (rewind, 1)]
    assert [int(r.weights["steps"]) for r in results] == [10, 10]


def test_stops():
    assert stops(replace(RECIPE, rewind=3)) == [0, 3, 4, 8, 10]
    assert stops(replace(RECIPE, iterations=3)) == [0, 3]


def test_early_stop_is_the_first_minimum():
    assert early_stop({"val_loss": np.array([3.0, 1.0, 2.0, 1.0, 1.5], np.float32)}) == 1
    assert early_stop({"val_loss": np.array([1.0, 1.0], np.float32)}) == 0
    assert early_stop({"val_loss": np.array([2.0, 1.5, np.nan], np.float32)}) == 1  # diverged afterwards


def test_an_epoch_is_a_permutation_in_full_batches():
    positions = torch.arange(100, 125)
    stack = batches(positions, 10, torch.Generator().manual_seed(0))
    epochs = [torch.cat([next(stack), next(stack)]) for _ in range(3)]
    for epoch in epochs:  # 25 images give two batches of 10; 5 are left out
        assert len(set(epoch.tolist())) == 20 and set(epoch.tolist()) <= set(positions.tolist())
    assert not torch.equal(epochs[0], epochs[1])
    left_out = [frozenset(positions.tolist()) - frozenset(epoch.tolist()) for epoch in epochs]
    assert len(set(left_out)) > 1  # another remainder every epoch


def test_data_order_follows_the_generator():
    def first(seed):
        return next(batches(torch.arange(50), 10, torch.Generator().manual_seed(seed)))

    assert torch.equal(first(1), first(1)) and not torch.equal(first(1), first(2))


def test_a_batch_must_fit():
    assert len(next(batches(torch.arange(5), 5, torch.Generator().manual_seed(0)))) == 5
    with pytest.raises(LthError, match="batch of 6 .* 5 training images"):
        next(batches(torch.arange(5), 6, torch.Generator().manual_seed(0)))


def test_training_sees_only_training_images(trial):
    kept = {}
    run = Run(RECIPE, "ticket", 0)
    train(RECIPE, [trial], [start(run)], lambda *a: kept.setdefault("engine", Fake(*a)))
    seen = torch.cat([i.flatten() for i in kept["engine"].seen])
    assert set(seen.tolist()) == set(trial.train.tolist())  # 10 steps of 20: one epoch of the 200
    assert not set(seen.tolist()) & set(trial.validation.tolist())


def plain(trial, run, masks, steps, learning_rate=1.2e-3):
    """The masked PyTorch loop, written independently: [(loss of each step)], network."""
    net = build_model(run.recipe)
    net.load_state_dict(start(run, masks).weights)
    optimizer = torch.optim.Adam(net.parameters(), learning_rate)
    order, losses = batches(trial.train, run.recipe.batch_size, run.stream("order")), []
    for _ in range(steps):
        rows = next(order)
        loss = F.cross_entropy(net(trial.images.floats(rows)), trial.images.labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                if name in masks:
                    parameter[~masks[name]] = 0
        losses.append(loss.item())
    return losses, net


def test_training_agrees_with_the_plain_masked_loop(trial):
    run = Run(replace(RECIPE, rewind=3), "ticket", 0)
    dense = start(run)
    masks = pruning.random_masks({n: m & (dense.weights[n] > 0) for n, m in dense.masks.items()}, run.stream("mask"))
    result = train(run.recipe, [trial], [start(run, masks)], Stacked)[0]
    losses, net = plain(trial, run, masks, 10)
    means = [np.mean(losses[:4]), np.mean(losses[4:8]), np.mean(losses[8:])]
    np.testing.assert_allclose(result.curve["train_loss"][1:], means, rtol=1e-5)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(result.weights[name], value, rtol=1e-4, atol=1e-6)
    _, early = plain(trial, run, masks, 3)
    for name, value in early.state_dict().items():
        torch.testing.assert_close(result.rewound[name], value, rtol=1e-4, atol=1e-6)
    with torch.no_grad():
        logits = net(trial.images.floats(trial.validation))
    labels = trial.images.labels[trial.validation]
    assert result.curve["val_loss"][-1] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)
    assert result.curve["val_acc"][-1] == (logits.argmax(1) == labels).double().mean().item()


def test_learning_happens_and_loss_starts_near_chance(trial):
    recipe = replace(RECIPE, iterations=40, eval_every=20, train_eval_every=20)
    run = Run(recipe, "ticket", 0)
    curve = train(recipe, [trial], [start(run)], Stacked)[0].curve
    assert curve["train_loss"][0] == pytest.approx(math.log(10), abs=0.5)
    assert curve["test_acc"][-1] > 0.8 > curve["test_acc"][0]


def test_starts_are_left_as_they_were(trial):
    begun = start(Run(RECIPE, "ticket", 0))
    before = {name: value.clone() for name, value in begun.weights.items()}
    result = train(RECIPE, [trial], [begun], partial(Stacked, device="cpu"))[0]
    assert all(torch.equal(begun.weights[name], value) for name, value in before.items())
    assert all(torch.equal(result.rewound[name], value) for name, value in before.items())  # k = 0
    assert not torch.equal(result.weights["fc1.weight"], before["fc1.weight"])

"""Masks that are learned change no weight."""

from dataclasses import replace

import pytest
import torch
from tiny_study import TINY

from lth import supermasks
from lth.datasets import loading
from lth.errors import LthError
from lth.lottery import TICKET, Chain, next_level
from lth.runs import stream

RECIPE = replace(TINY, model="fc-60-40", iterations=300)


@pytest.fixture
def trial(data_dir):
    return loading.load(RECIPE, stream(0, 0, "split"))


def learned(trial, kind: str):
    start = next_level(Chain(RECIPE, 0, 1, {"ticket": 1}), TICKET, 0)[0].weights
    before = {name: value.clone() for name, value in start.items()}
    found = supermasks.learn(RECIPE, trial, start, kind, stream(0, 0, "order"), stream(0, 0, "scores"))
    assert all(torch.equal(start[name], before[name]) for name in before)
    return start, found


def test_a_supermask_changes_no_weight(trial):
    start, found = learned(trial, "learned")
    for name, mask in found.masks.items():
        assert torch.equal(found.weights[name], start[name] * mask)
        assert 0.2 < mask.float().mean() < 0.8
    assert torch.equal(found.weights["fc1.bias"], start["fc1.bias"])


def test_a_scaled_one_changes_the_scale_of_a_layer_alone(trial):
    start, found = learned(trial, "learned-scaled")
    for name, mask in found.masks.items():
        assert torch.allclose(found.weights[name], start[name] * mask / mask.float().mean())


def test_a_signed_one_knows_three_values_of_one_size(trial):
    start, found = learned(trial, "signed")
    for name, sign in found.signs.items():
        assert set(sign.unique().tolist()) == {-1.0, 0.0, 1.0}
        assert torch.allclose(found.weights[name], sign * start[name].std())


@pytest.mark.parametrize("kind", supermasks.KINDS)
def test_it_classifies_what_the_untrained_network_cannot(trial, kind):
    start, found = learned(trial, kind)
    untrained, masked = (supermasks.accuracy(RECIPE, w, trial.test) for w in (start, found.weights))
    assert untrained < 0.35 and masked > 0.6
    assert supermasks.accuracy(RECIPE, found.weights, trial.images, trial.validation) > 0.5


def test_an_unknown_kind_is_refused(trial):
    with pytest.raises(LthError, match="unknown kind of supermask 'trained': choose one of learned, learned-scaled"):
        learned(trial, "trained")

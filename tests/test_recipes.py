from dataclasses import FrozenInstanceError, replace

import pytest

import lth
from lth.errors import LthError
from lth.recipes import RECIPES, Optimizer, Pruning

LENET = RECIPES["lenet"]


def test_table_1():
    rows = {
        name: (r.dataset, r.iterations, r.batch_size, r.optimizer.name, r.optimizer.learning_rate)
        for name, r in RECIPES.items()
    }
    assert rows == {
        "lenet": ("mnist", 50_000, 60, "adam", 1.2e-3),
        "conv2": ("cifar10", 20_000, 60, "adam", 2e-4),
        "conv4": ("cifar10", 25_000, 60, "adam", 3e-4),
        "conv6": ("cifar10", 30_000, 60, "adam", 3e-4),
        "resnet18": ("cifar10", 30_000, 128, "sgd", 0.1),
        "vgg19": ("cifar10", 112_480, 64, "sgd", 0.1),
    }


def test_table_1_pruning():
    rates = {
        n: (r.pruning.scope, r.pruning.convolution, r.pruning.linear, r.pruning.output) for n, r in RECIPES.items()
    }
    assert rates == {
        "lenet": ("layer", 0, 0.2, 0.1),
        "conv2": ("layer", 0.1, 0.2, 0.1),
        "conv4": ("layer", 0.1, 0.2, 0.1),
        "conv6": ("layer", 0.15, 0.2, 0.1),
        "resnet18": ("global", 0.2, 0, 0),
        "vgg19": ("global", 0.2, 0, 0),
    }


def test_protocol():
    assert LENET.preprocessing == "l2"
    for recipe in RECIPES.values():
        assert (recipe.rewind, recipe.validation_size, recipe.eval_every) == (0, 5000, 100)
        assert (recipe.train_eval_every, recipe.train_eval_size) == (1000, 10_000)
        deep = recipe.name in ("resnet18", "vgg19")
        assert recipe.augment == deep
        assert (recipe.optimizer.momentum, recipe.optimizer.weight_decay) == ((0.9, 1e-4) if deep else (0, 0))


def test_learning_rate_drops_after_the_milestones():
    optimizer = RECIPES["resnet18"].optimizer
    rates = [optimizer.learning_rate_at(i) for i in (0, 19_999, 20_000, 24_999, 25_000, 29_999)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rel=1e-12)
    epoch = 45_000 // 64
    drops = RECIPES["vgg19"].optimizer
    assert drops.milestones == (80 * epoch, 120 * epoch)


def test_warmup_is_linear():
    optimizer = Optimizer("sgd", 0.03, warmup=4)
    assert [optimizer.learning_rate_at(i) for i in range(6)] == pytest.approx([0.0075, 0.015, 0.0225, 0.03, 0.03, 0.03])


def test_recipes_are_public_and_frozen():
    assert lth.RECIPES is RECIPES and all(name == recipe.name for name, recipe in RECIPES.items())
    with pytest.raises(FrozenInstanceError):
        LENET.iterations = 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"preprocessing": "nothing"}, "'nothing'.*l2, unit, standard, none"),
        ({"iterations": 0}, "iterations.*at least 1.*0"),
        ({"iterations": -5}, "iterations.*-5"),
        ({"iterations": 2.5}, "iterations.*whole number.*2.5"),
        ({"iterations": True}, "iterations.*True"),
        ({"batch_size": 0}, "batch size"),
        ({"eval_every": 0}, "eval every"),
        ({"train_eval_every": 0}, "train eval every"),
        ({"validation_size": 0}, "validation size"),
        ({"rewind": -1}, "between 0 and the 50000 iterations, not -1"),
        ({"rewind": 1.5}, "between 0 and the 50000 iterations, not 1.5"),
        ({"rewind": True}, "not True"),
        ({"rewind": "k"}, "not 'k'"),
        ({"train_eval_size": 0}, "train eval size"),
        ({"drift_at": (0.5,)}, "drift is measured must be a whole number.*0.5"),
        ({"steps_at": (0,)}, "a step is measured must be a whole number of at least 1, not 0"),
        ({"carry_optimizer": "step"}, "'step': choose one of False, True, moments, steps, shuffled"),
        ({"rewind": 50_001}, "between 0 and the 50000 iterations, not 50001"),
    ],
)
def test_bad_recipes_are_refused(changes, says):
    with pytest.raises(LthError, match=says):
        replace(LENET, **changes)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Optimizer("adamw"), "'adamw'.*adam, sgd"),
        (lambda: Pruning(scope="local"), "'local'.*layer, global"),
        (lambda: Pruning(linear=1.0), "linear layers.*below 1.*1.0"),
        (lambda: Pruning(output=-0.1), "output layers.*-0.1"),
    ],
)
def test_bad_parts_are_refused(make, says):
    with pytest.raises(LthError, match=says):
        make()

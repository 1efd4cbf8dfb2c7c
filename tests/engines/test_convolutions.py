"""The engine for sparse convolutions against plain PyTorch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from agreement import Agreement
from convolved import ADAM, CLASSES, DECAY, SGD, Residual, Stack, case, measure, numbers, train
from reference import SIZES, distance
from torch import nn

from lth.engines import choose
from lth.engines.convolutions import Convolutions
from lth.engines.stacked import Stacked
from lth.errors import LthError
from lth.recipes import RECIPES
from lth.training import PARTS

SLOW = replace(SGD, learning_rate=1e-4)


def without(layer: str, run):
    """The run in which a layer has no weight left."""
    return replace(run, masks=run.masks | {layer: torch.zeros_like(run.masks[layer])})


RUNS = {
    "stack, flips and crops, batch beyond 64": lambda: case(Stack, 9, 100, 0.3, SGD, augmented=True),
    "residual": lambda: case(Residual, 10, 20, 0.5, SGD),
    "odd sizes, all weights": lambda: case(Residual, 7, 12, 1.0, SGD),
    "Adam with weight decay": lambda: case(Residual, 16, 70, 0.2, DECAY),
    "Conv-2": lambda: case("conv2", 8, 12, 0.3, ADAM),
    "no weights in a block": lambda: without("a.weight", case(Residual, 8, 20, 0.5, SGD)),
    "no weights in a stack": lambda: without("6.weight", case(Stack, 9, 20, 0.5, SGD)),
    "no weights between linear layers": lambda: without("head.fc2.weight", case("conv2", 8, 20, 0.5, SGD)),
}
every_run = pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)


@pytest.mark.parametrize("steps", [1, 50])
@every_run
def test_parameters_and_running_statistics_agree_with_plain_pytorch(make, steps):
    """As near to float64 as PyTorch's own float32 loop, give or take the odd ReLU that falls on the other side of 0."""
    run = make()
    truth, loss = train(run, steps)
    stack, own_loss = run.run(Convolutions, steps)
    weights = stack.weights(0)
    assert list(weights) == list(run.start.weights)
    rounding = distance(train(run, steps, torch.float32)[0], truth)
    assert distance(weights, truth) < max(5 * rounding, 2e-6 if steps == 1 else 1e-4)
    assert own_loss == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize(("model", "side"), [("conv4", 16), ("conv6", 16), ("resnet18", 16), ("vgg19", 32)])
def test_the_networks_of_table_1(model, side):
    run = case(model, side, 8, 0.2, SLOW)
    truth, loss = train(run, 2)
    stack, own_loss = run.run(Convolutions, 2)
    rounding = distance(train(run, 2, torch.float32)[0], truth)
    assert distance(stack.weights(0), truth) < max(5 * rounding, 1e-4)
    assert own_loss == pytest.approx(loss, rel=1e-5)


@every_run
def test_measurements_agree_with_plain_pytorch(make):
    run = make()
    stack, _ = run.run(Convolutions, 20)
    for part in PARTS:
        loss, accuracy = stack.evaluate(part)
        expected = measure(run, stack.weights(0), part)
        assert loss.shape == accuracy.shape == (1,)
        assert (loss[0], accuracy[0]) == pytest.approx(expected, rel=2e-6)


@every_run
def test_masked_weights_are_exactly_0(make):
    run = make()
    stack, _ = run.run(Convolutions, 50)
    weights, moments = stack.weights(0), stack.moments(0)
    assert (moments is None) == (run.recipe.optimizer.name == "sgd")
    for name, mask in run.masks.items():
        for values in (weights, *((moments.first, moments.second) if moments else ())):
            assert torch.count_nonzero(values[name][~mask]) == 0
        moved = weights[name][mask] != run.start.weights[name][mask]
        assert not mask.any() or moved.any() or "head" in name  # nothing passes a linear layer without weights


@every_run
def test_repetition_is_bit_identical_however_the_steps_are_split(make):
    run = make()
    (one, _), (two, _) = run.run(Convolutions, 50), run.run(Convolutions, 20)
    two.evaluate("test")
    two.advance(run.indices[:, 20:], 20)
    for name, values in one.weights(0).items():
        assert torch.equal(values, two.weights(0)[name])
    assert one.evaluate("validation") == two.evaluate("validation")


def test_it_draws_the_flips_and_crops_that_the_stacked_engine_draws():
    run = case(Stack, 9, 20, 0.5, SGD, augmented=True)
    (one, _), (other, _) = run.run(Convolutions, 3), run.run(Stacked, 3)
    assert distance(one.weights(0), other.weights(0)) < 1e-5
    plain, _ = replace(run, recipe=replace(run.recipe, augment=False)).run(Convolutions, 3)
    assert distance(one.weights(0), plain.weights(0)) > 1e-3


def as_stack(recipe, data, starts):
    """The engine for the fully connected nets of the other engines' tests."""
    model = "fc-" + "-".join(map(str, SIZES[1:-1]))
    shape = tuple(data[0].images.pixels.shape[1:])
    return Convolutions(replace(recipe, model=model, shape=shape, classes=SIZES[-1]), data, starts)


class TestFullyConnected(Agreement):
    """Linear layers pass through the same kernels, as convolutions of maps of a single position."""

    engine = staticmethod(as_stack)
    test_recipes_that_do_not_fit = None  # it knows more than the others do

    def test_nets_and_stacks_that_do_not_fit(self):
        run = case(Stack, 9, 20, 0.5)
        with pytest.raises(LthError, match="one run at a time, not 2"):
            Convolutions(run.recipe, [run.data] * 2, [run.start] * 2)


def test_it_learns():
    run = case(Residual, 8, 20, 0.5, replace(SGD, learning_rate=0.05, milestones=(45,)))
    labels = run.data.images.labels
    bright = run.data.images.pixels // 2 + (labels * 40).to(torch.uint8).view(-1, 1, 1, 1)
    data = replace(run.data, images=replace(run.data.images, pixels=bright))
    stack, _ = replace(run, data=data).run(Convolutions, 50)
    assert stack.evaluate("validation")[1][0] > 0.8


def test_a_pooled_maximum_that_occurs_twice_passes_its_derivative_on_once():
    """Images of one colour: all four positions of a window are equal, and PyTorch takes the first."""
    run = case(Stack, 9, 20, 0.5, SGD)
    pixels = run.data.images.pixels.clone()
    pixels[:] = pixels[:, :, :1, :1]
    run = replace(run, data=replace(run.data, images=replace(run.data.images, pixels=pixels)))
    assert distance(run.run(Convolutions, 3)[0].weights(0), train(run, 3)[0]) < 1e-5


class Unknown(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3, groups=1, dilation=2), nn.ReLU(), nn.Flatten(), nn.Linear(100, CLASSES))


@pytest.mark.parametrize(
    ("model", "density", "name"),
    [("conv2", 0.3, "sparse"), ("conv2", 0.6, "stacked"), ("resnet18", 0.1, "sparse"), (Unknown, 0.1, "stacked")],
)
def test_the_fastest_engine_is_chosen(model, density, name):
    recipe = case(model, 9, 20, 0.5).recipe
    assert choose(recipe, density)[0] == name
    assert choose(recipe, density, "stacked")[0] == "stacked"


def test_a_network_with_a_layer_that_is_not_known():
    with pytest.raises(LthError, match=r"does not know the layer 0 \(Conv2d.*dilation.*: choose auto or stacked"):
        choose(case(Unknown, 9, 20, 0.5).recipe, 0.1, "sparse")
    with pytest.raises(LthError, match="the engine 'dense' trains fully connected nets"):
        choose(RECIPES["resnet18"], 0.1, "dense")


def test_masks_of_what_is_not_trained():
    run = case(Stack, 9, 20, 0.5)
    mask = torch.ones(6, dtype=torch.bool)
    with pytest.raises(LthError, match="a mask for 3.running_mean"):
        Convolutions(run.recipe, [run.data], [replace(run.start, masks={"3.running_mean": mask})])


def test_memory_is_shared_between_layers_that_need_it_one_after_the_other():
    stack, _ = case("resnet18", 16, 20, 0.2, SLOW).run(Convolutions, 1)
    layers = [layer for layer in stack._layers if hasattr(layer, "delta")]
    assert len({layer.delta.ctypes.data for layer in layers}) < len(layers) / 2
    assert sum(layer.x.passing for layer in layers) == 9  # between the two convolutions of each block


def test_noise_is_not_seen_by_lanes_beyond_the_batch():
    """What an earlier batch has left in lanes that a smaller one does not use changes nothing."""
    run = case(Residual, 8, 20, 0.5, SGD)
    positions = run.data.train[torch.randint(150, (1, 5, 9), generator=numbers(1))]
    small = replace(run, indices=positions)
    fresh, _ = small.run(Convolutions, 5)
    other = Convolutions(run.recipe, [run.data], [run.start])
    other._fill(run.data.images.floats(run.indices[0, 0]) * 7, training=False)
    other.advance(positions, 0)
    for name, values in fresh.weights(0).items():
        assert np.array_equal(values, other.weights(0)[name])
    assert distance(fresh.weights(0), train(small, 5)[0]) < 1e-5

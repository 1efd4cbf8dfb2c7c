from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lth import data as lth_data
from lth import pruning
from lth.data import Images, TrialData
from lth.engines.settings import exact
from lth.engines.stacked import Stacked
from lth.models import build_model, initialise, skeleton
from lth.recipes import RECIPES, Optimizer
from lth.training import Moments, Start

ADAM = Optimizer("adam", 1e-2)
SGD = Optimizer("sgd", 0.1, momentum=0.9, weight_decay=1e-2)


def recipe(optimizer=ADAM, model="fc-8", **changes):
    return replace(RECIPES["lenet"], shape=(3, 4, 4), model=model, optimizer=optimizer, **changes)


def numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, side: int, seed: int, channels: int = 3) -> Images:
    pixels = torch.randint(0, 256, (count, channels, side, side), dtype=torch.uint8, generator=numbers(seed))
    labels = torch.randint(0, 10, (count,), generator=numbers(seed + 1))
    return Images(pixels, labels, torch.full((1, 1, 1, 1), 1 / 255), torch.full((1, channels, 1, 1), -0.5))


def trial(side: int = 4, seed: int = 0, channels: int = 3) -> TrialData:
    """30 training and 10 validation images of 40, and 20 to test on; trials share the images, not the split."""
    order = torch.randperm(40, generator=numbers(seed))
    train, test = images(40, side, 1, channels), images(20, side, 5, channels)
    return TrialData("noise", train, test, order[10:], order[:10], order[10:25])


def start(used, seed: int = 0, density: float = 0.5, moments=None) -> Start:
    net = skeleton(used)
    masks = {n: torch.rand(m.shape, generator=numbers(seed)) < density for n, m in pruning.full_masks(net).items()}
    weights = pruning.apply(masks, initialise(net, numbers(seed)))
    return Start(weights, masks, numbers(seed), numbers(seed + 100), moments)


def indices(data, steps: int, seed: int = 0, batch: int = 10) -> torch.Tensor:
    return data.train[torch.randint(0, len(data.train), (steps, batch), generator=numbers(seed))]


@pytest.mark.parametrize("optimizer", [ADAM, SGD, replace(ADAM, weight_decay=0.1)], ids=["adam", "sgd", "decay"])
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_pruned_weight_stays_exactly_zero(optimizer, replicas):
    used = recipe(optimizer)
    starts = [start(used, seed) for seed in range(replicas)]
    engine = Stacked(used, [trial()] * replicas, starts)
    for step in range(20):
        engine.advance(torch.stack([indices(trial(), 1, step)] * replicas), step)
        for replica, begun in enumerate(starts):
            weights = engine.weights(replica)
            assert all((weights[name][~mask] == 0).all() for name, mask in begun.masks.items())
    moved = engine.weights(0)
    for name, mask in starts[0].masks.items():
        assert 0 < mask.float().mean() < 1
        assert (moved[name][mask] != starts[0].weights[name][mask]).float().mean() > 0.9


def gradient(used, weights, data, rows):
    net = build_model(used)
    net.load_state_dict(weights)
    F.cross_entropy(net(data.images.floats(rows)), data.images.labels[rows]).backward()
    return {name: parameter.grad for name, parameter in net.named_parameters()}


def test_the_first_step_is_that_of_a_fresh_adam():
    used, data = recipe(), trial()
    begun = start(used)
    rows = indices(data, 1)
    engine = Stacked(used, [data], [begun])
    engine.advance(rows[None], 0)
    for name, g in gradient(used, begun.weights, data, rows[0]).items():
        step = -1e-2 * g / (g.abs() + 1e-8)  # both moments after bias correction: g and g²
        expected = begun.weights[name] + step
        expected = expected * begun.masks[name] if name in begun.masks else expected
        torch.testing.assert_close(engine.weights(0)[name], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", [SGD, replace(SGD, milestones=(2,)), replace(SGD, warmup=3)])
def test_sgd_as_by_hand(optimizer):
    """v ← 0.9 v + g + 0.01 w and w ← w - rate × v, at the rate of the schedule; masked weights are put back to 0."""
    used, data = recipe(optimizer), trial()
    begun = start(used)
    rows = indices(data, 5)
    engine = Stacked(used, [data], [begun])
    engine.advance(rows[None, :3], 0)
    engine.advance(rows[None, 3:], 3)
    weights = {name: value.clone() for name, value in begun.weights.items()}
    speed = {name: torch.zeros_like(value) for name, value in weights.items()}
    for i, row in enumerate(rows):
        for name, g in gradient(used, weights, data, row).items():
            speed[name] = 0.9 * speed[name] + g + 0.01 * weights[name]
            weights[name] = weights[name] - optimizer.learning_rate_at(i) * speed[name]
        weights = pruning.apply(begun.masks, weights)
    for name, value in weights.items():
        torch.testing.assert_close(engine.weights(0)[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("optimizer", [ADAM, SGD], ids=["adam", "sgd"])
def test_replicas_do_not_touch_each_other(optimizer):
    """A stack of three ends where each ends alone, on its own batches and trial."""
    used, trials = recipe(optimizer), [trial(seed=s) for s in (0, 0, 1)]
    rows = torch.stack([indices(t, 8, seed) for seed, t in enumerate(trials)])
    starts = [start(used, seed) for seed in range(3)]
    together = Stacked(used, trials, starts)
    losses = together.advance(rows, 0)
    for i in range(3):
        alone = Stacked(used, [trials[i]], [starts[i]])
        np.testing.assert_allclose(alone.advance(rows[i : i + 1], 0), losses[i : i + 1], rtol=1e-5)
        for name, value in alone.weights(0).items():
            torch.testing.assert_close(together.weights(i)[name], value, rtol=1e-4, atol=1e-6)
        for part in ("validation", "test", "subset"):
            expected = [values[i] for values in together.evaluate(part)]
            np.testing.assert_allclose([values[0] for values in alone.evaluate(part)], expected, rtol=1e-4)


def test_advance_gives_the_mean_loss_of_its_steps():
    used, data = recipe(replace(SGD, learning_rate=1e-30)), trial()
    begun = start(used)
    rows = indices(data, 3)
    net = build_model(used)
    net.load_state_dict(begun.weights)
    by_hand = np.mean([F.cross_entropy(net(data.images.floats(r)), data.images.labels[r]).item() for r in rows])
    assert Stacked(used, [data], [begun]).advance(rows[None], 0) == pytest.approx(by_hand, rel=1e-5)


def test_evaluate_measures_the_part_it_is_asked_for():
    used, data = recipe(), trial()
    begun = start(used)
    net = build_model(used)
    net.load_state_dict(begun.weights)
    engine = Stacked(used, [data], [begun])
    parts = {
        "validation": (data.images, data.validation),
        "test": (data.test, torch.arange(20)),
        "subset": (data.images, data.subset),
    }
    for part, (source, rows) in parts.items():
        with torch.no_grad():
            logits, labels = net(source.floats(rows)), source.labels[rows]
        loss, accuracy = engine.evaluate(part)
        assert loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
        assert accuracy == pytest.approx((logits.argmax(1) == labels).double().mean().item())


def test_more_than_a_thousand_images_are_evaluated_in_parts():
    used, data = recipe(), replace(trial(), test=images(2300, 4, 7))
    begun = start(used)
    net = build_model(used)
    net.load_state_dict(begun.weights)
    with torch.no_grad():
        logits = net(data.test.floats(slice(None)))
    loss, accuracy = Stacked(used, [data], [begun]).evaluate("test")
    assert loss == pytest.approx(F.cross_entropy(logits, data.test.labels).item(), rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(1) == data.test.labels).double().mean().item())


def test_moments_go_out_and_in_again():
    """Six steps in one go equal three, and three more in another engine that starts from weights and moments."""
    used, data = recipe(), trial()
    begun = start(used)
    rows = indices(data, 6)
    whole = Stacked(used, [data], [begun])
    whole.advance(rows[None], 0)
    first = Stacked(used, [data], [begun])
    first.advance(rows[None, :3], 0)
    moments = first.moments(0)
    assert isinstance(moments, Moments) and moments.steps == 3
    second = Stacked(used, [data], [replace(begun, weights=first.weights(0), moments=moments)])
    second.advance(rows[None, 3:], 3)
    fresh = Stacked(used, [data], [replace(begun, weights=first.weights(0))])
    fresh.advance(rows[None, 3:], 3)
    for name, value in whole.weights(0).items():
        assert torch.equal(second.weights(0)[name], value)
    assert not torch.equal(fresh.weights(0)["fc1.weight"], whole.weights(0)["fc1.weight"])
    assert Stacked(recipe(SGD), [data], [begun]).moments(0) is None


def test_batchnorm_counts_in_training_and_not_in_evaluation():
    used, data = recipe(RECIPES["resnet18"].optimizer, "resnet18"), trial(side=8)
    starts = [start(used, seed, density=0.8) for seed in range(2)]
    rows = torch.stack([indices(data, 2, seed, batch=4) for seed in range(2)])
    together = Stacked(used, [data] * 2, starts)
    together.advance(rows, 0)
    alone = Stacked(used, [data], [starts[1]])
    alone.advance(rows[1:], 0)
    weights = together.weights(1)
    assert int(weights["norm.num_batches_tracked"]) == 2
    for name, value in alone.weights(0).items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-4)
    before = weights["norm.running_mean"].clone()
    assert before.abs().max() > 0
    together.evaluate("test")
    assert torch.equal(together.weights(1)["norm.running_mean"], before)


def cast(weights, dtype):
    return {n: v.to(dtype) if v.is_floating_point() else v for n, v in weights.items()}


def in_precision(data, dtype):
    """The trial with images whose floats are of that type."""
    parts = (replace(part, scale=part.scale.to(dtype), shift=part.shift.to(dtype)) for part in (data.images, data.test))
    return replace(data, **dict(zip(("images", "test"), parts, strict=True)))


def plain(used, data, begun, rows, dtype):
    """The weights and buffers after a plain PyTorch loop: nn.Module, torch.optim, masks multiplied after a step."""
    net = build_model(used).to(dtype)
    net.load_state_dict(cast(begun.weights, dtype))
    o = used.optimizer
    if o.name == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), momentum=o.momentum, weight_decay=o.weight_decay)
    else:
        optimizer = torch.optim.Adam(net.parameters(), weight_decay=o.weight_decay)
    drawn = lth_data.draw(tuple(rows.shape), numbers(begun.augmentation.initial_seed()))
    for step, row in enumerate(rows):
        x = data.images.pixels[row]
        x = lth_data.augment(x, drawn[step]) if used.augment else x
        x = x * data.images.scale.to(dtype) + data.images.shift.to(dtype)
        optimizer.param_groups[0]["lr"] = torch.tensor(o.learning_rate_at(step)).item()  # a float32 in the engine
        optimizer.zero_grad()
        F.cross_entropy(net(x), data.images.labels[row]).backward()
        optimizer.step()
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                parameter.mul_(begun.masks.get(name, 1))
    return net.state_dict()


def apart(a, b) -> float:
    """The largest ‖a - b‖ / ‖b‖ over parameters and buffers."""
    return max(float((a[n].double() - b[n]).norm() / b[n].double().norm().clamp(min=1e-2)) for n in b)


@pytest.mark.parametrize(
    ("name", "dtype"), [(name, torch.float64) for name in RECIPES] + [("lenet", torch.float32)], ids=str
)
def test_each_replica_of_every_network_is_what_plain_pytorch_makes_of_it(name, dtype):
    """Trials with splits, masks and augmentations of their own, alone or side by side, under warmup and a drop.

    The truth is float64, and so are the engine's numbers: in float32 one of the millions of ReLUs of a deep net would
    now and then fall on the other side of its kink, and the runs part. LeNet has too few for that; it may be three
    times as far from the truth as PyTorch's own float32 loop, since it may round in another order, but not worse.
    """
    optimizer = replace(RECIPES[name].optimizer, warmup=2, milestones=(2,))
    used = replace(RECIPES[name], optimizer=optimizer, batch_size=4)
    side, channels = {"lenet": (28, 1), "vgg19": (16, 3)}.get(name, (32, 3))  # VGG-19 takes any side, this one is cheap
    count = 2 if name == "vgg19" else 3  # of 20 million weights each
    trials = [in_precision(trial(side, seed, channels), dtype) for seed in range(count)]
    starts = [start(used, seed, density=0.6) for seed in range(count)]
    rows = torch.stack([indices(t, 3, seed, batch=4) for seed, t in enumerate(trials)])
    runs = list(zip(trials, starts, rows, strict=True))
    truths = [plain(used, *run, torch.float64) for run in runs]
    bounds = [1e-8] * count  # BatchNorm over the four images of a batch makes much of rounding errors
    if dtype == torch.float32:
        bounds = [3 * apart(plain(used, *run, dtype), truth) + 1e-7 for run, truth in zip(runs, truths, strict=True)]
    for replicas in (1, count):
        begun = [start(used, seed, density=0.6) for seed in range(replicas)]
        begun = [replace(s, weights=cast(s.weights, dtype)) for s in begun]
        stack = Stacked(used, trials[:replicas], begun)
        stack.advance(rows[:replicas], 0)
        for i in range(replicas):
            left = stack.weights(i)
            assert apart(left, truths[i]) < bounds[i] < 1e-5
            assert all(torch.count_nonzero(left[n][~mask]) == 0 for n, mask in begun[i].masks.items())
    before = {n: v.clone() for n, v in stack.buffers.items()}
    stack.evaluate("validation")
    assert all(torch.equal(before[n], v) for n, v in stack.buffers.items())
    assert any("running_mean" in n for n in before) == (name in ("resnet18", "vgg19"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", RECIPES)
def test_a_gpu_agrees_with_the_cpu(name):
    """Captured as a CUDA graph, in single precision without TF32, on its own and side by side."""
    used = replace(RECIPES[name], batch_size=8)
    side, channels = (28, 1) if name == "lenet" else (32, 3)
    trials = [trial(side, seed, channels) for seed in range(3)]
    rows = torch.stack([indices(t, 3, seed, batch=8) for seed, t in enumerate(trials)])
    for replicas in (1, 3):
        with exact():
            stacks = [
                Stacked(used, trials[:replicas], [start(used, seed, density=0.6) for seed in range(replicas)], device)
                for device in ("cpu", "cuda")
            ]
            losses = [stack.advance(rows[:replicas], 0) for stack in stacks]
            np.testing.assert_allclose(*losses, rtol=1e-3)
            for i in range(replicas):
                assert apart(stacks[1].weights(i), stacks[0].weights(i)) < 1e-2
            np.testing.assert_allclose(*(stack.evaluate("test")[0] for stack in stacks), rtol=1e-2)


def test_steps_may_be_split_and_repeat_bit_for_bit():
    used, data = recipe(RECIPES["resnet18"].optimizer, "resnet18", augment=True), trial(side=8)
    rows = torch.stack([indices(data, 4, seed, batch=4) for seed in range(2)])
    one, two = (Stacked(used, [data] * 2, [start(used, seed) for seed in range(2)]) for _ in range(2))
    one.advance(rows, 0)
    two.advance(rows[:, :1], 0)
    two.evaluate("test")
    two.advance(rows[:, 1:], 1)
    for i in range(2):
        assert all(torch.equal(value, two.weights(i)[n]) for n, value in one.weights(i).items())


@pytest.mark.parametrize("optimizer", [ADAM, SGD], ids=["adam", "sgd"])
def test_all_that_a_step_changes_can_be_put_back(optimizer):
    """What a capture as a CUDA graph relies on: trial steps before the first one leave no trace."""
    used, data = recipe(optimizer, "resnet18", augment=True), trial(side=8)
    rows = torch.stack([indices(data, 4, seed, batch=4) for seed in range(2)])
    results = []
    for trials in (0, 3):
        stack = Stacked(used, [data] * 2, [start(used, seed) for seed in range(2)])
        stack._inputs = [stack.rate.fill_(0.3), rows[:, 0].clone(), torch.zeros_like(rows[:, 0])]
        kept = [value.clone() for value in stack._state()]
        for _ in range(trials):
            stack._step()
        assert trials == 0 or not torch.equal(kept[0], stack._state()[0])
        for value, old in zip(stack._state(), kept, strict=True):
            value.copy_(old)
        results.append((stack.advance(rows, 0), stack.weights(0), stack.weights(1)))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    for i in (1, 2):
        assert all(torch.equal(value, results[1][i][n]) for n, value in results[0][i].items())


def test_replicas_share_the_number_of_adams_steps():
    used, data = recipe(), trial()
    first = Stacked(used, [data], [start(used)])
    first.advance(indices(data, 1)[None], 0)
    with pytest.raises(ValueError, match="must share Adam's number of finished steps"):
        Stacked(used, [data] * 2, [start(used, moments=first.moments(0)), start(used)])


def test_a_run_without_moments_counts_adams_steps():
    used, data = recipe(), trial()
    stack = Stacked(used, [data], [start(used)])
    assert stack.moments(0).steps == 0 and not stack.moments(0).second["fc1.weight"].any()


def test_global_random_state_is_untouched():
    used, data = recipe(RECIPES["resnet18"].optimizer, "resnet18", augment=True), trial(side=8)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    engine = Stacked(used, [data], [start(used)])
    engine.advance(indices(data, 1, batch=4)[None], 0)
    engine.evaluate("validation")
    assert torch.equal(torch.get_rng_state(), before[0]) and (np.random.get_state()[1] == before[1]).all()

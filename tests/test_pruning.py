import pytest
import torch

from lth import pruning
from lth.errors import LthError
from lth.models import FullyConnected, initialise, prunable, skeleton
from lth.recipes import RECIPES, Pruning

LENET = RECIPES["lenet"]
# Remaining weights of fc1, fc2, fc3 by hand: n - round(0.2 n), and for the output layer n - round(0.1 n).
LADDER = {
    0: (235_200, 30_000, 1000),
    1: (188_160, 24_000, 900),
    2: (150_528, 19_200, 810),
    3: (120_422, 15_360, 729),
    7: (49_325, 6291, 478),
    9: (31_568, 4026, 387),
    15: (8275, 1056, 206),
    16: (6620, 845, 185),
}
PAPER = {0: 100.0, 1: 80.0, 2: 64.1, 3: 51.3, 7: 21.1, 9: 13.5, 15: 3.6, 16: 2.9}  # percent remaining, [FC] section 2


def gaussian(shape, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def full(weights):
    return {name: torch.ones(value.shape, dtype=torch.bool) for name, value in weights.items()}


def survivors(masks, name):
    return masks[name].nonzero().flatten().tolist()


def test_iterative_pruning_follows_the_papers_ladder():
    net = skeleton(LENET)
    weights, masks = initialise(net, torch.Generator().manual_seed(0)), pruning.full_masks(net)
    assert sum(mask.numel() for mask in masks.values()) == 266_200
    rungs = pruning.ladder(net, LENET.pruning, 16)
    for level in range(17):
        if level:
            before, masks = masks, pruning.prune(weights, masks, prunable(net), LENET.pruning)
            for name, rate in (("fc1.weight", 0.2), ("fc2.weight", 0.2), ("fc3.weight", 0.1)):
                left = int(before[name].sum())
                assert left - int(masks[name].sum()) == round(rate * left)
                assert not (masks[name] & ~before[name]).any()  # nested: what is gone stays gone
        left = tuple(pruning.remaining(masks).values())
        assert left == tuple(rungs[level].values())
        if level in LADDER:
            assert left == LADDER[level]
            assert pruning.density(masks) == sum(LADDER[level]) / 266_200
            assert round(100 * pruning.density(masks), 1) == PAPER[level]


def test_every_survivor_is_at_least_as_large_as_every_removed_weight():
    net = skeleton(LENET)
    weights, masks = initialise(net, torch.Generator().manual_seed(1)), pruning.full_masks(net)
    pruned = pruning.prune(weights, masks, prunable(net), LENET.pruning)
    for name, mask in pruned.items():
        assert weights[name][mask].abs().min() >= weights[name][~mask].abs().max()


def test_large_negative_weights_survive():
    weights = {"w": torch.tensor([-5.0, 0.1, -0.2, 3.0])}
    masks = pruning.prune(weights, full(weights), {"w": "linear"}, Pruning(linear=0.5))
    assert survivors(masks, "w") == [0, 3]


def test_ties_go_by_index_and_the_count_is_exact():
    weights = {"w": torch.tensor([1.0, -1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0])}
    masks = pruning.prune(weights, full(weights), {"w": "linear"}, Pruning(linear=0.2))
    assert survivors(masks, "w") == [2, 3, 4, 5, 6, 7, 8, 9]
    masks = pruning.prune(weights, masks, {"w": "linear"}, Pruning(linear=0.2))
    assert survivors(masks, "w") == [4, 5, 6, 7, 8, 9]  # round(0.2 × 8) = 2 more


def test_weights_that_are_gone_do_not_count_as_lowest():
    weights = {"w": torch.tensor([0.0, 0.0, 0.0, 0.0, 0.5, 0.4, 0.3, 0.6])}
    masks = {"w": torch.tensor([False] * 4 + [True] * 4)}
    assert survivors(pruning.prune(weights, masks, {"w": "linear"}, Pruning(linear=0.25)), "w") == [4, 5, 7]


def test_layer_wise_and_global_differ_as_by_hand():
    weights = {"a": torch.tensor([0.1, 0.2, 0.3, 0.4]), "b": torch.tensor([-10.0, 20.0, 0.25, -40.0])}
    kinds = {"a": "convolution", "b": "convolution"}
    layer = pruning.prune(weights, full(weights), kinds, Pruning("layer", convolution=0.5, linear=0, output=0))
    assert (survivors(layer, "a"), survivors(layer, "b")) == ([2, 3], [1, 3])
    overall = pruning.prune(weights, full(weights), kinds, Pruning("global", convolution=0.5, linear=0, output=0))
    assert (survivors(overall, "a"), survivors(overall, "b")) == ([3], [0, 1, 3])


def test_global_ties_take_the_earlier_layer_first():
    weights = {"a": torch.ones(3), "b": torch.ones(3)}
    kinds = {"a": "convolution", "b": "convolution"}
    masks = pruning.prune(weights, full(weights), kinds, Pruning("global", convolution=0.6, linear=0, output=0))
    assert (survivors(masks, "a"), survivors(masks, "b")) == ([], [1, 2])


def test_global_pruning_spares_exempt_layers():
    recipe = RECIPES["resnet18"]
    net = skeleton(recipe)
    masks = pruning.full_masks(net)
    pruned = pruning.prune(initialise(net, torch.Generator().manual_seed(0)), masks, prunable(net), recipe.pruning)
    assert pruned["fc.weight"].all()
    left = pruning.remaining(pruned)
    convolutions = 267_696
    assert sum(left.values()) - 640 == convolutions - round(0.2 * convolutions)


def test_global_pruning_wants_one_rate():
    with pytest.raises(LthError, match="one rate"):
        pruning.groups({"a": "convolution", "b": "linear"}, Pruning("global", convolution=0.1, linear=0.2))
    with pytest.raises(LthError, match="nothing to prune"):
        pruning.groups({"a": "convolution"}, Pruning(convolution=0))


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_oneshot_reaches_the_counts_of_the_ladder(scope):
    net = FullyConnected(30, 20, 10)
    rule = Pruning(scope, linear=0.2, output=0.1 if scope == "layer" else 0.2)
    weights, masks = initialise(net, torch.Generator().manual_seed(0)), pruning.full_masks(net)
    rungs = pruning.ladder(net, rule, 6)
    step = masks
    for level in range(1, 7):
        step = pruning.prune(weights, step, prunable(net), rule)
        at_once = pruning.prune_to(rungs[level], weights, masks, rule)
        assert pruning.remaining(at_once) == pruning.remaining(step)
        assert pruning.digest(at_once) == pruning.digest(step)  # of the same weights the same survive


def test_too_deep_levels_are_refused():
    net = FullyConnected(4, 3, 2)  # 12 and 6 weights
    rule = Pruning(linear=0.5, output=0.5)  # 12 6 3 (round(1.5) = 2) 1 and then round(0.5) = 0 go
    assert [tuple(rung.values()) for rung in pruning.ladder(net, rule, 2)] == [(12, 6), (6, 3), (3, 1)]
    with pytest.raises(LthError, match="level 3 .* fc2.weight: ask for at most 2 levels"):
        pruning.ladder(net, rule, 3)
    with pytest.raises(LthError, match="level 1 would leave 0 of the 1 weights"):
        pruning.ladder(FullyConnected(1, 1), Pruning(output=0.9), 1)


def test_biases_are_counted_and_pruned_at_their_layers_rate_where_asked():
    """By hand: 300, 100 and 10 biases; of the last 5, round(0.1 × 5) = 0 go, which does not end the ladder."""
    net, rule = skeleton(LENET), Pruning(biases=True)
    rungs = pruning.ladder(net, rule, 6)
    biases = [tuple(rung[f"fc{i}.bias",] for i in (1, 2, 3)) for rung in rungs]
    assert biases[:4] == [(300, 100, 10), (240, 80, 9), (192, 64, 8), (154, 51, 7)]
    assert [last for *_, last in biases] == [10, 9, 8, 7, 6, 5, 5]
    plain = pruning.ladder(net, LENET.pruning, 6)
    assert [{n: left for n, left in rung.items() if n[0].endswith("weight")} for rung in rungs] == plain
    weights = initialise(net, torch.Generator().manual_seed(0))
    weights |= {name: gaussian(value.shape) for name, value in weights.items() if value.dim() == 1}
    masks = pruning.full_masks(net, biases=True)
    assert pruning.density(masks) == 1 and sum(mask.numel() for mask in masks.values()) == 266_610
    for rung in rungs[1:]:
        masks = pruning.prune(weights, masks, prunable(net, biases=True), rule)
        assert pruning.remaining(masks) == {name: left for (name,), left in rung.items()}
        assert pruning.density(masks) == sum(rung.values()) / 266_610
    assert weights["fc1.bias"][masks["fc1.bias"]].abs().min() >= weights["fc1.bias"][~masks["fc1.bias"]].abs().max()


def test_random_masks_keep_the_count_of_every_layer():
    net = skeleton(LENET)
    weights = initialise(net, torch.Generator().manual_seed(0))
    like = pruning.prune(weights, pruning.full_masks(net), prunable(net), Pruning(linear=0.9, output=0.8))
    drawn, again, other = (pruning.random_masks(like, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert pruning.remaining(drawn) == pruning.remaining(like) and list(drawn) == list(like)
    assert pruning.digest(drawn) == pruning.digest(again)
    assert len({pruning.digest(m) for m in (like, drawn, other)}) == 3
    name, p = "fc1.weight", 0.1  # the overlap of two independent masks of density p is p² of the layer
    overlap, n = int((drawn[name] & like[name]).sum()), like[name].numel()
    assert overlap == pytest.approx(p * p * n, abs=6 * (p * (1 - p) * n**0.5))


def test_apply_zeroes_what_is_masked_and_copies():
    weights = {"w": gaussian((4, 5)), "b": gaussian((4,))}
    masks = {"w": gaussian((4, 5), 1) > 0}
    applied = pruning.apply(masks, weights)
    assert (applied["w"][~masks["w"]] == 0).all()
    assert torch.equal(applied["w"][masks["w"]], weights["w"][masks["w"]]) and torch.equal(applied["b"], weights["b"])
    before = weights["w"].clone(), weights["b"].clone()
    for value in applied.values():
        value.fill_(7)
    assert torch.equal(weights["w"], before[0]) and torch.equal(weights["b"], before[1])


def test_prune_does_not_change_its_arguments():
    weights = {"w": gaussian((10,))}
    masks = full(weights)
    pruning.prune(weights, masks, {"w": "linear"}, Pruning(linear=0.5))
    assert masks["w"].all()


def test_digest_depends_on_every_bit_and_name():
    one = {"w": torch.tensor([True, False]), "v": torch.tensor([True])}
    flipped = {"w": torch.tensor([False, True]), "v": torch.tensor([True])}
    renamed = {"x": one["w"], "v": one["v"]}
    assert len({pruning.digest(m) for m in (one, flipped, renamed)}) == 3
    assert pruning.digest(one) == pruning.digest({k: v.clone() for k, v in one.items()})

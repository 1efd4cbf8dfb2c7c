"""Each criterion on four weights by hand, and what looks at the data against derivatives written another way."""

from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch
from tiny_study import TINY
from torch.nn import functional as F

from lth import pruning
from lth.criteria import CRITERIA, no_gradients, rounds_at_start, scores
from lth.data import Images, TrialData
from lth.datasets import loading
from lth.engines.gradients import LossGradients
from lth.errors import LthError
from lth.lottery import TICKET, Chain, Left, next_level, walk
from lth.models import initialise, prunable, skeleton
from lth.recipes import Pruning
from lth.runs import stream
from lth.training import Trained

START = {"w": torch.tensor([0.5, -2.0, 1.0, -0.25])}
FINAL = {"w": torch.tensor([-1.0, -1.5, 1.25, -1.0])}
ALL = {"w": torch.ones(4, dtype=torch.bool)}


class Quadratic:
    """Derivatives of L = sum of c w² / 2 by hand: gradient c w, Hessian diag(c). Of the outputs' sum it is c."""

    curvature = torch.tensor([1.0, 2.0, -1.0, 8.0])

    def __call__(self, weights):
        return {"w": self.curvature * weights["w"]}

    def curved(self, weights, direction):
        return {"w": self.curvature * direction["w"]}

    def flow(self, weights):
        return {"w": self.curvature}


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("magnitude", [1.0, 1.5, 1.25, 1.0]),
        ("initial-magnitude", [0.5, 2.0, 1.0, 0.25]),
        ("magnitude-increase", [0.5, -0.5, 0.25, 0.75]),
        ("movement", [1.5, 0.5, 0.25, 0.75]),
        ("initial-times-final", [0.5, 3.0, 1.25, 0.25]),
        ("snip", [0.25, 8.0, 1.0, 0.5]),  # |w × c w| at the start
        ("grasp", [0.25, 16.0, 1.0, 4.0]),  # w × c (c w) at the start
        ("synflow", [0.5, 4.0, -1.0, 2.0]),  # |w| × c
    ],
)
def test_a_criterion_scores_four_weights_as_by_hand(name, by_hand):
    scored = scores(Pruning(criterion=name), FINAL, ALL, START, Quadratic())
    assert scored["w"].tolist() == by_hand
    inverted = scores(Pruning(criterion=name, inverted=True), FINAL, ALL, START, Quadratic())
    assert inverted["w"].tolist() == [-score for score in by_hand]


def test_grasp_removes_first_what_the_gradients_norm_gains_most_without():
    """By finite differences: removing a little of a weight changes |∇L|² by -2 ε w (H g), lowest score, most gained."""
    grad = Quadratic()
    step = 1e-4
    gained = []
    for i in range(4):
        less = START["w"].clone()
        less[i] *= 1 - step
        gained.append(float((grad({"w": less})["w"].square().sum() - grad(START)["w"].square().sum()) / step))
    scored = scores(Pruning(criterion="grasp"), FINAL, ALL, START, grad)["w"]
    assert torch.tensor(gained) == pytest.approx(-2 * scored, rel=1e-2)


def test_an_inverted_rule_removes_the_largest():
    masks = pruning.prune(FINAL, ALL, {"w": "linear"}, Pruning(linear=0.5, inverted=True), START)
    assert masks["w"].tolist() == [True, False, False, True]


def test_random_scores_are_those_of_the_stream_and_no_two_draws_alike():
    rule = Pruning(criterion="random", linear=0.5)
    drawn = [
        pruning.prune(FINAL, ALL, {"w": "linear"}, rule, START, no_gradients, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    assert torch.equal(drawn[0]["w"], drawn[1]["w"]) and not torch.equal(drawn[0]["w"], drawn[2]["w"])


RECIPE = replace(TINY, model="fc-20-15", shape=(1, 4, 5), classes=6, preprocessing="none")
NET = skeleton(RECIPE)


def data() -> TrialData:
    generator = torch.Generator().manual_seed(1)
    pixels, labels = torch.rand(50, 1, 4, 5, generator=generator), torch.arange(50) % 6
    images = Images(pixels, labels, torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1))
    return TrialData("made", images, images, torch.arange(40), torch.arange(40, 50), torch.arange(30))


def start():
    return initialise(NET, torch.Generator().manual_seed(2))


def loss(flat: torch.Tensor, like) -> torch.Tensor:
    """The mean loss on the first 30 images, written out for three layers, as a function of all parameters in a row."""
    parts = dict(zip(like, flat.split([value.numel() for value in like.values()]), strict=True))
    x = data().images.pixels[:30].flatten(1).to(flat.dtype)
    for i in (1, 2, 3):
        x = x @ parts[f"fc{i}.weight"].view(like[f"fc{i}.weight"].shape).T + parts[f"fc{i}.bias"]
        x = x.clamp(min=0) if i < 3 else x
    log_likelihood = x - x.exp().sum(1, keepdim=True).log()
    return -log_likelihood[torch.arange(30), data().images.labels[:30]].mean()


@pytest.mark.parametrize("name", ["snip", "grasp"])
def test_snip_and_grasp_agree_with_a_hessian_and_gradient_written_another_way(name):
    weights = start()
    masks = {n: torch.ones(weights[n].shape, dtype=torch.bool) for n in prunable(NET)}
    scored = scores(Pruning(criterion=name), weights, masks, weights, LossGradients(RECIPE, data))
    flat = torch.cat([value.flatten() for value in weights.values()]).double()
    gradient = torch.autograd.functional.jacobian(partial(loss, like=weights), flat)
    along = torch.autograd.functional.hessian(partial(loss, like=weights), flat) @ gradient
    whole = (flat * gradient).abs() if name == "snip" else flat * along
    expected = dict(zip(weights, whole.split([value.numel() for value in weights.values()]), strict=True))
    for layer in masks:
        assert torch.allclose(scored[layer].double().flatten(), expected[layer], rtol=1e-3, atol=1e-7)
        assert expected[layer].abs().max() > 1e-6


def test_synflow_conserves_its_sum_layer_by_layer():
    """What flows into a layer flows out of it, since biases start at 0 (Tanaka et al., theorem 1)."""
    weights = start()
    masks = {n: torch.rand(weights[n].shape, generator=stream(0, 0, n)) < 0.5 for n in prunable(NET)}
    left = pruning.apply(masks, weights)
    scored = scores(Pruning(criterion="synflow"), left, masks, left, LossGradients(RECIPE, data))
    sums = [float(value.double().sum()) for value in scored.values()]
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-5) and sums[0] > 0
    ones = torch.ones(1, 20)
    for i in (1, 2, 3):
        ones = ones @ left[f"fc{i}.weight"].abs().T  # all positive: no ReLU acts
    assert sums[0] == pytest.approx(float(ones.sum()), rel=1e-5)


def test_rounds_lead_to_the_count_in_equal_shares():
    """SynFlow by hand: after round k of 100 a layer has round(n share^(k/100)) weights; each scores what is left."""
    rule, full = Pruning(criterion="synflow"), pruning.full_masks(NET)
    counts = {(name,): mask.numel() // 10 for name, mask in full.items()}
    seen = []

    def counting(weights, masks, *, start, gradients):
        seen.append(sum(int((start[name] != 0).sum()) for name in masks))
        return CRITERIA["synflow"](weights, masks, start=start, gradients=gradients)

    counting.at_start = 100
    masks = pruning.prune_start(counts, start(), full, replace(rule, criterion=counting), LossGradients(RECIPE, data))
    assert pruning.remaining(masks) == {name: count for (name,), count in counts.items()}
    total = sum(mask.numel() for mask in full.values())
    assert len(seen) == 100 and seen[0] == total and all(a >= b for a, b in pairwise(seen))
    halfway = sum(round(mask.numel() * (counts[name,] / mask.numel()) ** 0.5) for name, mask in full.items())
    assert seen[50] == halfway
    assert [rounds_at_start(Pruning(criterion=name)) for name in ("magnitude", "snip", "synflow")] == [0, 1, 100]


def test_before_training_every_level_is_pruned_from_the_start_of_the_dense_network(data_dir):
    chain = Chain(replace(TINY, pruning=Pruning(criterion="snip")), 0, 2, {"ticket": 1, "reinit": 1})
    gradients = LossGradients(chain.recipe, lambda: loading.load(chain.recipe, chain.run("ticket", 0).split()))
    (dense, _) = next_level(chain, TICKET, 0)
    garbage = {name: torch.full_like(value, 7.0) for name, value in dense.weights.items()}
    before = Left(garbage, dense.weights, dense.masks)
    ticket, fresh = next_level(chain, TICKET, 2, before, before, gradients)
    scored = scores(chain.recipe.pruning, dense.weights, dense.masks, dense.weights, gradients)
    for name, mask in ticket.masks.items():
        assert scored[name][mask].min() >= scored[name][~mask].max()
    net = skeleton(chain.recipe)
    assert pruning.remaining(ticket.masks) == {n: c for (n,), c in pruning.ladder(net, Pruning(), 2)[-1].items()}
    assert pruning.digest(fresh.masks) == pruning.digest(ticket.masks)


@pytest.mark.parametrize("name", ["snip", "grasp", "synflow"])
def test_a_criterion_that_needs_gradients_says_so_where_there_are_none(name):
    chain = Chain(replace(TINY, pruning=Pruning(criterion=name)), 0, 1, {"ticket": 1})

    def untrained(job):
        return Trained({}, job.weights, job.weights, 0.0)

    with pytest.raises(LthError, match="^this criterion needs gradients, which are not to be had here: give the data"):
        list(walk(chain, untrained))


def test_gradients_are_those_of_the_mean_loss_on_the_subset():
    weights = start()
    inputs = data().images.pixels[:30].flatten(1)
    parameters = {name: value.clone().requires_grad_() for name, value in weights.items()}
    x = inputs
    for i in (1, 2, 3):
        x = F.linear(x, parameters[f"fc{i}.weight"], parameters[f"fc{i}.bias"])
        x = x.relu() if i < 3 else x
    F.cross_entropy(x, data().images.labels[:30]).backward()
    for name, gradient in LossGradients(RECIPE, data)(weights).items():
        assert torch.allclose(gradient, parameters[name].grad, atol=1e-6)

"""Pruned weights that stay at their start: in every engine that has them, as plain PyTorch would train them."""

from dataclasses import replace

import pytest
import torch
from reference import case
from torch.nn import functional as F

from lth.engines import choose
from lth.engines.cost import cost
from lth.engines.dense import Dense
from lth.engines.stacked import Stacked
from lth.errors import LthError
from lth.recipes import RECIPES, Pruning
from lth.runs import Run


def frozen_case():
    """A ticket of half the weights whose other half lies at numbers of its own."""
    run = case()
    generator = torch.Generator().manual_seed(3)
    masks = {n: torch.rand(v.shape, generator=generator) < 0.5 for n, v in run.start.weights.items() if v.dim() > 1}
    weights = {n: 0.3 * torch.randn(v.shape, generator=generator) for n, v in run.start.weights.items()}
    recipe = replace(run.recipe, pruning=replace(run.recipe.pruning, frozen=True))
    return replace(run, recipe=recipe, start=replace(run.start, weights=weights, masks=masks, moments=None))


def plain(run, steps: int):
    """The weights after so many of Adam's steps, of which pruned weights take none."""
    values = {name: value.clone().requires_grad_() for name, value in run.start.weights.items()}
    adam = torch.optim.Adam(values.values(), run.recipe.optimizer.learning_rate)
    for step in range(steps):
        chosen = run.indices[0, step]
        x = run.data.images.floats(chosen).flatten(1)
        for i in (1, 2, 3):
            x = F.linear(x, values[f"fc{i}.weight"], values[f"fc{i}.bias"])
            x = x.relu() if i < 3 else x
        adam.zero_grad()
        F.cross_entropy(x, run.data.images.labels[chosen]).backward()
        for name, mask in run.start.masks.items():
            values[name].grad *= mask
        adam.step()
    return {name: value.detach() for name, value in values.items()}


@pytest.mark.parametrize("engine", [Dense, Stacked])
def test_they_act_in_every_pass_and_never_move(engine):
    run = frozen_case()
    stack, _ = run.run(engine, 5)
    trained, expected = stack.weights(0), plain(run, 5)
    for name, value in trained.items():
        assert torch.allclose(value, expected[name], atol=2e-5)
    for name, mask in run.start.masks.items():
        assert torch.equal(trained[name][~mask], run.start.weights[name][~mask])
        assert (trained[name][mask] != run.start.weights[name][mask]).any()


def test_the_sparse_engine_has_none_of_them():
    recipe = replace(RECIPES["lenet"], pruning=Pruning(frozen=True))
    assert choose(recipe, 0.1)[0] == "dense" and choose(RECIPES["lenet"], 0.1)[0] == "sparse"
    with pytest.raises(LthError, match="'sparse' has no pruned weights, which the recipe 'lenet' keeps at their start"):
        choose(recipe, 0.1, "sparse")
    assert cost(Run(recipe, "ticket", 0, level=9)) == recipe.iterations  # so they cost what the dense network costs

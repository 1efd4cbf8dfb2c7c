"""Table 1's other networks on a stand-in for CIFAR-10: their studies, and each through prune, rewind, retrain."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lth import records
from lth.datasets import catalogue, loading, reading
from lth.errors import LthError
from lth.lottery import TICKET, Chain, Left, next_level
from lth.models import FullyConnected, skeleton
from lth.pruning import apply, ladder
from lth.recipes import RECIPES, Optimizer
from lth.records import Records, store
from lth.report import networks, text
from lth.report.page import provenance, published_of
from lth.running import complete, queue, state, worker
from lth.running.checks import check_fits
from lth.runs import Run
from lth.studies.catalogue import STUDIES
from lth.studies.networks import STUDIES as NETWORKS
from lth.studies.parameters import shorten, study

LABEL = "CIFAR-10 (image copy)"
OTHERS = [name for name in RECIPES if name != "lenet"]


def raw(label: str) -> reading.Raw:
    """80 training and 20 test images whose mean brightness tells the class."""
    random, parts = np.random.default_rng(0), []
    for count in (80, 20):
        labels = np.arange(count) % 10
        pixels = random.integers(0, 60, (count, 3, 32, 32)) + 19 * labels.reshape(-1, 1, 1, 1)
        parts.append((torch.from_numpy(pixels.astype(np.uint8)), torch.from_numpy(labels)))
    return reading.Raw(label, *parts)


@pytest.fixture
def cifar(monkeypatch, tmp_path):
    """A data folder in which "cifar10" is a small image copy."""
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    small = replace(catalogue.CIFAR10, sizes=(80, 20))
    small.copy.parent.mkdir(parents=True)
    reading.write_copy(small.copy, raw(LABEL))
    small = replace(small, plain_copy=reading.copy_fingerprint(small))
    monkeypatch.setitem(catalogue.DATA_SETS, "cifar10", small)
    return small


@pytest.fixture
def deep(cifar, monkeypatch):
    """The study of ResNet-18 on it."""
    recipes = tuple(tiny(recipe) for recipe in STUDIES["resnet18"].recipes)
    monkeypatch.setitem(STUDIES, "resnet18", replace(STUDIES["resnet18"], recipes=recipes))


def tiny(recipe):
    return replace(recipe, batch_size=4, validation_size=20, train_eval_size=20)


def test_the_studies_hold_the_protocol():
    planned = {s.name: (s.trials, s.levels, {r.iterations for r in s.recipes}) for s in NETWORKS}
    assert planned == {
        "conv2": (3, 21, {20_000}), "conv4": (3, 25, {25_000}), "conv6": (3, 25, {30_000}),
        "conv2-reduced": (2, 3, {5000}), "resnet18": (3, 15, {30_000}), "vgg19": (3, 20, {112_480}),
    }  # fmt: skip
    assert all(dict(grid.draws) == {"ticket": 1, "reinit": 1} for s in NETWORKS for grid in s.grids)
    for name, warm, warmup, k in (("resnet18", 0.03, 20_000, 500), ("vgg19", 0.1, 10_000, 100)):
        rows = [(r.optimizer.learning_rate, r.optimizer.warmup, r.rewind) for r in STUDIES[name].recipes]
        assert rows == [(0.1, 0, 0), (0.01, 0, 0), (warm, warmup, 0), (0.1, 0, k)]
        assert STUDIES[name].recipes[0] == RECIPES[name]


@pytest.mark.parametrize(
    ("name", "left"),
    [  # percent at levels that the paper's claims are about
        ("conv2", {11: 8.81, 14: 4.57, 17: 2.39, 18: 1.93}),
        ("conv4", {12: 9.18, 11: 11.06, 21: 2.01, 22: 1.72}),
        ("conv6", {10: 15.29, 7: 26.61, 21: 2.13, 22: 1.79}),
        ("resnet18", {4: 40.96, 6: 26.21, 10: 10.74, 15: 3.52}),
        ("vgg19", {15: 3.52, 19: 1.44, 20: 1.15}),
        ("conv2-reduced", {1: 33.02, 2: 10.97, 3: 3.68}),
    ],
)
def test_density_ladders(name, left):
    recipe = STUDIES[name].recipes[0]
    rungs = [sum(rung.values()) for rung in ladder(skeleton(recipe), recipe.pruning, max(left))]
    assert {level: round(100 * rungs[level] / rungs[0], 2) for level in left} == left


def test_shorter_runs_go_through_the_same_phases():
    recipes = {r.name: shorten(r, 300) for r in (*STUDIES["resnet18"].recipes, *STUDIES["vgg19"].recipes)}
    assert recipes["resnet18"].optimizer.milestones == (200, 250) and recipes["resnet18"].rewind == 0
    assert recipes["resnet18-warmup"].optimizer.warmup == 200 and recipes["resnet18-rewind"].rewind == 5
    assert recipes["vgg19-rewind"].rewind == 1  # not 0, which is another experiment
    for recipe in STUDIES["vgg19"].recipes:
        for iterations in (1, 2, 3, 20):
            assert shorten(recipe, iterations).iterations == iterations
    with pytest.raises(LthError, match="iterations must be a whole number of at least 1, not 0"):
        study("vgg19", iterations=0)


def test_warmup_rewinding_and_recipes_are_parameters_of_a_study():
    changed = study("resnet18", iterations=300, rewind=7, warmup=9, recipes="resnet18-rewind, resnet18")
    rows = [(r.name, r.rewind, r.optimizer.warmup) for r in changed.recipes]
    assert rows == [("resnet18", 7, 9), ("resnet18-rewind", 7, 9)]
    assert study("lenet", warmup=100).recipes[0].optimizer.warmup == 100


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: study("resnet18", warmup=20_001), "by the first drop .*, at iteration 20000, not at 20001"),
        (lambda: study("conv2", warmup=20_001), "warmup must lie between 0 and the 20000 iterations, not 20001"),
        (lambda: study("conv2", warmup=-1), "warmup must be a whole number of at least 0, not -1"),
        (lambda: study("conv2", warmup=2.5), "warmup must be a whole number of iterations, not 2.5"),
        (lambda: study("conv2", recipes="conv3"), "unknown recipe 'conv3': choose one of conv2"),
        (lambda: Optimizer("sgd", 0.1, milestones=(20, 10)), "rising order, not \\(20, 10\\)"),
        (lambda: Optimizer("sgd", 0.1, milestones=(0, 10)), "above 0 in rising order"),
        (lambda: Optimizer("sgd", 0.0), "learning rate must be a number above 0, not 0.0"),
        (lambda: replace(RECIPES["resnet18"], iterations=21_000), "below the 21000 iterations, not at 25000"),
    ],
)
def test_nonsense_is_refused(make, says):
    with pytest.raises(LthError, match=says):
        make()


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
@pytest.mark.parametrize("name", ["lenet", "fc-30-20", *OTHERS])
def test_every_network_takes_its_inputs_from_the_images(name, dataset):
    recipe = loading.shaped(replace(RECIPES["lenet"], model=name, dataset=dataset))
    check_fits(recipe)
    assert recipe.shape == {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}[dataset]


def test_a_network_that_does_not_take_the_images_is_refused():
    recipe = replace(RECIPES["conv2"], model=lambda: FullyConnected(784, 30, 10))
    with pytest.raises(LthError, match="does not take images of 3x32x32: .*3072"):
        check_fits(recipe)
    with pytest.raises(LthError, match="must give 10 logits for each image, but for 2 images it gives 2x9"):
        check_fits(replace(recipe, model=lambda: FullyConnected(3072, 30, 9)))


@pytest.mark.parametrize("name", OTHERS)
def test_every_network_is_trained_pruned_rewound_and_trained_again(name, cifar):
    recipe = loading.as_found(tiny(replace(shorten(RECIPES[name], 3), rewind=1)))
    chain = Chain(recipe, 0, 1, {"ticket": 1})
    (dense,) = next_level(chain, TICKET, 0)
    (trained,) = worker.execute([dense])
    before = Left(trained.weights, trained.rewound, dense.masks)
    (ticket,) = next_level(chain, TICKET, 1, before, before)
    (again,) = worker.execute([ticket])
    rung = ladder(skeleton(recipe), recipe.pruning, 1)[1]
    left = json.loads(again.summary["remaining"])
    assert {names: sum(left[n] for n in names) for names in rung} == rung
    for layer, mask in ticket.masks.items():
        assert torch.equal(ticket.weights[layer], apply({layer: mask}, trained.rewound)[layer])
        assert not again.weights[layer][~mask].any()
        if recipe.optimizer.name == "adam":  # whose first step moves every weight that has a gradient
            assert not torch.equal(dense.weights[layer], trained.rewound[layer])
    assert np.isfinite(again.curve["test_loss"]).all() and again.curve["iteration"].tolist() == [0, 3]
    assert again.summary["data"] == LABEL and json.loads(again.summary["spec"])["recipe"]["copy"] == LABEL


def test_a_layer_without_weights_trains_on_and_is_reported(cifar):
    recipe = loading.as_found(tiny(shorten(RECIPES["resnet18"], 2)))
    (dense,) = next_level(Chain(recipe, 0, 1, {"ticket": 1}), TICKET, 0)
    layer = "blocks.3.conv1.weight"
    masks = dense.masks | {layer: torch.zeros_like(dense.masks[layer])}
    (finished,) = worker.execute([replace(dense, weights=apply(masks, dense.weights), masks=masks)])
    assert np.isfinite(finished.curve["test_loss"]).all() and json.loads(finished.summary["remaining"])[layer] == 0
    said = []
    queue.Queue._report(SimpleNamespace(missing={finished.summary["key"]}, say=said.append), finished)
    assert said == [
        f"resnet18, ticket, trial 0, level 0 has no weight left in {layer}: nothing passes through it but its bias"
    ]
    assert networks.emptied(pd.DataFrame([finished.summary])) == 1


def test_a_study_of_several_recipes_is_run_resumed_and_published_with_its_label(deep, scheduler):
    chosen = study("resnet18", 1, 1, 2, "ticket", recipes="resnet18-warmup,resnet18-rewind")
    assert [r.copy for r in chosen.recipes] == [LABEL] * 2 and len(chosen.runs()) == 4
    assert complete.train(chosen, scheduler=scheduler) == 4
    store.path(chosen.runs()[-1].key).unlink()
    assert complete.train(chosen, scheduler=scheduler) == 1 and not state.of(chosen).missing
    records.publish("resnet18", chosen.runs())
    shown = published_of(chosen)
    assert text.trials_note(shown.runs, 1) == f"n = 1 trial, on {LABEL}"
    assert provenance("deep", shown, {}).endswith(f", on {LABEL}.")
    coverage = networks.coverage(chosen, shown)
    assert coverage["state"] == f"Trained on {LABEL}."
    assert coverage["extent"] == (
        "The figures show 4 of the 4 runs of the study resnet18. Pruning over all layers at once has left 0 of them "
        "with a layer without any weight."
    )

    # From now on the study is about the copy, whatever else is in the data folder.
    catalogue.find("cifar10").copy.unlink()
    assert study("resnet18").recipes[0].copy == LABEL
    with pytest.raises(LthError, match=r"CIFAR-10 \(image copy\) is not in .*: run `lth data cifar10 --from DIR`"):
        reading.read(catalogue.find("cifar10"), study("resnet18").recipes[0].copy)


def test_results_on_a_copy_and_on_the_original_do_not_mix(cifar):
    recipe = RECIPES["resnet18"]
    copied = loading.as_found(recipe)
    assert (copied.copy, copied == recipe) == (LABEL, True)  # the same experiment, on other images
    assert Run(copied, "ticket", 0).key != Run(recipe, "ticket", 0).key
    assert "copy" not in json.loads(Run(recipe, "ticket", 0).spec)["recipe"]
    with pytest.raises(LthError, match=r"holds CIFAR-10 \(image copy\), not CIFAR-10: set LTH_DATA to a folder"):
        loading.load(tiny(recipe), torch.Generator())
    with pytest.raises(LthError, match=r"holds CIFAR-10 \(image copy\), not CIFAR-10 \(JPEG copy\)"):
        loading.load(tiny(replace(recipe, copy="CIFAR-10 (JPEG copy)")), torch.Generator())
    cifar.copy.write_bytes(b"no")
    with pytest.raises(LthError, match="cifar10-copy.npz is corrupt: delete it"):
        study("conv2")


def test_what_is_not_published_is_not_drawn_and_not_trained(cifar):
    for name in ("conv2-reduced", "resnet18"):
        chosen = study(name)
        assert published_of(chosen) is None
        coverage = networks.coverage(chosen, None)
        assert coverage["state"] == "No records yet: not tested."
        assert coverage["extent"] == f"None of the {len(chosen.runs())} runs of the study {name} is published."
    assert set(networks.judged("conv2", "conv4", "conv6", "resnet18", "vgg19")["verdict"]) == {"not tested"}
    assert set(networks.expected(NETWORKS)["one GPU"]) == {"not timed"}
    assert networks.nothing_to_draw("conv2").axes[0].texts[0].get_text() == "conv2: no records yet, not tested"


def test_one_recipe_of_a_study():
    frame = pd.DataFrame({"recipe": ["a", "b", "a"], "x": [1, 2, 3]})
    assert networks.one_recipe(Records("s", frame, frame), "a").runs["x"].tolist() == [1, 3]


def test_what_the_paper_says_of_a_network():
    assert networks.in_the_paper("conv2") == (
        "3.5 times as fast as the dense network with 8.8% of the weights, and 3.4 percentage points more accurate at "
        "the best level"
    )

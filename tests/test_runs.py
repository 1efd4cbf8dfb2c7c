import itertools
import json
from dataclasses import fields, replace

import pytest
import torch
from pyarrow import parquet
from tiny_study import TINY

from lth.arms import ARMS
from lth.errors import LthError
from lth.paths import ROOT
from lth.recipes import CARRIED, RECIPES, Optimizer, Pruning, Recipe
from lth.runs import Run, recipe_specification, stream

RUN = Run(TINY, "ticket", 0)


OPTIONAL = {
    "copy": "Fashion", "drift_at": (1, 5), "steps_at": (1, 5), "initial_std": 0.01, "carry_optimizer": True,
    "split_per_arm": True, "resume_level": 2, "sources": (("network", "abc"),), "corruption": "tenth",
    "masks_from": RECIPES["lenet"],
}  # fmt: skip
OPTIONAL_IN_PRUNING = {"biases": True, "lag": 1, "inverted": True, "frozen": True}


def test_key_is_stable_and_hashes_the_specification():
    assert RUN.key == Run(TINY, "ticket", 0).key and len(RUN.key) == 64
    spec = json.loads(RUN.spec)
    assert set(spec) == {field.name for field in fields(Run)}


def test_only_optional_fields_are_left_out_and_only_at_their_default():
    spec = json.loads(RUN.spec)["recipe"]
    assert set(spec) == {field.name for field in fields(TINY)} - set(OPTIONAL) - {"shape", "classes"}
    assert set(spec["pruning"]) == {field.name for field in fields(Pruning)} - set(OPTIONAL_IN_PRUNING)
    assert set(spec["optimizer"]) == {field.name for field in fields(Optimizer)}
    for name, value in OPTIONAL.items():
        changed = json.loads(replace(RUN, recipe=replace(TINY, **{name: value})).spec)["recipe"]
        told = recipe_specification(value) if isinstance(value, Recipe) else value
        assert changed == spec | {name: json.loads(json.dumps(told))}
    for name, value in OPTIONAL_IN_PRUNING.items():
        pruning = replace(TINY.pruning, **{name: value})
        changed = json.loads(replace(RUN, recipe=replace(TINY, pruning=pruning)).spec)["recipe"]
        assert changed == spec | {"pruning": spec["pruning"] | {name: value}}


def test_defaults_leave_the_keys_of_published_runs_as_they_are():
    """LeNet's first record, trained before there were optional fields."""
    published = "8c28b6c670be0e852fd4aae21dadd8cecf30073b1f4d28d60362bcb967bd2a6b"
    assert Run(RECIPES["lenet"], "reinit", 0).key == published
    path = ROOT / "data" / "records" / "lenet" / "runs.parquet"
    assert published in parquet.read_table(path, columns=["key"])["key"].to_pylist()


def test_every_field_changes_the_key():
    changed = {"arm": "reinit", "trial": 1, "draw": 1, "level": 1, "root_seed": 1, "engine": "stacked"}
    in_recipe = OPTIONAL | {
        "name": "other", "model": "conv2", "dataset": "fashion-mnist", "preprocessing": "unit", "batch_size": 21,
        "iterations": 11, "rewind": 1, "validation_size": 41, "augment": True, "eval_every": 5,
        "train_eval_every": 9, "train_eval_size": 51,
        "optimizer": replace(TINY.optimizer, learning_rate=1e-3), "pruning": replace(TINY.pruning, linear=0.3),
    }  # fmt: skip
    assert {"recipe", *changed} == {field.name for field in fields(Run)}
    assert set(in_recipe) | {"shape", "classes"} == {field.name for field in fields(TINY)}  # those follow from the data
    optimizers = {
        "name": "sgd", "learning_rate": 1.0, "momentum": 0.5, "weight_decay": 0.1, "milestones": (5,), "warmup": 2,
    }  # fmt: skip
    prunings = OPTIONAL_IN_PRUNING | {
        "scope": "global", "criterion": "other", "convolution": 0.1, "linear": 0.1, "output": 0.2,
    }  # fmt: skip
    assert set(optimizers) == {field.name for field in fields(Optimizer)}
    assert set(prunings) == {field.name for field in fields(Pruning)}
    recipes = [replace(TINY, **{name: value}) for name, value in in_recipe.items()]
    recipes += [replace(TINY, optimizer=replace(TINY.optimizer, **{n: v})) for n, v in optimizers.items()]
    recipes += [replace(TINY, pruning=replace(TINY.pruning, **{n: v})) for n, v in prunings.items()]
    recipes += [replace(TINY, carry_optimizer=part) for part in CARRIED if isinstance(part, str)]
    runs = [replace(RUN, **{name: value}) for name, value in changed.items()] + [
        replace(RUN, recipe=r) for r in recipes
    ]
    keys = [run.key for run in (RUN, *runs)]
    assert len(set(keys)) == len(keys)


def test_no_two_streams_share_a_seed():
    """Of a seed torch's generator uses the lower 32 bits."""
    purposes = ("split", "initialisation", "order", "augmentation", "mask", "resumption", "criterion", "shuffle")
    every = itertools.product((0, 1, 12), (0, 1, 12, 21), purposes, ("", *ARMS), (0, 1, 12), (0, 1, 12, 112))
    seeds = [stream(*arguments).initial_seed() % 2**32 for arguments in every]
    assert len(set(seeds)) == len(seeds)


def test_a_stream_is_reproducible_and_its_own():
    draws = [torch.rand(3, generator=RUN.stream(purpose)) for purpose in ("order", "order", "mask")]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    expected = stream(RUN.root_seed, RUN.trial, "order", RUN.arm, RUN.draw, RUN.level)
    assert torch.equal(draws[0], torch.rand(3, generator=expected))


def test_streams_do_not_depend_on_the_recipe():
    """A study with other iterations has the same initialisation and data order, so that trials stay paired."""
    longer = Run(replace(TINY, iterations=20), "ticket", 0)
    assert longer.stream("order").initial_seed() == RUN.stream("order").initial_seed()


def test_global_random_state_is_untouched():
    before = torch.get_rng_state()
    torch.rand(5, generator=RUN.stream("order"))
    assert torch.equal(torch.get_rng_state(), before)


def test_unknown_arm_is_refused():
    with pytest.raises(LthError, match="arm 'tickets'.*ticket, reinit"):
        Run(TINY, "tickets", 0)

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from finished import pretend, same
from tiny_study import TINY

from lth import pruning
from lth.lottery import TICKET, Chain, Left, next_level, walk
from lth.models import build_model
from lth.recipes import RECIPES
from lth.records.finished import HISTOGRAM_BINS
from lth.running.worker import execute, finish


def chain(trial: int = 0, levels: int = 1, **draws) -> Chain:
    return Chain(TINY, trial, levels, {"ticket": 1} | draws, engine="stacked")


def first(trial: int = 0, **draws):
    return next_level(chain(trial, **draws), TICKET, 0)


def test_two_runs_of_one_specification_give_the_same_record(data_dir):
    (job,), (again,), (other,) = first(), first(), first(trial=1)
    one, two, three = (execute([j])[0] for j in (job, again, other))
    assert same(one, two)
    assert all(torch.equal(one.weights[n], two.weights[n]) for n in one.weights)
    assert not same(one, three) and one.curve["val_loss"][0] != three.curve["val_loss"][0]


def test_a_stack_of_two_trials_agrees_with_each_alone(data_dir):
    jobs = [first()[0], first(trial=1)[0]]
    together = execute(jobs)
    for job, finished in zip(jobs, together, strict=True):
        (alone,) = execute([replace(job)])
        assert finished.summary["key"] == alone.summary["key"] == job.run.key
        for name, column in alone.curve.items():
            np.testing.assert_allclose(finished.curve[name], column, rtol=1e-3, atol=0.021)  # one image of 50


def test_summary(data_dir):
    dense = first(reinit=1)[0]
    trained = execute([dense])[0]
    before = Left(trained.weights, trained.rewound, dense.masks)
    ticket, reinit = next_level(chain(reinit=1), TICKET, 1, before, before)
    done, control = (execute([job], commit="abc")[0] for job in (ticket, reinit))
    s, curve = done.summary, done.curve
    assert (s["recipe"], s["arm"], s["trial"], s["draw"], s["level"], s["data"]) == ("tiny", "ticket", 0, 0, 1, "MNIST")
    assert json.loads(s["prunable"]) == {"fc1.weight": 235_200, "fc2.weight": 30_000, "fc3.weight": 1000}
    assert json.loads(s["remaining"]) == {"fc1.weight": 188_160, "fc2.weight": 24_000, "fc3.weight": 900}
    assert s["density"] == 213_060 / 266_200
    stop = curve["val_loss"].tolist().index(curve["val_loss"].min())
    assert s["early_stop_iteration"] == curve["iteration"][stop]
    assert s["early_stop_val_loss"] == curve["val_loss"].min() and s["early_stop_test_acc"] == curve["test_acc"][stop]
    assert s["final_test_acc"] == curve["test_acc"][-1] and s["final_train_acc"] == curve["train_acc"][-1]
    assert s["mask_sha256"] == pruning.digest(ticket.masks) == control.summary["mask_sha256"]
    assert s["key"] == ticket.run.key and json.loads(s["spec"])["recipe"]["name"] == "tiny"
    assert (s["engine"], s["device"], s["commit"]) == ("stacked", "cpu", "abc") and s["seconds"] > 0
    assert json.loads(s["versions"])["torch"] == torch.__version__
    json.dumps(s)  # plain numbers and text only


def test_early_stop_is_read_off_at_the_minimum_of_the_validation_loss(data_dir):
    job = first()[0]
    curve = {"iteration": np.array([0, 4, 8, 10]), "val_loss": np.array([2.0, 0.5, 0.25, 0.75], np.float32)}
    curve |= {"test_acc": np.array([0.1, 0.9, 0.7, 0.8]), "train_acc": np.array([0.1, np.nan, 0.6, 1.0])}
    summary = finish(job, replace(pretend(job), curve=curve), "MNIST", "stacked", "cpu", "").summary
    assert (summary["early_stop_iteration"], summary["early_stop_val_loss"]) == (8, 0.25)
    assert summary["early_stop_test_acc"] == 0.7  # the test set does not choose
    assert (summary["final_test_acc"], summary["final_train_acc"]) == (0.8, 1.0)


def test_input_connections_and_start_histogram(data_dir):
    job = first()[0]
    masks = {name: mask.clone() for name, mask in job.masks.items()}
    masks["fc1.weight"][:, 5] = False
    masks["fc1.weight"][7:, 6] = False
    pruned = replace(job, weights=pruning.apply(masks, job.weights), masks=masks)
    summary = execute([pruned])[0].summary
    connections = summary["input_connections"]
    assert (
        len(connections) == 784
        and connections[5:8] == [0, 7, 300]
        and sum(connections) == int(masks["fc1.weight"].sum())
    )
    histogram = json.loads(summary["start_histogram"])
    assert {name: sum(counts) for name, counts in histogram.items()} == pruning.remaining(masks)
    survivors = job.weights["fc1.weight"][masks["fc1.weight"]].double().numpy() / np.sqrt(2 / (784 + 300))
    middle = HISTOGRAM_BINS.tolist().index(0)
    assert histogram["fc1.weight"][middle] == ((survivors >= 0) & (survivors < HISTOGRAM_BINS[middle + 1])).sum()


def test_what_is_kept_for_the_chain_to_go_on(data_dir):
    draws = {arm: 1 for arm in ("ticket", "reinit", "random-mask", "oneshot", "oneshot-reinit", "chain-reinit")}
    levels = [job for job, _ in walk(Chain(TINY, 0, 1, draws), pretend)]
    kept = {(job.run.arm, job.run.level): finish(job, pretend(job), "MNIST", "stacked", "cpu", "") for job in levels}
    for (arm, level), finished in kept.items():
        goes_on = arm in ("ticket", "chain-reinit")
        assert bool(finished.weights) == goes_on and bool(finished.rewound) == (goes_on and level == 0)
        borrows = arm in ("reinit", "oneshot-reinit")
        assert bool(finished.masks) != borrows and (finished.summary["input_connections"] is None) == borrows


def test_convolutions_have_no_input_connections(data_dir):
    recipe = RECIPES["resnet18"]
    job = next_level(Chain(recipe, 0, 1, {"ticket": 1}), TICKET, 0)[0]
    assert finish(job, pretend(job), "CIFAR-10", "stacked", "cpu", "").summary["input_connections"] is None
    assert sum(p.numel() for n, p in build_model(recipe).named_parameters() if n in job.masks) == 268_336


@pytest.mark.parametrize("trial", [0, 1])
def test_global_random_state_is_untouched(data_dir, trial):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    execute(first(trial))
    assert torch.equal(torch.get_rng_state(), before[0]) and (np.random.get_state()[1] == before[1]).all()

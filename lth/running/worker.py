"""From jobs to finished runs: train a stack of them and write down what they leave. Knows neither Dask nor Rich."""

import json
import math
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import torch

from lth import data, pruning
from lth.arms import ARMS
from lth.datasets import loading
from lth.engines import choose
from lth.engines._memory import most_replicas
from lth.engines.settings import exact
from lth.errors import LthError
from lth.lottery import Job
from lth.models import skeleton
from lth.paths import processor
from lth.recipes import Recipe
from lth.records.finished import Finished, start_histogram
from lth.training import EngineFactory, Trained, early_stop, train


def execute(
    jobs: Sequence[Job], device: str = "cpu", commit: str = "", load: Callable[..., data.TrialData] = loading.load
) -> list[Finished]:
    """Train the jobs, which share a recipe, side by side: as one stack, or as several that fit into a GPU's memory.

    `load(recipe, generator)` gives a trial's data. A stack that does not fit after all is halved, with a message.
    Raises LthError where even a single run does not fit.
    """
    with exact():
        return _execute(jobs, device, commit, load)


def _execute(jobs: Sequence[Job], device: str, commit: str, load: Callable[..., data.TrialData]) -> list[Finished]:
    runs = [job.run for job in jobs]
    densest = max(pruning.density(job.masks) for job in jobs)
    engine, factory = choose(runs[0].recipe, densest, runs[0].engine, device)
    stacks = 1 if device == "cpu" else math.ceil(len(jobs) / most_replicas(runs[0].recipe))
    finished = []
    for part in np.array_split(np.arange(len(jobs)), stacks):  # of about the same size
        stack = [jobs[i] for i in part]
        trials = [load(job.run.recipe, job.run.split()) for job in stack]
        label = device if device == "cpu" else torch.cuda.get_device_name()
        finished += [
            finish(job, trained, trial.name, engine, label, commit, wrong_images(job.run.recipe, trained, trial.test))
            for job, trained, trial in zip(stack, _train(stack, trials, factory), trials, strict=True)
        ]
    return finished


def _train(jobs: Sequence[Job], trials: list[data.TrialData], factory: EngineFactory) -> list[Trained]:
    """Train one stack, or its halves one after the other where memory runs out."""
    recipe = jobs[0].run.recipe
    try:
        return train(recipe, trials, [job.start() for job in jobs], factory)
    except torch.OutOfMemoryError as error:
        if len(jobs) == 1:
            raise LthError(
                f"the GPU has no room for a single run of the recipe {recipe.name!r}: end what else uses its memory, "
                f"or choose the device cpu"
            ) from error
    # Not in the handler above: there, the error would keep the tensors of what failed alive.
    torch.cuda.empty_cache()
    half = len(jobs) // 2
    print(f"{len(jobs)} runs side by side need more memory than there is: now {len(jobs) - half}", file=sys.stderr)
    return _train(jobs[:half], trials[:half], factory) + _train(jobs[half:], trials[half:], factory)


def finish(
    job: Job, trained: Trained, data_name: str, engine: str, device: str, commit: str, wrong: list[int] | None = None
) -> Finished:
    """The record of a run that has been trained, with the tensors from which its chain goes on.

    `wrong`: the positions of the test images that it puts into a wrong class after training, where they are known.
    """
    run, left, stop = job.run, pruning.remaining(job.masks), early_stop(trained.curve)
    arm = ARMS[run.arm]
    summary = {
        "recipe": run.recipe.name,
        "arm": run.arm,
        "trial": run.trial,
        "draw": run.draw,
        "level": run.level,
        "data": data_name,
        "density": pruning.density(job.masks),
        "prunable": json.dumps({name: mask.numel() for name, mask in job.masks.items()}),
        "remaining": json.dumps(left),
        "early_stop_iteration": int(trained.curve["iteration"][stop]),
        "early_stop_val_loss": float(trained.curve["val_loss"][stop]),
        "early_stop_test_acc": float(trained.curve["test_acc"][stop]),
        "final_test_acc": float(trained.curve["test_acc"][-1]),
        "final_train_acc": float(trained.curve["train_acc"][-1]),
        "mask_sha256": pruning.digest(job.masks),
        "input_connections": _input_connections(job) if not arm.borrows_mask else None,
        "start_histogram": json.dumps(start_histogram(job)) if not arm.borrows_mask else None,
        "drift": json.dumps(trained.drift) if trained.drift else None,
        "steps": json.dumps(trained.steps) if trained.steps else None,
        "wrong_test_images": wrong,
        "spec": run.spec,
        "key": run.key,
        "engine": engine,
        "device": device,
        "machine": processor(),
        "seconds": trained.seconds,
        "versions": json.dumps(
            {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        ),
        "commit": commit,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Finished(
        summary,
        trained.curve,
        trained.weights if arm.keeps_weights else {},
        trained.rewound if arm.keeps_weights and run.level == 0 else {},
        {} if arm.borrows_mask else job.masks,
        trained.moments if arm.keeps_weights and run.recipe.carry_optimizer else None,
    )


def wrong_images(recipe: Recipe, trained: Trained, images: data.Images) -> list[int] | None:
    """The positions of the images that a trained network puts into a wrong class, in rising order.

    None where pruning lags, so that other weights than the last are kept.
    """
    if recipe.pruning.lag:
        return None
    net, wrong = skeleton(recipe).eval(), []
    with torch.no_grad():
        for block in torch.arange(len(images)).split(1000):
            classes = torch.func.functional_call(net, trained.weights, (images.floats(block),)).argmax(1)
            wrong += block[classes != images.labels[block]].tolist()
    return wrong


def _input_connections(job: Job) -> list[int] | None:
    """Surviving weights per input of a fully connected first layer; None for a convolution."""
    first = next(iter(job.masks.values()))
    return first.sum(0).tolist() if first.dim() == 2 else None

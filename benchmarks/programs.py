"""What is timed: programs that take training iterations of a ticket and measure it, all from the same start."""

import runpy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from plain import on_tensors, with_dataloader

from lth import data, pruning
from lth.datasets import loading
from lth.engines import choose
from lth.lottery import Chain, Job, walk
from lth.models import build_model
from lth.recipes import Recipe
from lth.runs import stream
from lth.training import batches, train

SHORT = 500  # iterations a level of the chain that the tickets come from


@dataclass(frozen=True)
class Program:
    """`advance` takes so many training iterations of each replica; `measure` looks at validation and test set."""

    advance: Callable[[int], object]
    measure: Callable[[], object] | None = None
    replicas: int = 1


def tickets(recipe: Recipe, levels: int) -> list[Job]:
    """The jobs of trial 0's winning tickets, by level: real magnitude masks, from a chain of short training."""
    short = replace(recipe, iterations=SHORT, rewind=0, eval_every=SHORT, train_eval_every=SHORT)
    trial = loading.load(short, stream(0, 0, "split"))

    def trained(job: Job):
        factory = choose(short, pruning.density(job.masks))[1]
        return train(short, [trial], [job.start()], factory)[0]

    return [job for job, _ in walk(Chain(short, 0, levels, {"ticket": 1}), trained)]


def build(name: str, recipe: Recipe, job: Job) -> Program:
    """The program of that name, ready to train the ticket `job`; a path names another project's (see README.md)."""
    trial = loading.load(recipe, stream(0, 0, "split"))
    make = PROGRAMS.get(name) or partial(_peer, Path(name))
    return make(recipe, trial, job)


def _plain(loop, recipe: Recipe, trial: data.TrialData, job: Job) -> Program:
    plain = loop(recipe, trial, job.start())
    return Program(plain.advance, plain.measure)


def _engine(name: str, replicas: int, recipe: Recipe, trial: data.TrialData, job: Job) -> Program:
    """An engine as lth.training uses it: the order of the images is drawn as part of the work."""
    torch.set_flush_denormal(True)
    starts = [job.start() for _ in range(replicas)]
    stack = choose(recipe, 1.0, name)[1](recipe, [trial] * replicas, starts)
    orders = [batches(trial.train, recipe.batch_size, start.order) for start in starts]

    def advance(steps: int) -> None:
        stack.advance(torch.stack([torch.stack([next(order) for _ in range(steps)]) for order in orders]), 0)

    def measure() -> None:
        stack.evaluate("validation")
        stack.evaluate("test")

    return Program(advance, measure, replicas)


def _products(recipe: Recipe, trial: data.TrialData, job: Job) -> Program:
    """The matrix products of a dense step, forward and backward, and nothing else: the machine's floor."""
    products, rows = [], torch.rand(recipe.batch_size, trial.images.pixels[0].numel())
    layers = [m for m in build_model(recipe).modules() if isinstance(m, torch.nn.Linear)]
    for i, layer in enumerate(layers):
        weight = layer.weight.detach()
        out = torch.rand(recipe.batch_size, layer.out_features)
        products += [(rows, weight.t(), torch.empty_like(out)), (out.t(), rows, torch.empty_like(weight))]
        if i:
            products.append((out, weight, torch.empty_like(rows)))
        rows = out

    def advance(steps: int) -> None:
        for _ in range(steps):
            for a, b, result in products:
                torch.mm(a, b, out=result)

    return Program(advance)


def _peer(path: Path, recipe: Recipe, trial: data.TrialData, job: Job) -> Program:
    """Another project's training loop, behind the function `prepare` that the file `path` defines."""
    prepare = runpy.run_path(str(path))["prepare"]
    images, labels = trial.images.floats(trial.train), trial.images.labels[trial.train]
    return Program(prepare(job.weights, job.masks, images, labels, recipe.batch_size, recipe.optimizer.learning_rate))


PROGRAMS = {
    "products": _products,
    "dataloader": partial(_plain, with_dataloader),
    "tensors": partial(_plain, on_tensors),
    "dense": partial(_engine, "dense", 1),
    "sparse": partial(_engine, "sparse", 1),
    "stacked": partial(_engine, "stacked", 1),
    "stacked-4": partial(_engine, "stacked", 4),
}

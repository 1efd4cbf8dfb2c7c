"""Time the networks of Table 1 on CIFAR-10's sizes, each program in a process of its own: `make bench`, `make gpu`.

The images are noise: no data set is needed, and what a step costs does not depend on what it sees.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from conftest import peak_memory
from plain import Plain
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table
from where import ONE_THREAD, told

from lth import data
from lth.data import Images, TrialData, preprocess
from lth.datasets import catalogue
from lth.engines import choose
from lth.engines.settings import exact
from lth.lottery import TICKET, Chain, next_level
from lth.paths import processor
from lth.recipes import RECIPES, Recipe
from lth.records import benchmarks
from lth.report.costs import expected
from lth.studies.networks import STUDIES as NETWORKS
from lth.training import batches

NAMES = ("conv2", "conv4", "conv6", "resnet18", "vgg19")
REPLICAS = {"cpu": 2, "cuda": 6}  # runs side by side: on a GPU, three trials of two arms
MEASURED = 500  # images
ROUNDS = 3  # at least
console = Console()


def main(
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    networks: Annotated[str, typer.Option(help="Which networks to time.")] = ",".join(NAMES),
    seconds: Annotated[float, typer.Option(help="How long to repeat each of the timings.")] = 4.0,
    keep: Annotated[bool, typer.Option(help="Write the record.")] = True,
    one: Annotated[str | None, typer.Option(hidden=True, help="Time this program in this process.")] = None,
) -> None:
    """Time an iteration and a measurement of every network. Nothing else should run meanwhile."""
    chosen = networks.split(",")
    if wrong := sorted(set(chosen) - set(NAMES)):
        sys.exit(f"unknown network {wrong[0]!r}: choose from {', '.join(NAMES)}")
    if one:
        with exact():
            print(json.dumps(times(RECIPES[chosen[0]], one, device, seconds)))
        return
    programs = ("tensors", "stacked", f"stacked-{REPLICAS[device]}")
    rows = []
    for name, program in track([(n, p) for n in chosen for p in programs], "Timing", console=console, transient=True):
        rows += _in_a_process(name, program, device, seconds)
    where = told(torch.cuda.get_device_name() if device == "cuda" else processor(), "torch", "numpy")
    frame = pd.DataFrame([row | where for row in rows])[list(benchmarks.COSTS.columns)]
    console.print(_table(frame))
    if keep and set(chosen) == set(NAMES):
        console.print(f"Written to {benchmarks.save(frame, f'benchmark-{device}')}", soft_wrap=True)
        console.print(expected(NETWORKS).to_string())


def _in_a_process(name: str, program: str, device: str, seconds: float) -> list[dict]:
    """The rows of one network and program; what does not run there is told and left out."""
    command = [sys.executable, __file__, "--networks", name, "--one", program]
    environment = os.environ | ONE_THREAD
    done = subprocess.run(
        [*command, "--device", device, "--seconds", str(seconds)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        sys.exit(f"timing {name} with {program} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def times(recipe: Recipe, program: str, device: str, seconds: float) -> list[dict]:
    """Milliseconds of an iteration and of a measurement, for each replica, and this process's peak memory."""
    replicas = int(program.partition("-")[2] or 1)
    advance, measure = (plain if program == "tensors" else engine)(recipe, replicas, device)
    steps = 1 if device == "cpu" else 50
    advance(2)  # compiles, captures, looks for kernels
    rows = []
    for what, function, per_round, images in (
        ("step", lambda: advance(steps), steps, recipe.batch_size),
        ("measure", measure, 1, MEASURED),
    ):
        rounds = np.array(_repeat(function, seconds)) * 1000 / (per_round * replicas)
        row = {"model": recipe.model, "engine": program, "replicas": replicas, "level": 0, "density": 1.0}
        row |= {"what": what, "images": images, "milliseconds": rounds.min(), "median": float(np.median(rounds))}
        rows.append(row | {"rounds": len(rounds)})
    memory = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else peak_memory()
    return [row | {"memory_mb": memory} for row in rows]


def _repeat(function: Callable[[], object], seconds: float) -> list[float]:
    """How long each call took; every program ends a call by fetching a number, so a GPU is done by then."""
    function()
    taken: list[float] = []
    while len(taken) < ROUNDS or sum(taken) < seconds:
        begun = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begun)
    return taken


def noise(recipe: Recipe) -> TrialData:
    """2,000 training and 500 test images of noise with the recipe's preprocessing."""
    generator, data_set = torch.Generator().manual_seed(0), catalogue.find(recipe.dataset)
    parts = []
    for count in (2000, MEASURED):
        pixels = torch.randint(0, 256, (count, *data_set.shape), dtype=torch.uint8, generator=generator)
        labels = torch.randint(0, 10, (count,), generator=generator)
        parts.append(Images(pixels, labels, *preprocess(pixels, recipe.preprocessing, data_set.mean, data_set.std)))
    order = torch.randperm(2000, generator=generator)
    return TrialData("noise", *parts, order[MEASURED:], order[:MEASURED], order[:MEASURED])


def _start(recipe: Recipe):
    return next_level(Chain(recipe, 0, 1, {"ticket": 1}), TICKET, 0)[0].start()


def engine(recipe: Recipe, replicas: int, device: str) -> tuple[Callable, Callable]:
    """The stacked engine as lth.training uses it."""
    trial, starts = noise(recipe), [_start(recipe) for _ in range(replicas)]
    stack = choose(recipe, 1.0, "stacked", device)[1](recipe, [trial] * replicas, starts)
    orders = [batches(trial.train, recipe.batch_size, start.order) for start in starts]

    def advance(steps: int) -> None:
        stack.advance(torch.stack([torch.stack([next(order) for _ in range(steps)]) for order in orders]), 0)

    return advance, lambda: stack.evaluate("test")


def plain(recipe: Recipe, _: int, device: str) -> tuple[Callable, Callable]:
    """What people write (see plain.py), on images in memory; flips and crops are drawn for each batch."""
    trial, start = noise(recipe), _start(recipe)
    order, test = batches(trial.train, recipe.batch_size, start.order), trial.test.floats(slice(None)).to(device)

    def training():
        for chosen in order:
            pixels = trial.images.pixels[chosen]
            if recipe.augment:
                pixels = data.augment(pixels, data.draw((len(chosen),), start.augmentation))
            yield trial.images.as_floats(pixels, chosen).to(device), trial.images.labels[chosen].to(device)

    loop = Plain(recipe, start, training(), [[(test, trial.test.labels.to(device))]])
    loop.net.to(device)
    loop.masks = {name: mask.to(device) for name, mask in loop.masks.items()}

    def advance(steps: int) -> None:
        loop.advance(steps)
        if device == "cuda":
            torch.cuda.synchronize()

    return advance, loop.measure


def _table(frame: pd.DataFrame) -> Table:
    """A row for each network and program: milliseconds for each run, against the plain loop, and memory."""
    table = Table(title=f"Batches of each recipe on {frame['machine'].iloc[0]}", box=SIMPLE)
    for head in (
        "network",
        "program",
        "ms an iteration",
        "÷ plain loop",
        "ms for 500 images",
        "peak MB",
        "MB a replica",
    ):
        table.add_column(head, justify="left" if head in ("network", "program") else "right")
    for name, rows in frame.groupby("model", sort=False):
        wide = rows.pivot(index="engine", columns="what", values="milliseconds").reindex(rows["engine"].unique())
        memory, replicas = (rows.groupby("engine")[column].max() for column in ("memory_mb", "replicas"))
        for program in wide.index:
            more = replicas[program] - 1
            each = f"{(memory[program] - memory['stacked']) / more:.0f}" if more else ""
            step, measure = wide.loc[program, ["step", "measure"]]
            cells = (f"{step:.2f}", f"{step / wide.loc['tensors', 'step']:.2f}", f"{measure:.1f}")
            table.add_row(name, program, *cells, f"{memory[program]:.0f}", each)
    return table


if __name__ == "__main__":
    typer.run(main)

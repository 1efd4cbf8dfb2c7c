"""Time dense and sparse convolutions side by side, on one core: part of `make bench`.

For each network the stacked engine, which treats masked weights like any others, and the sparse engine at several
densities take turns in one process; so what else the machine does slows all of them alike. The images are noise.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from conftest import peak_memory
from networks import MEASURED, NAMES, noise
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table
from where import ONE_THREAD, told

from lth import pruning
from lth.engines import choose
from lth.models import initialise, prunable, skeleton
from lth.paths import processor
from lth.recipes import RECIPES, Recipe
from lth.records import benchmarks
from lth.training import Engine, Start, batches

DENSITIES = (1.0, 0.5, 0.2, 0.1, 0.05)
RECORD = "benchmark-convolutions"
ROUNDS = 5  # at least
console = Console()


def main(
    networks: Annotated[str, typer.Option(help="Which networks to time.")] = ",".join(NAMES),
    seconds: Annotated[float, typer.Option(help="How long to repeat each of the timings.")] = 4.0,
    keep: Annotated[bool, typer.Option(help="Write the record.")] = True,
    one: Annotated[bool, typer.Option(hidden=True, help="Time in this process.")] = False,
) -> None:
    """Time an iteration and a measurement of every network, dense and sparse. Nothing else should run meanwhile."""
    chosen = networks.split(",")
    if wrong := sorted(set(chosen) - set(NAMES)):
        sys.exit(f"unknown network {wrong[0]!r}: choose from {', '.join(NAMES)}")
    if one:
        print(json.dumps(times(RECIPES[chosen[0]], seconds)))
        return
    rows = []
    for name in track(chosen, "Timing", console=console, transient=True):
        command = [sys.executable, __file__, "--networks", name, "--one", "--seconds", str(seconds)]
        environment = os.environ | ONE_THREAD
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            sys.exit(f"timing {name} failed:\n{done.stderr}")
        rows += json.loads(done.stdout.splitlines()[-1])
    where = told(processor(), "torch", "numpy", "numba")
    frame = pd.DataFrame([row | where for row in rows])[list(benchmarks.COSTS.columns)]
    console.print(_table(frame))
    if keep and set(chosen) == set(NAMES):
        console.print(f"Written to {benchmarks.save(frame, RECORD)}", soft_wrap=True)


def times(recipe: Recipe, seconds: float) -> list[dict]:
    """Milliseconds of an iteration and of a measurement, dense and at each density, and this process's peak memory."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    trial, net = noise(recipe), skeleton(recipe)
    weights = initialise(net, torch.Generator().manual_seed(0))
    left = [sum(rung.values()) for rung in pruning.ladder(net, recipe.pruning, 30 if recipe.model == "vgg19" else 16)]
    # Of the ladder's, the levels nearest to DENSITIES, each pruned by the recipe's rule from the initial weights: as in
    # trained tickets, early layers keep more.
    levels = [int(np.argmin(np.abs(np.array(left) / left[0] - density))) for density in DENSITIES]
    programs: dict[tuple[str, int], tuple[float, Callable, Callable]] = {}
    masks = pruning.full_masks(net)
    for level in range(max(levels) + 1):
        if level:
            masks = pruning.prune(weights, masks, prunable(net), recipe.pruning)
        for name in ["stacked"] * (level == 0) + ["sparse"] * (level in levels):
            start = Start(pruning.apply(masks, weights), masks, *(torch.Generator().manual_seed(i) for i in (1, 2)))
            engine = choose(recipe, 0.0, name)[1](recipe, [trial], [start])
            order = batches(trial.train, recipe.batch_size, start.order)
            programs[name, level] = (
                pruning.density(masks),
                partial(_step, engine, order),
                partial(engine.evaluate, "test"),
            )
    rows = []
    for what, place, images in (("step", 1, recipe.batch_size), ("measure", 2, MEASURED)):
        taken = _in_turns({key: program[place] for key, program in programs.items()}, seconds)
        for (name, level), rounds in taken.items():
            row = {"model": recipe.model, "engine": name, "replicas": 1, "level": level, "what": what, "images": images}
            row |= {
                "milliseconds": min(rounds),
                "median": float(np.median(rounds)),
                "density": programs[name, level][0],
            }
            rows.append(row | {"rounds": len(rounds), "memory_mb": peak_memory()})
    return rows


def _step(engine: Engine, order: Iterator[torch.Tensor]) -> None:
    """An iteration, as lth.training takes it."""
    engine.advance(next(order).view(1, 1, -1), 0)


def _in_turns(functions: dict, seconds: float) -> dict:
    """The milliseconds that each call took, one function after the other, again and again."""
    taken: dict = {key: [] for key in functions}
    for function in functions.values():
        function()  # compiles, looks for kernels
    while min(map(len, taken.values())) < ROUNDS or sum(map(sum, taken.values())) < 1000 * seconds * len(taken):
        for key, function in functions.items():
            begun = time.perf_counter()
            function()
            taken[key].append(1000 * (time.perf_counter() - begun))
    return taken


def _table(frame: pd.DataFrame) -> Table:
    """A row for each network, engine and density: milliseconds, and how many times as fast as the dense engine."""
    table = Table(title=f"Convolutions on one core of {frame['machine'].iloc[0]}", box=SIMPLE)
    heads = ("network", "engine", "weights left")
    for cost in ("ms an iteration", f"ms for {MEASURED} images"):
        heads += (cost, "times as fast")
    for head in heads:
        table.add_column(head, justify="left" if head in ("network", "engine") else "right")
    for name, rows in frame.groupby("model", sort=False):
        wide = rows.set_index(["engine", "level", "what"])["milliseconds"]
        for engine, level in rows[["engine", "level"]].drop_duplicates().itertuples(index=False):
            density = rows.loc[(rows["engine"] == engine) & (rows["level"] == level), "density"].iloc[0]
            cells = []
            for what in ("step", "measure"):
                now, dense = wide[engine, level, what], wide["stacked", 0, what]
                cells += [f"{now:.1f}", f"{dense / now:.2f}"]
            table.add_row(str(name), engine, f"{density:.1%}", *cells)
    return table


if __name__ == "__main__":
    typer.run(main)

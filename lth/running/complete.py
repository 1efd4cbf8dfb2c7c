"""Completing a study: training what is missing of it."""

import os
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lth import records
from lth.datasets import loading
from lth.engines import choose
from lth.engines.cost import cost
from lth.errors import LthError, check_positive
from lth.lottery import Chain
from lth.paths import make_dir, runs_dir
from lth.records import Records, store
from lth.running import checks, notes
from lth.running.state import Declared, State, verified


def check(chains: Sequence[Chain], device: str = "cpu") -> None:
    """LthError where the engine does not fit, a ladder is too deep, arms contradict each other or data are missing."""
    seen = set()
    for chain in chains:
        question = (chain.recipe, chain.levels, chain.draws, chain.engine)
        if question in seen:
            continue
        seen.add(question)
        choose(chain.recipe, 1.0, chain.engine, device)
        checks.check(chain)
        for recipe in filter(None, (chain.recipe, chain.recipe.masks_from)):
            loading.load(recipe, chain.run("ticket", 0).split())


def run(study: Declared, **options: Any) -> Records:
    """Train what is missing of a study (options: see `train`) and return the records of all its runs."""
    before = verified(study)
    if before.missing:
        _train(before, study.chains(), **options)
    return records.collect(study.name, list(before.runs))


def train(study: Declared, **options: Any) -> int:
    """Train the missing runs of a study and keep each as soon as it is finished; returns how many were trained.

    Arguments:
        study: what is completed.
        **options: these three.
        workers: one-thread processes on this machine (unless given, one for each core, or a single one for a GPU).
        scheduler: the address of a Dask scheduler that has workers of its own, instead.
        device: "cpu" or "cuda".

    Interrupt it at any time: what is finished is kept, and a second call does the rest.
    """
    return _train(verified(study), study.chains(), **options)


def _train(
    before: State,
    chains: Sequence[Chain],
    workers: int | None = None,
    scheduler: str | None = None,
    device: str = "cpu",
) -> int:
    """Train what `before` says is missing; see `train`."""
    if workers is not None:
        check_positive("workers", workers, 256)
        if scheduler is not None:
            raise LthError(f"a scheduler has workers of its own: leave out either workers ({workers}) or {scheduler!r}")
    check(chains, device)
    make_dir(runs_dir())
    store.clean()
    notes.clean()
    if not before.missing:
        return 0
    from lth.running.cluster import connect, cores  # Dask takes seconds to import
    from lth.running.queue import Queue

    missing, console = before.missing, Console(stderr=True)
    workers = workers or (1 if device == "cuda" else cores())
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left:"))
    for note in notes.alive():
        if note.study == before.name and note.process != os.getpid():
            console.print(
                f"process {note.process} is training {before.name} too: each of you trains all that is missing; "
                "stop one, and the other keeps what is finished"
            )
    with (
        connect(workers, scheduler, console.print) as client,
        Progress(*columns, TimeRemainingColumn(), console=console) as bar,
    ):
        task = bar.add_task(f"{before.name}: {len(missing)} runs to train", total=sum(map(cost, missing)))
        queue = Queue(before, client, device, console.print)
        for count, finished in enumerate(queue.train(chains), 1):
            told = f"{before.name}: {count} of {len(missing)} runs"
            bar.update(task, advance=cost(finished), description=told)
            if not console.is_terminal and count * 10 // len(missing) > (count - 1) * 10 // len(missing):
                console.print(told)  # a bar is shown on terminals only
    return len(missing)

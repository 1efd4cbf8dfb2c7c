"""Running a study: Dask trains what is missing, this process alone keeps what comes back, Rich shows how far it is."""

import contextlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass

import dask
import psutil
from dask.distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from lth import records
from lth.engines.cost import cost
from lth.errors import LthError, check_positive
from lth.lottery import Job, Procedure, procedures
from lth.paths import commit, make_dir, runs_dir
from lth.records import store
from lth.records.store import Finished
from lth.running.cluster import connect
from lth.running.worker import execute
from lth.runs import Run


def run(study, workers: int | None = None, scheduler: str | None = None, device: str = "cpu") -> int:
    """Train the study's missing runs and keep each as soon as it is finished; returns how many were trained.

    `workers` one-thread processes on this machine (unless given, one for each core, or a single one for a GPU), or the
    Dask scheduler that listens at the address `scheduler`. Interrupt it at any time: what is finished is kept, and a
    second call does the rest.
    """
    if workers is not None:
        check_positive("workers", workers, 256)
        if scheduler is not None:
            raise LthError(f"a scheduler has workers of its own: leave out either workers ({workers}) or {scheduler!r}")
    study.check(device)
    make_dir(runs_dir())
    store.clean()
    console = Console(stderr=True)
    for problem in store.verify(run.key for run in study.runs()):
        console.print(problem)
    missing = study.missing()
    if not missing:
        return 0
    workers = workers or (1 if device == "cuda" else os.cpu_count())
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left:"))
    with connect(workers, scheduler) as client, Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(f"{study.name}: {len(missing)} runs to train", total=sum(map(cost, missing)))
        queue = Queue(study, {run.key for run in missing}, client, device, console.print)
        for count, finished in enumerate(queue.train(), 1):
            bar.update(task, advance=cost(finished), description=f"{study.name}: {count} of {len(missing)} runs")
    return len(missing)


@dataclass
class Walk:
    """A procedure on its way, and the deepest level at which one of its runs is missing."""

    procedure: Procedure
    deepest: int


class Queue:
    """The jobs of a study that are with Dask, and the procedures that wait for them."""

    def __init__(self, study, missing: set[str], client: Client, device: str, say):
        self.study, self.missing, self.client, self.device, self.say = study, missing, client, device, say
        self.commit = commit()
        self.published = records.load_or_empty(study.name).runs.set_index("key")
        self.ready: list[tuple[Job, Walk | None]] = []
        self.waiting: dict[Future, list[tuple[Job, Walk | None]]] = {}
        self.completed = as_completed(loop=client.loop)

    def train(self) -> Iterator[Run]:
        """Train and keep every missing run, and those again whose weights a missing one needs; yields the missing."""
        with _announced(self):
            for chain in self.study.chains():
                for runs, procedure in procedures(chain):
                    levels = [run.level for run in runs if run.key in self.missing]
                    if levels:
                        self._go_on(Walk(procedure, max(levels)))
            self._submit()
            for future in self.completed:
                stack, results = self.waiting.pop(future), _result(future)
                future.release()
                for (_, walk), finished in zip(stack, results, strict=True):
                    self._compare(finished)
                    store.write(finished)
                    self._report(finished)
                    if walk:
                        self._go_on(walk, finished)
                self._submit()
                yield from (job.run for job, _ in stack if job.run.key in self.missing)

    def _go_on(self, walk: Walk, finished: Finished | None = None) -> None:
        """Give a procedure what it waits for and collect its next jobs, past levels that are kept already."""
        while True:
            try:
                head, *others = walk.procedure.send(finished)
            except StopIteration:
                return
            level = head.run.level
            finished, problem = store.read_or_set_aside(head.run.key)
            if problem:
                self.say(problem)
            if finished is None and (level < walk.deepest or head.run.key in self.missing):
                self.ready.append((head, walk))
            self.ready += [(job, None) for job in others if job.run.key in self.missing]
            if finished is None or level == walk.deepest:
                return

    def _submit(self) -> None:
        """Hand Dask what is ready: a GPU trains all runs of a recipe side by side, a core one after the other.

        Earlier trials go first, so that whole trials are finished early. Jobs travel inside their task, so that it can
        be repeated where a worker dies; hence no warning that they are large.
        """
        stacks: dict[tuple | str, list[tuple[Job, Walk | None]]] = {}
        for job, walk in self.ready:
            together = job.run.recipe, job.moments and job.moments.steps  # a stack counts its steps once
            stacks.setdefault(together if self.device == "cuda" else job.run.key, []).append((job, walk))
        self.ready = []
        for stack in stacks.values():
            jobs = [job for job, _ in stack]
            run = jobs[0].run
            name = f"{run.arm}-{run.trial}-{run.draw}-{run.level}-{len(jobs)}-{run.key[:12]}"
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
                future = self.client.submit(
                    execute, jobs, self.device, self.commit, key=name, priority=-run.trial, pure=False
                )
            self.waiting[future] = stack
            self.completed.add(future)

    def _compare(self, finished: Finished) -> None:
        """Say so where a run that was trained again does not give the masks that were published."""
        key = finished.summary["key"]
        if key in self.published.index and self.published.loc[key, "mask_sha256"] != finished.summary["mask_sha256"]:
            what = "{arm}, trial {trial}, level {level}".format(**finished.summary)
            self.say(f"trained again, {what} has other masks than its published record: another type of machine?")

    def _report(self, finished: Finished) -> None:
        """Say so where a layer has no weight left, which global pruning allows."""
        empty = [name for name, left in json.loads(finished.summary["remaining"]).items() if not left]
        if empty and finished.summary["key"] in self.missing:
            what = "{recipe}, {arm}, trial {trial}, level {level}".format(**finished.summary)
            self.say(f"{what} has no weight left in {', '.join(empty)}: nothing passes through it but its bias")


def running() -> dict[str, int]:
    """How many runs of each study live processes are training now."""
    counts = {}
    for file in runs_dir().glob("running-*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # just being written, or not one of ours
            if not psutil.pid_exists(int(file.stem.removeprefix("running-"))):
                file.unlink(missing_ok=True)  # its process was killed
                continue
            note = json.loads(file.read_text())
            counts[note["study"]] = counts.get(note["study"], 0) + note["running"]
    return counts


def _result(future: Future) -> list[Finished]:
    """The result of a future, or LthError where its worker died again and again or the scheduler is gone."""
    try:
        return future.result()
    except KilledWorker as error:
        raise LthError(
            f"the workers that trained {future.key} were killed (out of memory?): use fewer workers"
        ) from error
    except CancelledError as error:
        raise LthError(
            "the Dask scheduler is gone: finished runs are kept, the same command goes on from there"
        ) from error


@contextlib.contextmanager
def _announced(queue: Queue) -> Iterator[None]:
    """While this process trains, a file says so for `lth status`."""
    file = runs_dir() / f"running-{os.getpid()}.json"
    workers = len(queue.client.scheduler_info(n_workers=-1)["workers"])
    note = json.dumps({"study": queue.study.name, "running": min(workers, len(queue.missing))})
    try:
        file.write_text(note)
    except OSError as error:
        raise LthError(f"cannot write to {file.parent} ({error.strerror}): make room there and try again") from error
    try:
        yield
    finally:
        file.unlink(missing_ok=True)

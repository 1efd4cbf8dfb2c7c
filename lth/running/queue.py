"""The jobs of a study that are with Dask: what is ready is submitted, what comes back is kept by this process alone."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass

import dask
from dask.distributed import Client, Future, as_completed
from distributed.scheduler import KilledWorker

from lth.datasets import loading
from lth.engines.gradients import LossGradients
from lth.errors import LthError
from lth.lottery import Chain, Job, Left, next_level
from lth.paths import commit
from lth.records import store
from lth.records.store import Finished
from lth.running.notes import announced
from lth.running.state import State
from lth.running.worker import execute
from lth.runs import Run


@dataclass
class Walk:
    """One head of a chain on its way down the levels."""

    chain: Chain
    head: tuple[str, int]
    levels: set[int]  # at which a run that waits for it is missing
    level: int = 0  # the level that comes next
    dense: Left | None = None  # what its level 0 left
    before: Left | None = None  # what the level before the next one left

    def take(self, finished: Finished) -> None:
        """Go on to the next level with what the head's run left."""
        self.before = Left(finished.weights, finished.rewound, finished.masks, finished.moments)
        self.dense = self.dense or self.before
        self.level += 1

    def head_run(self) -> Run:
        """The head's run at the next level."""
        return self.chain.head_run(self.head, self.level)

    def gradients(self) -> LossGradients:
        """Derivatives on the data of the head, for criteria that ask for them."""
        run = self.head_run()
        return LossGradients(run.recipe, lambda: loading.load(run.recipe, run.split()))


class Queue:
    """The jobs of a study that are with Dask, and the chains that wait for them."""

    def __init__(self, before: State, client: Client, device: str, say: Callable[[str], object]):
        """`before` says what is missing; `say` prints a sentence."""
        self.name, self.client, self.device, self.say = before.name, client, device, say
        self.missing = {run.key for run in before.missing}
        self.commit = commit()
        self.published = before.records.runs.set_index("key")
        self.ready: list[Job] = []
        self.walks: dict[str, list[Walk]] = {}  # by the key of the run that they wait for
        self.waiting: dict[Future, list[Job]] = {}
        self.completed = as_completed(loop=client.loop)

    def train(self, chains: Sequence[Chain]) -> Iterator[Run]:
        """Train and keep every missing run, and those again whose weights a missing one needs; yields the missing."""
        workers = len(self.client.scheduler_info(n_workers=-1)["workers"])
        with announced(self.name, min(workers, len(self.missing))):
            for chain in chains:
                for head in chain.heads():
                    levels = {run.level for run in chain.following(head) if run.key in self.missing}
                    if levels:
                        self._go_on(Walk(chain, head, levels))
            self._submit()
            for future in self.completed:
                stack, results = self.waiting.pop(future), _result(future)
                future.release()
                for job, finished in zip(stack, results, strict=True):
                    self._compare(finished)
                    store.write(finished)
                    self._report(finished)
                    for walk in self.walks.pop(job.run.key, []):
                        walk.take(finished)
                        self._go_on(walk)
                self._submit()
                yield from (job.run for job in stack if job.run.key in self.missing)

    def _go_on(self, walk: Walk) -> None:
        """Collect the next jobs of a chain, past levels that are kept already."""
        while walk.level <= max(walk.levels):
            head = walk.head_run()
            finished, problem = store.read_or_set_aside(head.key)
            if problem:
                self.say(problem)
            if finished is None or walk.level in walk.levels:
                before = (walk.dense, walk.before)
                first, *others = next_level(walk.chain, walk.head, walk.level, *before, walk.gradients())
                self.ready += [job for job in others if job.run.key in self.missing]
                if finished is None:
                    if walk.level < max(walk.levels) or head.key in self.missing:
                        if head.key not in self.walks:  # chains may share a dense network or masks
                            self.ready.append(first)
                        self.walks.setdefault(head.key, []).append(walk)
                    return
            walk.take(finished)

    def _submit(self) -> None:
        """Hand Dask what is ready: a GPU trains all runs of a recipe side by side, a core one after the other.

        Earlier trials go first, so that whole trials are finished early. Jobs travel inside their task, so that it can
        be repeated where a worker dies; hence no warning that they are large.
        """
        stacks: dict[object, list[Job]] = {}
        for job in self.ready:
            finished_steps = job.moments.steps if job.moments else 0  # a stack counts its steps once
            side_by_side = (job.run.recipe, finished_steps)
            stacks.setdefault(side_by_side if self.device == "cuda" else job.run.key, []).append(job)
        self.ready = []
        for jobs in stacks.values():
            run = jobs[0].run
            name = f"{run.arm}-{run.trial}-{run.draw}-{run.level}-{len(jobs)}-{run.key[:12]}"
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
                future = self.client.submit(
                    execute, jobs, self.device, self.commit, key=name, priority=-run.trial, pure=False
                )
            self.waiting[future] = jobs
            self.completed.add(future)

    def _compare(self, finished: Finished) -> None:
        """Say so where a run that was trained again does not give the masks that were published."""
        key = finished.summary["key"]
        if key in self.published.index and self.published.loc[key, "mask_sha256"] != finished.summary["mask_sha256"]:
            where = "{arm}, trial {trial}, level {level}".format(**finished.summary)
            self.say(f"trained again, {where} has other masks than its published record: another type of machine?")

    def _report(self, finished: Finished) -> None:
        """Say so where a layer has no weight left, which global pruning allows."""
        empty = [name for name, left in json.loads(finished.summary["remaining"]).items() if not left]
        if empty and finished.summary["key"] in self.missing:
            where = "{recipe}, {arm}, trial {trial}, level {level}".format(**finished.summary)
            self.say(f"{where} has no weight left in {', '.join(empty)}: nothing passes through it but its bias")


def _result(future: Future) -> list[Finished]:
    """The result of a future, or LthError where its worker died again and again or the scheduler is gone."""
    try:
        return future.result()
    except ImportError as error:
        raise LthError(
            f"a worker cannot import what the study names ({error}): install that module where the workers run"
        ) from error
    except KilledWorker as error:
        raise LthError(
            f"the workers that trained {future.key} were killed (out of memory?): use fewer workers"
        ) from error
    except CancelledError as error:
        raise LthError(
            "the Dask scheduler is gone: finished runs are kept, the same command goes on from there"
        ) from error

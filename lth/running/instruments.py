"""Measuring beside training runs: error barriers and learned masks of a study's trials, on this machine's cores.

Both start from kept runs of the study (`lth run STUDY`): the ticket's, from which every start and mask of a chain
follows. What is recorded already is not measured again.
"""

import json
import platform
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import torch

from lth import barriers, pruning, supermasks
from lth.data import TrialData
from lth.datasets import loading
from lth.engines import choose
from lth.engines.gradients import LossGradients
from lth.errors import LthError, check_choice
from lth.lottery import TICKET, Chain, Job, Left, next_level
from lth.paths import commit, processor
from lth.records import instruments, store
from lth.records.instruments import BARRIERS, SUPERMASKS, Instrument
from lth.running.state import Declared
from lth.runs import Run

ARMS = ("ticket", "reinit", "random-mask")


class NotKept(LthError):
    """A ticket that something follows from is not among this machine's kept runs."""


@dataclass(frozen=True)
class Task:
    """One measurement: the keys of its row, and the call in a worker that gives the rest of it."""

    row: dict
    run: Run
    call: Callable[..., dict]
    arguments: tuple


def stability(
    study: Declared, iterations: Sequence[int] = (0,), levels: Collection[int] | None = None, workers: int = 1
) -> int:
    """Record the barriers of a study's networks that are not recorded yet; returns how many that are.

    Of each of ARMS that the study draws, two copies are trained; with the ticket come the lines from each level to the
    next, of which nothing is trained. Chains of which everything is recorded need no kept runs; where others lack
    them, the rest is measured, and LthError then says what is missing.

    Arguments:
        study: whose networks they are.
        iterations: k: at which copies part.
        levels: those that are asked about; all of the study's unless given.
        workers: one-thread processes.
    """
    tasks: list[Task] = []
    known, lacking = _known(BARRIERS), []
    for chain in _drawn(study):
        wanted = range(chain.levels + 1) if levels is None else levels
        for level in wanted:
            check_choice("level of the study", level, range(chain.levels + 1))
        if _asked(study, chain, wanted, iterations) <= known:
            continue
        try:
            tasks += _of_chain(study, chain, wanted, iterations)
        except NotKept as error:
            lacking.append(error)
    count = _record(BARRIERS, tasks, workers)
    if lacking:
        raise LthError(f"{lacking[0]}; measured without it: {count}")
    return count


def _of_chain(study: Declared, chain: Chain, levels: Collection[int], iterations: Sequence[int]) -> list[Task]:
    """The barriers of a chain at those levels; NotKept where a ticket that they follow from is not kept."""
    tasks = []
    arms = [arm for arm, count in dict(chain.draws).items() if arm in ARMS and count]
    for level, jobs, before in _walked(study.name, chain, max(levels)):
        if level not in levels:
            continue
        for job in (job for job in jobs if job.run.arm in arms and job.run.draw == 0):
            tasks += [_task(study, job.run, between_orders, job, k, kind="orders", iteration=k) for k in iterations]
        later = store.read_or_set_aside(jobs[0].run.key)[0] if before and "ticket" in arms else None
        if before and later:
            ends = before, Left(later.weights, later.rewound, later.masks)
            tasks.append(_task(study, jobs[0].run, between_levels, jobs[0].run, *ends, kind="levels", iteration=0))
    return tasks


def learned_masks(study: Declared, kinds: Sequence[str] = tuple(supermasks.KINDS), workers: int = 1) -> int:
    """Record masks, learned on the starts of a study's dense networks, that are not recorded yet; returns how many."""
    for kind in kinds:
        check_choice("kind of supermask", kind, supermasks.KINDS)
    dense = [next_level(chain, TICKET, 0)[0] for chain in _drawn(study)]
    tasks = [_task(study, job.run, learned_mask, job, kind, kind=kind) for job in dense for kind in kinds]
    return _record(SUPERMASKS, tasks, workers)


def _asked(study: Declared, chain: Chain, levels: Collection[int], iterations: Sequence[int]) -> set[tuple]:
    """The keys of the barriers of a chain, as of their rows."""
    runs = [run for run in chain.runs() if run.arm in ARMS and run.draw == 0 and run.level in levels]
    rows = [_where(study, run) | {"kind": "orders", "iteration": k} for run in runs for k in iterations]
    rows += [
        _where(study, run) | {"kind": "levels", "iteration": 0} for run in runs if run.arm == "ticket" and run.level
    ]
    return {tuple(row[name] for name in BARRIERS.keys) for row in rows}


def _where(study: Declared, run: Run) -> dict:
    """The keys that every measurement of a study's run has."""
    return {"study": study.name, "recipe": run.recipe.name, "arm": run.arm, "trial": run.trial, "level": run.level}


def _known(instrument: Instrument) -> set[tuple]:
    """The keys of the rows that are recorded."""
    there = instruments.load(instrument)
    return set(zip(*(there[name] for name in instrument.keys), strict=True)) if len(there) else set()


def _task(study: Declared, run: Run, call: Callable[..., dict], *arguments: Any, **row: Any) -> Task:
    """The measurement of a study's run by that call; `row` are its further keys."""
    return Task(_where(study, run) | row, run, call, arguments)


def between_orders(job: Job, iteration: int) -> dict:
    """The errors between two copies of a run that part at `iteration`."""
    run = job.run
    data = _data(run)
    _, engine = choose(run.recipe, pruning.density(job.masks), run.engine)
    orders = run.stream("order of copy 1"), run.stream("order of copy 2")
    return _errors(run, data, *barriers.copies(run.recipe, data, job.start(), iteration, orders, engine))


def between_levels(run: Run, one: Left, other: Left) -> dict:
    """The errors between the networks of two levels."""
    barriers.check_masks(one.masks, other.masks, nested=True)
    return _errors(run, _data(run), one.weights, other.weights)


def _data(run: Run) -> TrialData:
    return loading.load(run.recipe, run.split())


def _errors(run: Run, data: TrialData, one: dict, other: dict) -> dict:
    parts = {"train": (data.images, data.subset), "validation": (data.images, data.validation)}
    parts["test"] = (data.test, torch.arange(len(data.test)))
    errors = barriers.line(run.recipe, one, other, list(parts.values()))
    return {f"{part}_errors": row.tolist() for part, row in zip(parts, errors, strict=True)}


def learned_mask(job: Job, kind: str) -> dict:
    """How a mask, learned on a run's start, classifies."""
    run = job.run
    data = _data(run)
    streams = run.stream(f"order of {kind}"), run.stream(f"scores of {kind}")
    found = supermasks.learn(run.recipe, data, job.weights, kind, *streams)
    return {
        "density": pruning.density(found.masks),
        "test_acc": supermasks.accuracy(run.recipe, found.weights, data.test),
        "validation_acc": supermasks.accuracy(run.recipe, found.weights, data.images, data.validation),
    }


def _drawn(study: Declared) -> list[Chain]:
    """The chains of a study that have runs."""
    return [chain for chain in study.chains() if chain.runs()]


def _walked(study: str, chain: Chain, deepest: int) -> Iterable[tuple[int, list[Job], Left | None]]:
    """(level, its jobs, what the head's level before left) down to the deepest, from kept runs."""
    dense = before = None
    for level in range(deepest + 1):
        head = chain.head_run(TICKET, level)
        gradients = LossGradients(head.recipe, partial(_data, head))
        yield level, next_level(chain, TICKET, level, dense, before, gradients), before
        if level == deepest:
            return
        finished, problem = store.read_or_set_aside(head.key)
        if finished is None:
            raise NotKept(
                problem
                or f"the ticket of {head.recipe.name}, trial {head.trial}, level {level} is not kept on this "
                f"machine: `lth run {study}` trains what is missing, and what is published only must be trained again"
            )
        before = Left(finished.weights, finished.rewound, finished.masks, finished.moments)
        dense = dense or before


def _record(instrument: Instrument, tasks: Sequence[Task], workers: int) -> int:
    """Measure what is not recorded yet, trial by trial, and record it as it comes."""
    known = _known(instrument)
    asked = {tuple(task.row[name] for name in instrument.keys): task for task in tasks}  # recipes may share networks
    missing = [task for keys, task in asked.items() if keys not in known]
    if not missing:
        return 0
    from lth.running.cluster import connect  # Dask takes seconds to import

    at = commit()
    with connect(workers, None) as client:
        from dask.distributed import as_completed

        waiting = {
            client.submit(_measured, task.call, *task.arguments, priority=-task.run.trial, pure=False): task
            for task in missing
        }
        for count, future in enumerate(as_completed(list(waiting), loop=client.loop), 1):
            try:
                values = future.result()
            except CancelledError as error:
                raise LthError("the processes that measure are gone: the same command goes on from there") from error
            task = waiting.pop(future)
            future.release()
            instruments.add(instrument, [task.row | values | _provenance(task.run, at)])
            print(f"{count} of {len(missing)} measured", flush=True)
    return len(missing)


def _measured(call: Callable[..., dict], *arguments: Any) -> dict:
    """What a call gives, and the computing time that it took."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    begun = time.perf_counter()
    return call(*arguments) | {"seconds": time.perf_counter() - begun}


def _provenance(run: Run, at: str) -> dict:
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    return {
        "spec": run.spec,
        "key": run.key,
        "machine": processor(),
        "versions": json.dumps(versions),
        "commit": at,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }

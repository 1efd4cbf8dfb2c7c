"""Data sets and studies: fetch, train, tell how far it is, make records."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from lth.cli.options import Changes, StudyName, changeable
from lth.cli.printing import duration, print_table
from lth.errors import LthError


def data(
    name: Annotated[str | None, typer.Argument(help="A data set; without it, all of them are listed.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Files at hand instead of a download.")] = None,
) -> None:
    """Fetch a data set, verify it by checksum and say where it is."""
    from lth.datasets import catalogue, download

    if name is not None:
        print(download.fetch(name, source))
        return
    if source is not None:
        raise LthError(f"say which data set {source} holds: one of {', '.join(catalogue.DATA_SETS)}")
    for data_set in catalogue.DATA_SETS.values():
        places = [str(place) for place in (data_set.path, data_set.copy) if place.exists()]
        images = "{:,} + {:,} images".format(*data_set.sizes)
        print(f"{data_set.name:15} {images:25} {' and '.join(places) or 'not fetched'}")


@changeable
def run(
    name: StudyName,
    changes: Changes,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option(help="Processes on this machine; one for each core if not given.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, instead of own workers.")] = None,
) -> None:
    """Train what is missing of a study. It is safe to interrupt this and to repeat it."""
    from lth.running import complete

    study = changes.study(name)
    trained = complete.train(study, workers=workers, scheduler=scheduler, device=device)
    print(f"{name}: {trained} runs trained, {len(study.runs())} complete; `lth publish {name}` makes records of them")


@changeable
def status(
    changes: Changes,
    name: Annotated[str | None, typer.Argument(help="A study; all of them if not given.")] = None,
) -> None:
    """What is done, running and missing of a study, what it cost so far and what the rest may cost."""
    from lth.studies import STUDIES

    head = [
        "study",
        "runs",
        "published",
        "kept",
        "running",
        "missing",
        "training time so far",
        "training time expected",
    ]
    print_table(head, [_status(changes.study(each)) for each in ([name] if name else STUDIES)])


@changeable
def publish(
    name: StudyName,
    changes: Changes,
    replace: Annotated[bool, typer.Option("--replace", help="Drop what is published under this name before.")] = False,
) -> None:
    """Fold a study's finished runs into data/records/STUDY/."""
    from lth import records
    from lth.records import published
    from lth.running import state

    study = changes.study(name)
    folder, count = records.publish(study.name, study.runs(), replace, name)
    missing = state.of(study).missing
    print(f"{folder} holds {count} runs; {len(missing)} of {len(study.runs())} are missing")
    if lost := published.diverged(records.load(study.name)):
        told = f"{lost[0]} and {len(lost) - 1} more" if len(lost) > 1 else lost[0]
        print(f"training diverged, so that losses are no numbers: {told}", file=sys.stderr)


def _status(study) -> list[str]:
    """A study as a row of the table, counted from its grid. A kept run that is not whole is named and set aside."""
    from lth.engines.cost import cost_at
    from lth.records import glance, kept
    from lth.running.notes import running

    records = glance.runs(study.name)
    done = {key: (seconds, run) for key, (seconds, spec) in records.items() if (run := study.run_of(spec))}
    published, there = len(done), 0
    for key in sorted(kept.keys()):
        seen, problem = kept.glance(key)
        run = study.run_of(json.loads(seen["spec"])) if seen else None
        if run and key not in done:
            seen, problem = kept.summary(key)
            if seen:
                done[key] = seen["seconds"], run
        there += bool(seen and run)
        if problem:
            print(problem, file=sys.stderr)
    spent, expected = sum(seconds for seconds, _ in done.values()), 0.0
    total = sum(study.counts.values())
    if done and len(done) < total:
        whole = sum(count * cost_at(recipe, level) for (recipe, level), count in study.counts.items())
        part = sum(cost_at(run.recipe, run.level) for _, run in done.values())
        expected = spent / part * (whole - part)
    told = duration(expected) if done else "known after a first run"
    counts = (total, published, there, running().get(study.name, 0), total - len(done))
    return [study.name, *map(str, counts), duration(spent), told]

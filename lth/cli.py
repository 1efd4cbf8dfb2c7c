"""The command `lth`."""

# Nothing is imported here that takes long: PyTorch, pandas, Numba and Dask are for the commands that need them.
import contextlib
import errno
import inspect
import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from lth.errors import LthError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
KEPT = (7, 14, 21)  # levels whose trained weights are published beside those of the dense network
UNWRITTEN = (errno.ENOSPC, errno.EIO, errno.EBADF)  # what writing to a full device, or to nothing, ends with
StudyName = Annotated[str, typer.Argument(help="A study (`lth status` lists them), or a TOML file that declares one.")]


@dataclass(frozen=True)
class Changes:
    """The options that change a study, the same for every command that takes one."""

    trials: Annotated[int | None, typer.Option(help="Independent repetitions.")] = None
    levels: Annotated[int | None, typer.Option(help="Pruning rounds: levels 0 to LEVELS are trained.")] = None
    iterations: Annotated[int | None, typer.Option(help="Training iterations of every run.")] = None
    arms: Annotated[str | None, typer.Option(help='Such as "ticket,reinit:3" (three draws of reinit a trial).')] = None
    rewind: Annotated[int | None, typer.Option(help="The rewind iteration k.")] = None
    warmup: Annotated[int | None, typer.Option(help="Iterations over which the learning rate rises from 0.")] = None
    recipes: Annotated[str | None, typer.Option(help="Those of the study's recipes, by name.")] = None
    engine: Annotated[str | None, typer.Option(help="The program that trains; auto takes the fastest.")] = None

    def study(self, name: str):
        """The study of that name, changed by the options that were given."""
        from lth.studies.parameters import study

        return study(name, **{field.name: getattr(self, field.name) for field in fields(self)})


def changeable(command: Callable) -> Callable:
    """A command that takes the options of Changes where `command` has a parameter `changes`."""
    options = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(Changes)
    ]
    own = [p.replace(kind=p.KEYWORD_ONLY) for p in inspect.signature(command).parameters.values()]
    at = [parameter.name for parameter in own].index("changes")

    def changed(**given: Any) -> None:
        changes = Changes(**{option.name: given.pop(option.name) for option in options})
        command(changes=changes, **given)

    parameters = [*own[:at], *options, *own[at + 1 :]]
    changed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    changed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    changed.__name__, changed.__doc__ = command.__name__, command.__doc__
    return changed


@app.command()
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


@app.command()
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


@app.command()
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
    _print(head, [_status(changes.study(each)) for each in ([name] if name else STUDIES)])


@app.command()
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


@app.command()
@changeable
def verify(
    changes: Changes,
    name: Annotated[str | None, typer.Argument(help="A study; all that are published with --all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every study that is published.")] = False,
    trial: Annotated[int | None, typer.Option(help="Train this trial again, and compare.")] = None,
    level: Annotated[int | None, typer.Option(help="Up to this level.")] = None,
    arm: Annotated[str, typer.Option(help="Which arm at that level; before it, tickets.")] = "ticket",
    keep: Annotated[bool, typer.Option("--keep", help="Publish the tickets that were trained again.")] = False,
) -> None:
    """Look for contradictions in published records, or train a published run again and compare. Status 1 where any."""
    from lth import records
    from lth.records import audit
    from lth.running import leftovers
    from lth.studies import STUDIES, declared

    if (name is None) != everything or (trial is None) != (level is None) or (everything and trial is not None):
        raise LthError("name a study, alone or with --trial and --level, or ask for --all")
    if trial is not None and level is not None and name is not None:
        _retrain(changes.study(name), trial, level, arm, keep)
        return
    if keep:
        raise LthError("--keep publishes tickets that are trained again: give --trial and --level")
    found = 0
    for each in [name] if name else audit.published():
        read = records.load(each)
        problems, missing = audit.contradictions(read), []
        if each in STUDIES or not everything:
            runs = changes.study(each).runs()
            problems, missing = problems + declared.others(read, runs), declared.missing(read, runs)
        found += len(problems)
        for line in (*problems, *missing):
            print(line)
        print(f"{each}: {len(read.runs)} runs, {len(problems)} contradictions")
    for line in leftovers.found() if everything else []:
        print(line)
    if found:
        raise LthError(f"{found} contradictions: restore the records with git, or train and publish them again")


def _retrain(study, trial: int, level: int, arm: str, keep: bool) -> None:
    """Train a published run again, and say how it compares; LthError where it has another mask or another curve."""
    from lth import records
    from lth.arms import ARMS
    from lth.errors import check_choice, check_whole
    from lth.records import tickets
    from lth.studies.retraining import retrain

    check_choice("arm", arm, ARMS)
    for what, value in (("trial", trial), ("level", level)):
        check_whole(what, value)
    results = []
    for compared in retrain(study, records.load(study.name), trial, level, arm):
        print(compared.sentence, flush=True)
        results.append(compared)
    if not all(one.mask and one.curve for one in results):
        raise LthError(
            "what was trained here is not what is published: on another type of processor sums may be taken in another "
            "order, and tickets then differ; on the same one, the records or the code are not what they were"
        )
    if keep:
        chain = [one.finished for one in results if one.finished.summary["arm"] == "ticket"]
        print(tickets.write(study.name, trial, chain, [at for at in KEPT if at < len(chain)]))


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="A study whose tickets are published.")],
    trial: Annotated[int, typer.Option(help="Which trial.")] = 0,
    level: Annotated[int, typer.Option(help="Which level; 0 is the dense network.")] = 1,
    to: Annotated[Path | None, typer.Option("--to", help="A folder; STUDY-trial-N-level-L here if not given.")] = None,
) -> None:
    """Write a published ticket as plain PyTorch state dicts and safetensors, with a README."""
    from lth.records import exporting, tickets

    found = tickets.ticket(name, trial, level)
    print(exporting.export(found, to or Path(f"{name}-trial-{trial}-level-{level}")))


@app.command()
@changeable
def stability(
    name: StudyName,
    changes: Changes,
    at: Annotated[str, typer.Option(help='Iterations at which copies part, such as "0,1000".')] = "0",
    depth: Annotated[str | None, typer.Option(help='Levels, such as "0,3,4"; all of them if not given.')] = None,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
) -> None:
    """Measure the error barriers of a study's networks, which `lth run` has trained, and record them."""
    from lth.running import instruments

    study = changes.study(name)
    levels = None if depth is None else _numbers("depth", depth)
    count = instruments.stability(study, _numbers("at", at), levels, workers)
    print(f"{name}: {count} barriers measured and recorded")


@app.command()
@changeable
def supermasks(
    name: StudyName,
    changes: Changes,
    workers: Annotated[int, typer.Option(help="Processes on this machine.")] = 1,
) -> None:
    """Learn masks on the untrained weights of a study's dense networks, and record how they classify."""
    from lth.running import instruments

    count = instruments.learned_masks(changes.study(name), workers=workers)
    print(f"{name}: {count} masks learned and recorded")


def _numbers(option: str, text: str) -> list[int]:
    """The whole numbers of a text such as "0,1000"."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise LthError(f'{option} must be whole numbers such as "0,1000", not {text!r}')
    return [int(part) for part in parts]


@app.command()
def claims(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list with an object for each claim.")] = False,
) -> None:
    """The claims of the paper, and of later ones, with the verdicts that the published records give."""
    from lth.report.claims import evidence

    if as_json:
        print(evidence.as_json())
        return
    frame = evidence.table().rename(columns={"claim": "id"})
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    head = ["claim", "statement", "claimed", "estimate", "95 % interval", "n", "trials needed", "verdict"]
    _print(head, [_claim(row) for row in rows], narrowest=140)


@app.command()
@changeable
def figure(
    name: Annotated[str, typer.Argument(help="A notebook, such as quickstart.")],
    changes: Changes,
    others: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Any parameter of the notebook.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="The folder of the page; ./figures/NAME if not given.")] = None,
) -> None:
    """Draw a page of the book again, with other parameters: its figures, and its numbers in its prose."""
    from lth.report.rerun import rerun, value_of

    given = {field.name: getattr(changes, field.name) for field in fields(changes)}
    for other in others or ():
        parameter, equals, value = other.partition("=")
        if not equals:
            raise LthError(f"a parameter is given as NAME=VALUE, such as -p trials=2, not as {other!r}")
        given[parameter] = value_of(value)
    print(rerun(name, given, to or Path("figures") / name))


def _claim(row: dict) -> list[str]:
    """A claim as a row of the table: what there is no number for is empty."""
    estimate = "" if row["estimate"] is None else f"{row['estimate']:.2f}"
    interval = "" if row["low"] is None else f"[{row['low']:.2f}, {row['high']:.2f}]"
    needed = "" if row["needed"] is None else str(row["needed"])
    return [
        row["id"], row["statement"], row["claimed"], estimate, interval, str(row["n"]), needed, row["verdict"]
    ]  # fmt: skip


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
    told = _duration(expected) if done else "known after a first run"
    counts = (total, published, there, running().get(study.name, 0), total - len(done))
    return [study.name, *map(str, counts), _duration(spent), told]


def _duration(seconds: float) -> str:
    return str(timedelta(minutes=round(seconds / 60)))


def _print(head: list[str], rows: list[list[str]], narrowest: int = 120) -> None:
    """Print a table, on a terminal that is too narrow as if it had `narrowest` columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    Console(width=max(narrowest, Console().width)).print(table)


def main() -> None:
    """Entry point: a user's mistake ends in one sentence and status 1, an interruption in status 130."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
        sys.stdout.flush()
    except LthError as error:
        _end(f"lth: {error}", 1)
    except BrokenPipeError:  # whoever reads has seen enough
        _end("", 1)
    except OSError as error:
        if error.errno not in UNWRITTEN or error.filename:
            raise
        _end(f"lth: cannot write what is to be shown ({error.strerror})", 1)
    except SystemExit as end:  # Typer's answer to Ctrl-C is status 130 and no word
        if end.code == 130:
            print("lth: stopped; finished runs are kept, the same command goes on from there", file=sys.stderr)
        raise


def _end(message: str, status: int) -> None:
    """End with a message, after what was printed before; what cannot be written any more is not tried again."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        if message:
            print(" ".join(message.splitlines()), file=sys.stderr)
        sys.stderr.flush()
    sys.exit(status)

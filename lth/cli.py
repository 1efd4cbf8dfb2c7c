"""The command `lth`."""

# Nothing is imported here that takes long: PyTorch, pandas, Numba and Dask are for the commands that need them.
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from lth.errors import LthError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
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

    head = ["study", "runs", "published", "kept", "running", "missing", "CPU time so far", "CPU time expected"]
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
    from lth.running import state

    study = changes.study(name)
    folder, count = records.publish(study.name, study.runs(), replace)
    missing = state.of(study).missing
    print(f"{folder} holds {count} runs; {len(missing)} of {len(study.runs())} are missing")


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

    frame = evidence.table().rename(columns={"claim": "id"})
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    if as_json:
        names = ("id", "statement", "source", "claimed", "estimate", "low", "high", "n", "verdict", "note")
        print(json.dumps([{name: row[name] for name in names} for row in rows], indent=1, ensure_ascii=False))
        return
    head = ["claim", "statement", "claimed", "estimate", "95 % interval", "n", "trials needed", "verdict"]
    _print(head, [_claim(row) for row in rows], narrowest=140)


def _claim(row: dict) -> list[str]:
    """A claim as a row of the table: what there is no number for is empty."""
    estimate = "" if row["estimate"] is None else f"{row['estimate']:.2f}"
    interval = "" if row["low"] is None else f"[{row['low']:.2f}, {row['high']:.2f}]"
    needed = "" if row["needed"] is None else str(row["needed"])
    return [
        row["id"], row["statement"], row["claimed"], estimate, interval, str(row["n"]), needed, row["verdict"]
    ]  # fmt: skip


def _status(study) -> list[str]:
    """A study as a row of the table. A kept run that is not whole is named and set aside."""
    from lth.records import glance, kept
    from lth.running.notes import running

    runs = {run.key: run for run in study.runs()}
    published = glance.seconds(study.name)
    there = kept.keys() & runs.keys()
    seconds = {key: published[key] for key in runs if key in published}
    for key in sorted(there - published.keys()):
        summary, problem = kept.summary(key)
        if summary is None:
            print(problem, file=sys.stderr)
            there.remove(key)
        else:
            seconds[key] = summary["seconds"]
    missing = runs.keys() - seconds.keys()
    spent, expected = sum(seconds.values()), 0.0
    if seconds and missing:
        from lth.engines.cost import cost

        done, rest = (sum(cost(runs[key]) for key in part) for part in (seconds, missing))
        expected = spent / done * rest
    counts = [len(runs), len(published.keys() & runs.keys()), len(there)]
    told = _duration(expected) if seconds else "known after a first run"
    return [
        study.name, *map(str, [*counts, running().get(study.name, 0), len(missing)]), _duration(spent), told
    ]  # fmt: skip


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
    try:
        app()
    except LthError as error:
        print(f"lth: {error}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:  # Typer's answer to Ctrl-C is status 130 and no word
        if end.code == 130:
            print("lth: stopped; finished runs are kept, the same command goes on from there", file=sys.stderr)
        raise

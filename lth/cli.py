"""The command `lth`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lth import records
from lth.engines import CHOICES
from lth.engines.cost import cost
from lth.errors import LthError
from lth.records import store
from lth.report.claims import rule
from lth.running import complete, notes, state
from lth.studies.catalogue import STUDIES
from lth.studies.parameters import study
from lth.studies.study import Study

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
StudyName = Annotated[str, typer.Argument(help=f"One of: {', '.join(STUDIES)}.")]
Trials = Annotated[int | None, typer.Option(help="Independent repetitions.")]
Levels = Annotated[int | None, typer.Option(help="Pruning rounds: levels 0 to LEVELS are trained.")]
Iterations = Annotated[int | None, typer.Option(help="Training iterations of every run.")]
Arms = Annotated[str | None, typer.Option(help='Such as "ticket,reinit:3" (three draws of reinit in every trial).')]
Rewind = Annotated[int | None, typer.Option(help="The rewind iteration k.")]
Warmup = Annotated[int | None, typer.Option(help="Iterations over which the learning rate rises from 0.")]
RecipeNames = Annotated[str | None, typer.Option("--recipes", help="Those of the study's recipes, by name.")]
Engine = Annotated[str | None, typer.Option(help=f"One of: {', '.join(CHOICES)}.")]


@app.command()
def data(
    name: Annotated[str, typer.Argument(help="mnist, fashion-mnist or cifar10.")],
    source: Annotated[Path | None, typer.Option("--from", help="Files at hand instead of a download.")] = None,
) -> None:
    """Fetch a data set, verify it by checksum and say where it is."""
    from lth.datasets.download import fetch

    print(fetch(name, source))


@app.command()
def run(
    name: StudyName,
    trials: Trials = None,
    levels: Levels = None,
    iterations: Iterations = None,
    arms: Arms = None,
    rewind: Rewind = None,
    warmup: Warmup = None,
    recipes: RecipeNames = None,
    engine: Engine = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    workers: Annotated[
        int | None, typer.Option(help="Processes on this machine; one for each core if not given.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler, instead of own workers.")] = None,
) -> None:
    """Train what is missing of a study. It is safe to interrupt this and to repeat it."""

    chosen = study(name, trials, levels, iterations, arms, rewind, engine, warmup, recipes)
    trained = complete.train(chosen, workers=workers, scheduler=scheduler, device=device)
    print(f"{name}: {trained} runs trained, {len(chosen.runs())} complete; `lth publish {name}` makes records of them")


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(help="A study; all of them if not given.")] = None,
    trials: Trials = None,
    levels: Levels = None,
    iterations: Iterations = None,
    arms: Arms = None,
    rewind: Rewind = None,
    warmup: Warmup = None,
    recipes: RecipeNames = None,
    engine: Engine = None,
) -> None:
    """What is done, running and missing of a study, what it cost so far and what the rest may cost."""
    table = Table("study", "runs", "published", "kept", "running", "missing", "CPU time so far", "CPU time expected")
    for each in [name] if name else STUDIES:
        table.add_row(*_status_row(study(each, trials, levels, iterations, arms, rewind, engine, warmup, recipes)))
    Console(width=max(120, Console().width)).print(table)


@app.command()
def publish(
    name: StudyName,
    trials: Trials = None,
    levels: Levels = None,
    iterations: Iterations = None,
    arms: Arms = None,
    rewind: Rewind = None,
    warmup: Warmup = None,
    recipes: RecipeNames = None,
    engine: Engine = None,
    replace: Annotated[bool, typer.Option("--replace", help="Drop what is published under this name before.")] = False,
) -> None:
    """Fold a study's finished runs into data/records/STUDY/."""

    chosen = study(name, trials, levels, iterations, arms, rewind, engine, warmup, recipes)
    folder, count = records.publish(chosen.name, chosen.runs(), replace)
    missing = state.of(chosen).missing
    print(f"{folder} holds {count} runs; {len(missing)} of {len(chosen.runs())} are missing")


@app.command()
def claims() -> None:
    """The paper's claims with the verdicts that the published records give."""

    names = {claim.study for claim in rule.CLAIMS.values()}
    rows = rule.table({name: records.load_or_empty(name).runs for name in names}).to_dict("records")
    table = Table("claim", "statement", "claimed", "estimate", "95 % interval", "n", "trials needed", "verdict")
    for row in rows:
        estimate, low, high = (
            "" if row[part] != row[part] else f"{row[part]:.2f}" for part in ("estimate", "low", "high")
        )
        needed = "" if row["needed"] is None or row["needed"] != row["needed"] else str(row["needed"])
        interval = f"[{low}, {high}]" if low else ""
        table.add_row(
            row["claim"], row["statement"], row["claimed"], estimate, interval, str(row["n"]), needed, row["verdict"]
        )
    Console(width=max(140, Console().width)).print(table)


def _status_row(chosen: Study) -> list[str]:
    published = records.load_or_empty(chosen.name).runs
    runs = chosen.runs()
    for problem in store.verify(one.key for one in runs):
        print(problem, file=sys.stderr)
    kept = store.keys()
    summaries = {row["key"]: row["seconds"] for row in published.to_dict("records")}
    done = [run for run in runs if run.key in summaries or run.key in kept]
    for one in done:
        if one.key not in summaries:
            summaries[one.key] = store.read(one.key, groups=()).summary["seconds"]
    missing = [one for one in runs if one.key not in summaries]
    spent = sum(summaries[one.key] for one in done)
    expected = _duration(spent / sum(map(cost, done)) * sum(map(cost, missing))) if done else "known after a first run"
    counts = [len(runs), sum(published["key"].isin([r.key for r in runs])), sum(r.key in kept for r in runs)]
    shown = [*counts, notes.running().get(chosen.name, 0), len(missing)]
    return [chosen.name, *map(str, shown), _duration(spent), expected]


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


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

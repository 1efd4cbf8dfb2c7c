"""Published records and tickets: verify, export, judge claims, draw pages again."""

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from lth.cli.options import Changes, changeable
from lth.cli.printing import print_table
from lth.errors import LthError

KEPT = (7, 14, 21)  # levels whose trained weights are published beside those of the dense network


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
    from lth.paths import processor
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
        published = ", ".join(sorted({one.machine for one in results}))
        raise LthError(
            f"what was trained here, on {processor()}, is not what is published, of {published}: on another type of "
            "processor sums are taken in another order, and tickets then differ; on the same one, the records or the "
            "code are not what they were"
        )
    if keep:
        chain = [one.finished for one in results if one.finished.summary["arm"] == "ticket"]
        print(tickets.write(study.name, trial, chain, [at for at in KEPT if at < len(chain)]))


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


def claims(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list with an object for each claim.")] = False,
) -> None:
    """The claims of the paper, and of later ones, with the verdicts that the published records give."""
    from lth.claims import evidence

    if as_json:
        print(evidence.as_json())
        return
    frame = evidence.table().rename(columns={"claim": "id"})
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    head = ["claim", "statement", "claimed", "estimate", "95 % interval", "n", "trials needed", "verdict"]
    print_table(head, [_claim(row) for row in rows], narrowest=140)


@partial(changeable, without=("engine",))
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

"""What is measured beside training runs: error barriers and learned masks."""

from typing import Annotated

import typer

from lth.cli.options import Changes, StudyName, changeable
from lth.errors import LthError


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

"""The options that change a study, the same for every command that takes one."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

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


def changeable(command: Callable, *, without: Collection[str] = ()) -> Callable:
    """A command that takes the options of Changes, but those named, where `command` has a parameter `changes`."""
    options = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(Changes)
        if field.name not in without
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

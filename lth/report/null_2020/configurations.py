"""A recipe and the control that its tickets are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from lth.studies.deviations import DEVIATIONS, control

PROTOCOL = "protocol"


@dataclass(frozen=True)
class Configuration:
    """Tickets of a recipe against a control; `deviation` is the one that it is about ("" for the protocol and all)."""

    recipe: str
    control: str = "reinit"
    deviation: str = ""


def alone() -> list[Configuration]:
    """The protocol with one deviation each."""
    return [Configuration(PROTOCOL if name == "chain-control" else name, control(name), name) for name in DEVIATIONS]


def all_but_one(certain: Sequence[str]) -> list[Configuration]:
    """All of the `certain` deviations but one each."""
    return [
        Configuration("all" if name == "chain-control" else f"all-but-{name}", control(*{*certain} - {name}), name)
        for name in certain
    ]

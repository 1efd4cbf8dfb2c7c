"""A recipe and the control that its tickets are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from lth.studies.deviations import DEVIATIONS, control

PROTOCOL = "protocol"


@dataclass(frozen=True)
class Configuration:
    """Tickets of a recipe against a control.

    deviation: the one that it is about, "" for the protocol and for all of them together.
    seed: its name where bootstraps are seeded, if that is not its recipe's.
    """

    recipe: str
    control: str = "reinit"
    deviation: str = ""
    seed: str = ""

    @property
    def name(self) -> str:
        """What its bootstraps are seeded by."""
        return self.seed or self.recipe


BY_PROTOCOL = Configuration(PROTOCOL)


def alone() -> list[Configuration]:
    """The protocol with one deviation each."""
    return [Configuration(PROTOCOL if name == "chain-control" else name, control(name), name) for name in DEVIATIONS]


def all_but_one(certain: Sequence[str]) -> list[Configuration]:
    """For each of the `certain` deviations, a configuration with all the others."""
    return [
        Configuration("all" if name == "chain-control" else f"all-but-{name}", control(*{*certain} - {name}), name)
        for name in certain
    ]

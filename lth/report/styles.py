"""How lines look, readable in grey and by colour-blind readers: each has its own colour, marker and dash."""

import itertools
from dataclasses import dataclass

from lth.arms import ARMS
from lth.errors import check_choice

# seaborn's palette "colorblind", by name
BLUE, ORANGE, GREEN, RED, PINK, BROWN = "#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161"
GREY, SKY, YELLOW, PURPLE = "#949494", "#56b4e9", "#ece133", "#5b3a8c"


@dataclass(frozen=True)
class Style:
    """A line: `label` in legends, `short` in notes; `dash` as lengths on and off in points, () for a solid line."""

    label: str
    colour: str
    marker: str
    dash: tuple[float, ...] = ()
    short: str = ""

    @property
    def linestyle(self) -> str | tuple:
        """The dash as matplotlib takes it."""
        return (0, self.dash) if self.dash else "-"


# Colour, marker and dash of the arms in the order of their rows: a row added to lth.arms takes the next.
LOOKS = (
    (BLUE, "o", ()),
    (ORANGE, "s", (4, 2)),
    (GREEN, "^", (1, 1.5)),
    (PINK, "D", (6, 1, 1, 1)),
    (BROWN, "v", (3, 1, 1, 1, 1, 1)),
    (GREY, "P", (2, 2)),
    (SKY, "X", (8, 2, 2, 2)),
    (RED, "*", (5, 1, 1, 1)),
    (YELLOW, "<", (1, 1)),
    (PURPLE, ">", (10, 2)),
)


def of_arms() -> dict[str, Style]:
    """How every known arm is drawn and named. More arms than LOOKS share looks: draw some of them at a time."""
    looks = itertools.cycle(LOOKS)
    return {
        name: Style(arm.label, colour, marker, dash, arm.short)
        for (name, arm), (colour, marker, dash) in zip(ARMS.items(), looks, strict=False)
    }


def of_arm(arm: str) -> Style:
    """How an arm is drawn and named; LthError for one that is not known, which would vanish from a figure."""
    check_choice("arm in a figure", arm, ARMS)
    return of_arms()[arm]

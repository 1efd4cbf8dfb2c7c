"""Colours and line styles: readable in grey and by colour-blind readers, on light paper and on dark.

Figures are drawn in the light colours. A page of the book swaps each for its partner where the reader's theme is dark
(`book/_ext/figures.py`), so that a figure may use no other colour than those of PALETTE.
"""

import itertools
from dataclasses import dataclass

from lth.arms import ARMS
from lth.errors import check_choice

INK, MUTED, FAINT, GRID, SHADE, PAPER = "#222222", "#666666", "#bbbbbb", "#e6e6e6", "#f2f2f2", "#ffffff"
# seaborn's palette "colorblind", by name
BLUE, ORANGE, GREEN, RED, PINK, BROWN = "#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161"
GREY, SKY, YELLOW, PURPLE = "#949494", "#56b4e9", "#c9b700", "#5b3a8c"
PALETTE = {  # on light paper: on dark paper
    INK: "#e4e6eb",
    MUTED: "#a9afb8",
    FAINT: "#5f6670",
    GRID: "#30363f",
    SHADE: "#232a33",
    PAPER: "#14181e",
    BLUE: "#4db2ec",
    ORANGE: "#f5ad42",
    GREEN: "#34c79a",
    RED: "#ff8b4a",
    PINK: "#e39bd5",
    BROWN: "#dcae87",
    GREY: "#9aa0a8",
    SKY: "#9ad6f7",
    YELLOW: "#e8d84a",
    PURPLE: "#b096e6",
}


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
    (RED, "*", (5, 1, 1, 1)),
    (SKY, "X", (8, 2, 2, 2)),
    (YELLOW, "<", (1, 1)),
    (PURPLE, ">", (10, 2)),
)
REPORT = {  # what the 2020 report's figures show
    "report ticket": Style("report: ticket", INK, "", (1, 1.5)),
    "report control": Style("report: control", MUTED, "", (4, 1.5)),
}


def of_arms() -> dict[str, Style]:
    """How every known arm is drawn and named. More arms than LOOKS share looks: draw some of them at a time."""
    looks = itertools.cycle(LOOKS)
    return {
        name: Style(arm.label, colour, marker, dash, arm.short)
        for (name, arm), (colour, marker, dash) in zip(ARMS.items(), looks, strict=False)
    }


def of(name: str) -> Style:
    """How an arm, or a line of REPORT, is drawn and named; LthError for one that is not known."""
    known = of_arms() | REPORT
    check_choice("line in a figure", name, known)
    return known[name]

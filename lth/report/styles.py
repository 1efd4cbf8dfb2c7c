"""How lines look, readable in grey and by colour-blind readers: each has its own colour, marker and dash."""

from dataclasses import dataclass

from lth.errors import check_choice

# seaborn's palette "colorblind", by name
BLUE, ORANGE, GREEN, RED, PINK, BROWN = "#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc", "#ca9161"
GREY, SKY = "#949494", "#56b4e9"


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


ARMS = {
    "ticket": Style("winning ticket", BLUE, "o", short="winning ticket"),
    "reinit": Style("same masks, fresh weights", ORANGE, "s", (4, 2), short="fresh weights"),
    "random-mask": Style("random masks, original weights", GREEN, "^", (1, 1.5), short="random masks"),
    "oneshot": Style("one-shot ticket", PINK, "D", (6, 1, 1, 1), short="one-shot ticket"),
    "oneshot-reinit": Style(
        "one-shot masks, fresh weights", BROWN, "v", (3, 1, 1, 1, 1, 1), short="one-shot masks with fresh weights"
    ),
    "chain-reinit": Style("own chain, fresh weights", GREY, "P", (2, 2), short="own chain"),
    "chain-rewound": Style("own chain, one draw", SKY, "X", (8, 2, 2, 2), short="own chain of one draw"),
    "other-ticket": Style("ticket of another draw", RED, "*", (5, 1, 1, 1), short="ticket of another draw"),
}


def of_arm(arm: str) -> Style:
    """How an arm is drawn and named; LthError for one that has no style, which would vanish from a figure."""
    check_choice("arm in a figure", arm, ARMS)
    return ARMS[arm]

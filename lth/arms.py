"""The conditions: where an arm's mask comes from, and where its weights start.

An arm is one row of ARMS; everything else follows from the row: at which level it begins, whether its next level is
pruned from its own weights, whose masks it borrows, how it is called in figures.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from lth.errors import LthError, check_choice
from lth.names import source_of

MASKS = {
    "ticket": "found by iterative pruning of the ticket's chain",
    "random": "drawn at random, with as many survivors in every layer as the ticket's",
    "oneshot": "found by pruning the dense network once, to the ticket's counts",
    "own": "found by iterative pruning of a chain of its own",
}


@dataclass(frozen=True)
class Arm:
    """One experimental condition.

    Arguments:
        name: as in records and on the command line.
        mask: where its mask comes from, one of MASKS.
        start: where its weights start: a name of lth.starts.STARTS, or a function like those.
        label: its name in legends.
        short: its name in sentences and notes.
        source: of an arm that is not the library's, a hash of what defines it; part of a run's key. `add` fills it in.
    """

    name: str
    mask: str
    start: str | Callable
    label: str
    short: str
    source: str = ""

    def __post_init__(self) -> None:
        check_choice("source of an arm's mask", self.mask, MASKS)

    @property
    def has_own_chain(self) -> bool:
        """Whether its next level is pruned from its own weights, apart from the ticket."""
        return self.mask == "own"

    @property
    def keeps_weights(self) -> bool:
        """Whether a later level needs its trained weights."""
        return self.name == "ticket" or self.has_own_chain

    @property
    def first_level(self) -> int:
        """0 where it trains a dense network of its own; 1 where it shares the ticket's."""
        return 0 if self.mask in ("ticket", "own") else 1

    @property
    def borrows_mask(self) -> bool:
        """Whether its mask is that of another arm, which keeps it."""
        return self.mask in ("ticket", "oneshot") and self.name != self.mask


def _start(name: str, start: str, label: str) -> Arm:
    """An arm with the ticket's masks and another start."""
    return Arm(name, mask="ticket", start=start, label=label, short=label)


ARMS = {
    arm.name: arm
    for arm in (
        Arm("ticket", mask="ticket", start="rewound", label="winning ticket", short="winning ticket"),
        Arm("reinit", mask="ticket", start="fresh", label="same masks, fresh weights", short="fresh weights"),
        Arm(
            "random-mask", mask="random", start="rewound", label="random masks, original weights", short="random masks"
        ),
        Arm("oneshot", mask="oneshot", start="rewound", label="one-shot ticket", short="one-shot ticket"),
        Arm(
            "oneshot-reinit",
            mask="oneshot",
            start="fresh",
            label="one-shot masks, fresh weights",
            short="one-shot masks with fresh weights",
        ),
        # The 2020 report's control from 8 September on: a chain whose weights are drawn anew at every level.
        Arm("chain-reinit", mask="own", start="fresh", label="fresh weights every round", short="own chain"),
        # The report's control before 8 September: a winning ticket of another draw, exact to iteration 0.
        Arm(
            "other-ticket", mask="own", start="one draw", label="ticket of another draw", short="ticket of another draw"
        ),
        # What of a ticket's start matters (lth.starts): signs or sizes, and how much noise it bears.
        _start("ticket-signs", "ticket signs", "ticket’s signs, fresh sizes"),
        _start("ticket-sizes", "ticket sizes", "ticket’s sizes, fresh signs"),
        _start("final-signs", "final signs", "trained signs, fresh sizes"),
        _start("reshuffled", "reshuffled", "reshuffled within the layer"),
        _start("reshuffled-signs", "reshuffled signs", "sizes reshuffled, signs kept"),
        _start("constant", "constant", "one size, fresh signs"),
        _start("constant-signs", "constant signs", "one size, ticket’s signs"),
        *(
            _start(f"noise-{dose:g}", f"noise of {dose:g} sigma", f"ticket’s start + {dose:g} SD of noise")
            for dose in (0.5, 1, 2, 3)
        ),
        # The ticket once more, with another order of the training images.
        _start("retrained", "rewound", "ticket, another data order"),
        # Learning-rate rewinding (Renda et al., arXiv 2003.02389): weights go on from where the level before ended,
        # while the schedule begins anew; at a constant rate this is fine-tuning.
        _start("finetuned", "final", "ticket’s masks, trained weights"),
    )
}


def add(arm: Arm) -> Arm:
    """Make an arm of one's own known by its name, in this process, and return it as it is known.

    LthError where the library has an arm of that name; one of one's own is replaced.
    """
    if arm.name in ARMS and not ARMS[arm.name].source:
        raise LthError(f"there is an arm {arm.name!r} already, {ARMS[arm.name].label}: choose another name")
    text = source_of(arm.start) if callable(arm.start) else arm.start
    ARMS[arm.name] = replace(arm, source=text)
    return ARMS[arm.name]

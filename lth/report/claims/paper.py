"""The paper's numeric claims as data, each fixed before any record of its study existed.

[FC] is Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635); [FDRC19] is Frankle et al., "Stabilizing
the Lottery Ticket Hypothesis" (arXiv 1903.01611). Claims are indexed by level; the paper prints densities.
`number`, `tolerance` and `size` are in the unit of the claim's effect (percent, x, percentage points); number and
tolerance are levels where the direction is "level".
"""

from dataclasses import dataclass

from lth.statistics.paired import DENSE, MEASURES

EARLY, AT_EARLY, AT_END = MEASURES
SPEED = (
    "one standard error of the paper's own ratio: a 30 % coefficient of variation of the early-stop iteration (an "
    "independent replication's) over 5 trials on either side makes a ratio uncertain by 0.3 sqrt(2 / 5) = 19 %: "
    "0.62 x 19 % = 12 points of 38 % earlier, 0.48 of 2.51 x"
)
ACCURACY = (
    "the paper's own uncertainty: 10,000 test images at 98 % give a standard error of 0.14 / sqrt(5) = 0.06 pp over 5 "
    "trials, and the printed digit adds up to 0.05 pp"
)
HALF = "half of what the paper reports at the best level (38 % earlier, 0.3 pp): what remains is nearer to nothing"
LEVELS = (
    "two levels: one because the paper's densities need not lie on our levels, one because it reads averages off a "
    "figure where we ask that an interval exclude zero"
)
AT_FIRST = "the paper gives no level: any from the third to the last is later than at first"
CIFAR = "as for LeNet: a standard error of the printed ratio (19 %), or 0.46 / sqrt(5) + 0.05 = 0.3 pp for 70 to 80 %"


@dataclass(frozen=True)
class Claim:
    """One claim: `effect` of `arm` against another arm or DENSE, on `measure`, and how the paper's number is scored.

    estimator: "mean" (over `levels`), "best" (the best of `levels`), "falls below" (level `number`; the others of
    `scan` are looked at), "range" (the effect holds at `levels` and, within `scan`, nowhere else).
    direction: "two-sided", "larger is stronger", "lower bound", "upper bound", "no difference", "no worse" or "level".
    size: the effect for which the needed trials are computed, where the paper gives no number.
    recipe, against_recipe: of a study with several recipes, those that the two sides were trained with.
    words: what the paper says, where `number` is not the paper's.
    """

    id: str
    study: str
    source: str
    statement: str
    effect: str = ""
    measure: str = ""
    arm: str = "ticket"
    against: str = DENSE
    levels: tuple[int, ...] = ()
    number: float | None = None
    direction: str = "two-sided"
    tolerance: float = 0.0
    rationale: str = ""
    estimator: str = "mean"
    scan: tuple[int, ...] = ()
    size: float | None = None
    recipe: str = ""
    against_recipe: str = ""
    words: str = ""

    @property
    def no_effect(self) -> float:
        """The value that means no effect."""
        return 1.0 if self.effect == "times" else 0.0


SCAN = tuple(range(1, 26))  # the study's levels
FC_MAIN, FC_4A, FC_4B, FC_4C = "[FC] section 2", "[FC] section 2, Fig. 4a", "[FC] section 2, Fig. 4b", "[FC] Fig. 4c"
LENET = (
    Claim(
        *("L1", "lenet", FC_4A, "At level 7 (21 % of the weights) tickets stop earlier than the dense network."),
        *("sooner", EARLY, "ticket", DENSE),
        **dict(levels=(7,), number=38.0, direction="larger is stronger", tolerance=12.0, rationale=SPEED),
    ),
    Claim(
        *("L2", "lenet", FC_4A, "At level 9 (13.5 %) tickets are more accurate at early stop than the dense network."),
        *("gain", AT_EARLY, "ticket", DENSE),
        **dict(levels=(9,), number=0.3, direction="lower bound", tolerance=0.1, rationale=ACCURACY),
    ),
    Claim(
        *("L3-speed", "lenet", FC_MAIN, "At level 15 (3.6 %) tickets stop when the dense network does."),
        *("sooner", EARLY, "ticket", DENSE),
        **dict(levels=(15,), number=0.0, direction="no difference", tolerance=19.0, rationale=HALF),
    ),
    Claim(
        *("L3-accuracy", "lenet", FC_MAIN, "At level 15 (3.6 %) tickets are as accurate as the dense network."),
        *("gain", AT_EARLY, "ticket", DENSE),
        **dict(levels=(15,), number=0.0, direction="no difference", tolerance=0.15, rationale=HALF),
    ),
    Claim(
        *("L4", "lenet", FC_MAIN, "At level 7 (21 %) tickets stop earlier than their masks with fresh weights."),
        *("times", EARLY, "ticket", "reinit"),
        **dict(levels=(7,), number=2.51, direction="two-sided", tolerance=0.48, rationale=SPEED),
    ),
    Claim(
        *("L5", "lenet", FC_MAIN, "At level 7 (21 %) tickets are more accurate at early stop than with fresh weights."),
        *("gain", AT_EARLY, "ticket", "reinit"),
        **dict(levels=(7,), number=0.5, direction="two-sided", tolerance=0.1, rationale=ACCURACY),
    ),
    Claim(
        *("L6", "lenet", FC_4B, "At the end, at training accuracy near 100 %, the best level beats the dense network."),
        *("gain", AT_END, "ticket", DENSE),
        **dict(levels=SCAN, number=0.35, direction="upper bound", tolerance=0.1, rationale=ACCURACY, estimator="best"),
    ),
    Claim(
        *("L7-reinit", "lenet", FC_MAIN, "With fresh weights, accuracy is below the dense network's from level 7 on."),
        *("gain", AT_EARLY, "reinit", DENSE),
        **dict(levels=(7,), number=7, direction="level", tolerance=2),
        **dict(rationale=LEVELS, estimator="falls below", scan=SCAN, size=0.1),
    ),
    Claim(
        *("L7-ticket", "lenet", FC_MAIN, "Tickets are less accurate than the dense network from level 16 (2.9 %) on."),
        *("gain", AT_EARLY, "ticket", DENSE),
        **dict(levels=(16,), number=16, direction="level", tolerance=2),
        **dict(rationale=LEVELS, estimator="falls below", scan=SCAN, size=0.1),
    ),
    Claim(
        *("L8", "lenet", FC_4C, "One-shot tickets stop earlier than the dense network between 67.5 and 17.6 %."),
        *("sooner", EARLY, "oneshot", DENSE),
        **dict(levels=tuple(range(2, 8)), number=None, direction="level", tolerance=2),
        **dict(rationale=LEVELS, estimator="range", scan=SCAN, size=12.0),
    ),
    Claim(
        *("L9", "lenet", FC_4C, "One-shot tickets are more accurate than the dense network between 95 and 5.17 %."),
        *("gain", AT_EARLY, "oneshot", DENSE),
        **dict(levels=tuple(range(1, 14)), number=None, direction="level", tolerance=2),
        **dict(rationale=LEVELS, estimator="range", scan=SCAN, size=0.1),
    ),
)


def _conv(study: str, fastest: tuple[int, float], best: float, last: int) -> list[Claim]:
    """Claims on a Conv network: its fastest level and speed-up, its best gain, its last level above 2 %."""
    level, speed = fastest
    above, scan = tuple(range(1, last + 1)), tuple(range(1, last + 5))
    fig5, section3 = "[FC] section 3, Fig. 5", "[FC] section 3"
    return [
        Claim(
            *(f"C1-{study}", study, fig5, f"At level {level} tickets stop earlier than the dense network."),
            *("times", EARLY, "ticket", DENSE),
            **dict(levels=(level,), number=speed, direction="two-sided", tolerance=round(0.19 * speed, 2)),
            **dict(rationale=CIFAR),
        ),
        Claim(
            *(f"C2-{study}", study, section3, "At the best level tickets are more accurate than the dense network."),
            *("gain", AT_EARLY, "ticket", DENSE),
            **dict(levels=scan, number=best, direction="two-sided", tolerance=0.3, rationale=CIFAR, estimator="best"),
        ),
        Claim(
            *(f"C3-{study}", study, section3, "Tickets are more accurate than the dense network above 2 % density."),
            *("gain", AT_EARLY, "ticket", DENSE),
            **dict(levels=above, number=None, direction="level", tolerance=2),
            **dict(rationale=LEVELS, estimator="range", scan=scan, size=0.3),
        ),
    ]


def _falls(study: str, last: int) -> Claim:
    """The claim that a reinitialised Conv net holds its accuracy at first and loses it later, up to level `last`."""
    middle = (3 + last) // 2
    return Claim(
        *(f"C4-{study}", study, "[FC] section 3", "With fresh weights accuracy holds or rises at first, then falls."),
        *("gain", AT_EARLY, "reinit", DENSE),
        **dict(levels=(middle,), number=middle, direction="level", tolerance=last - middle, rationale=AT_FIRST),
        **dict(estimator="falls below", scan=tuple(range(1, last + 1)), size=0.3, words="after the first levels"),
    )


def _deep(id: str, source: str, statement: str, level: int, ours: str, theirs: str, **fields) -> Claim:
    """A claim on accuracy after training, of tickets of the recipe `ours`, mostly against dense nets of `theirs`."""
    study = ours.split("-")[0]
    fixed = {"levels": (level,), "number": 0.0, "direction": "no worse", "tolerance": 0.3, "rationale": CIFAR}
    return Claim(
        *(id, study, source, statement, "gain", AT_END),
        **({"recipe": ours, "against_recipe": theirs} | fixed | fields),
    )


# Differences that the paper's Figures 7 and 8 show without a number are asked at about a fifth of the weights.
WITHIN = "the printed point, and the 0.3 pp by which the printed digits and five trials' images are uncertain"
UNNUMBERED = "nothing is claimed but that the one is higher; any interval above zero says so"
NO_TICKETS = dict(against="reinit", direction="no difference")
DEEP = (
    _deep(
        *("R1-rate", "[FC] Fig. 8", "At learning rate 0.1 tickets are as accurate as their masks with fresh weights."),
        *(7, "resnet18", "resnet18"),
        **NO_TICKETS,
    ),
    _deep(
        *("R1-low-rate", "[FC] Fig. 8", "At rate 0.01 tickets come within 1 pp of the dense network trained at 0.1."),
        *(7, "resnet18-low-rate", "resnet18"),
        **dict(tolerance=1.3, rationale=WITHIN),
    ),
    _deep(
        *(
            "R2",
            "[FC] section 4",
            "With warmup to 0.03, tickets of level 10 (11.8 % of all) match the dense network.",
        ),
        *(10, "resnet18-warmup", "resnet18-warmup"),
    ),
    _deep(
        *("V1-rate", "[FC] Fig. 7", "At learning rate 0.1 tickets are as accurate as their masks with fresh weights."),
        *(7, "vgg19", "vgg19"),
        **NO_TICKETS,
    ),
    _deep(
        *("V1-low-rate", "[FC] Fig. 7", "At rate 0.01 tickets of level 15 (3.5 %) come within 1 pp of the dense one."),
        *(15, "vgg19-low-rate", "vgg19-low-rate"),
        **dict(tolerance=1.3, rationale=WITHIN),
    ),
    _deep(
        *("V2", "[FC] section 4", "With warmup to 0.1, tickets of level 19 (1.5 %) match the dense network."),
        *(19, "vgg19-warmup", "vgg19-warmup"),
    ),
    *(
        _deep(
            *(f"S1-{net}", "[FDRC19] abstract", "Rewound to iteration k > 0, tickets beat those rewound to 0."),
            *(7, f"{net}-rewind", net),
            **dict(against="ticket", direction="lower bound", tolerance=0.1, rationale=UNNUMBERED, size=0.3),
        )
        for net in ("resnet18", "vgg19")
    ),
)
OTHERS = (
    *_conv("conv2", (11, 3.5), 3.4, 17),
    *_conv("conv4", (12, 3.5), 3.5, 21),
    *_conv("conv6", (10, 2.5), 3.3, 21),
    *(_falls("conv2", 21), _falls("conv4", 25)),
    *DEEP,
)
CLAIMS = {claim.id: claim for claim in (*LENET, *OTHERS)}

"""The paper's numeric claims as data, each fixed before any record of its study existed.

[FC] is Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635); [FDRC19] is Frankle et al., "Stabilizing
the Lottery Ticket Hypothesis" (arXiv 1903.01611). Claims are indexed by level; the paper prints densities.
`number`, `tolerance` and `size` are in the unit of the claim's effect (percent, x, percentage points); number and
tolerance are levels where the direction is "level".
"""

from dataclasses import dataclass

from lth.estimators import DENSE, MEASURES

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
CIFAR = "as for LeNet: a standard error of the printed ratio (19 %), or 0.46 / sqrt(5) + 0.05 = 0.3 pp for 70 to 80 %"


@dataclass(frozen=True)
class Claim:
    """One claim: `effect` of `arm` against another arm or DENSE, on `measure`, and how the paper's number is scored.

    estimator: "mean" (over `levels`), "best" (the best of `levels`), "falls below" (level `number`; the others of
    `scan` are looked at), "range" (the effect holds at `levels` and, within `scan`, nowhere else), "unscored".
    direction: "two-sided", "larger is stronger", "lower bound", "upper bound", "no difference" or "level".
    size: the effect for which the needed trials are computed, where the paper gives no number.
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


def _unscored(id: str, study: str, source: str, statement: str) -> Claim:
    return Claim(id, study, source, statement, estimator="unscored")


OTHERS = (
    *_conv("conv2", (11, 3.5), 3.4, 17),
    *_conv("conv4", (12, 3.5), 3.5, 21),
    *_conv("conv6", (10, 2.5), 3.3, 21),
    *(
        _unscored(f"C4-{study}", study, "[FC] section 3", "With fresh weights accuracy holds or rises, then falls.")
        for study in ("conv2", "conv4")
    ),
    _unscored("R1", "resnet18", "[FC] Fig. 8", "No tickets at learning rate 0.1; at 0.01 1 pp below dense at 0.1."),
    _unscored("R2", "resnet18", "[FC] section 4", "With warmup to 0.03, tickets match the dense network to 11.8 %."),
    _unscored("V1", "vgg19", "[FC] Fig. 7", "No tickets at learning rate 0.1; at 0.01 within 1 pp of dense to 3.5 %."),
    _unscored("V2", "vgg19", "[FC] section 4", "With warmup to 0.1, tickets match the dense network to 1.5 %."),
    _unscored("S1", "resnet18", "[FDRC19] abstract", "Rewinding to an early iteration restores tickets."),
)
CLAIMS = {claim.id: claim for claim in (*LENET, *OTHERS)}

"""The claims about the other networks, on CIFAR-10.

[FC] is Frankle & Carbin, "The Lottery Ticket Hypothesis" (arXiv 1803.03635); [FDRC19] is Frankle et al., "Stabilizing
the Lottery Ticket Hypothesis" (arXiv 1903.01611). Differences that [FC] Figures 7 and 8 show without a number are asked
at about a fifth of the weights.
"""

from typing import Any

from lth.claims.claim import GAIN, TIMES, Claim
from lth.claims.tolerances import AT_FIRST, CIFAR, LEVELS, UNNUMBERED, WITHIN
from lth.statistics.paired import AT_EARLY, AT_END, DENSE, EARLY


def _fastest(study: str, level: int, speed: float) -> Claim:
    """The claim on a Conv network's speed-up at its fastest level."""
    return Claim(
        id=f"C1-{study}",
        study=study,
        recipe=study,
        source="[FC] section 3, Fig. 5",
        statement=f"At level {level} tickets stop earlier than the dense network.",
        effect=TIMES,
        measure=EARLY,
        levels=(level,),
        number=speed,
        direction="two-sided",
        tolerance=round(0.19 * speed, 2),
        rationale=CIFAR,
    )


def _best(study: str, last: int, gain: float) -> Claim:
    """The claim on a Conv network's gain at its best level; `last` is its last level above 2 %."""
    return Claim(
        id=f"C2-{study}",
        study=study,
        recipe=study,
        source="[FC] section 3",
        statement="At the best level tickets are more accurate than the dense network.",
        effect=GAIN,
        measure=AT_EARLY,
        estimator="best",
        levels=tuple(range(1, last + 5)),
        number=gain,
        direction="two-sided",
        tolerance=0.3,
        rationale=CIFAR,
    )


def _above_2_percent(study: str, last: int) -> Claim:
    """The claim that a Conv network gains at every level above 2 %, of which `last` is the last."""
    return Claim(
        id=f"C3-{study}",
        study=study,
        recipe=study,
        source="[FC] section 3",
        statement="Tickets are more accurate than the dense network above 2 % density.",
        effect=GAIN,
        measure=AT_EARLY,
        estimator="range",
        levels=tuple(range(1, last + 1)),
        scan=tuple(range(1, last + 5)),
        direction="level",
        tolerance=2,
        rationale=LEVELS,
        size=0.3,
    )


def _falls(study: str, last: int) -> Claim:
    """The claim that a reinitialised Conv net holds its accuracy at first and loses it later, up to level `last`."""
    middle = (3 + last) // 2
    return Claim(
        id=f"C4-{study}",
        study=study,
        recipe=study,
        source="[FC] section 3",
        statement="With fresh weights accuracy holds or rises at first, then falls.",
        words="after the first levels",
        effect=GAIN,
        measure=AT_EARLY,
        arm="reinit",
        against=DENSE,
        estimator="falls below",
        levels=(middle,),
        scan=tuple(range(1, last + 1)),
        number=middle,
        direction="level",
        tolerance=last - middle,
        rationale=AT_FIRST,
        size=0.3,
    )


def _at_the_end(id: str, study: str, level: int, **fields: Any) -> Claim:
    """A claim on the accuracy of tickets after training: no worse than the dense network's, unless `fields` differ."""
    usual: dict[str, Any] = {
        "recipe": study,
        "against_recipe": study,
        "source": "[FC] section 4",
        "number": 0.0,
        "direction": "no worse",
        "tolerance": 0.3,
        "rationale": CIFAR,
    }
    return Claim(id=id, study=study, effect=GAIN, measure=AT_END, levels=(level,), **(usual | fields))


DEEP = (
    _at_the_end(
        id="R1-rate",
        study="resnet18",
        source="[FC] Fig. 8",
        statement="At learning rate 0.1 tickets are as accurate as their masks with fresh weights.",
        level=7,
        against="reinit",
        direction="no difference",
    ),
    _at_the_end(
        id="R1-low-rate",
        study="resnet18",
        recipe="resnet18-low-rate",
        source="[FC] Fig. 8",
        statement="At rate 0.01 tickets come within 1 pp of the dense network trained at 0.1.",
        level=7,
        tolerance=1.3,
        rationale=WITHIN,
    ),
    _at_the_end(
        id="R2",
        study="resnet18",
        recipe="resnet18-warmup",
        against_recipe="resnet18-warmup",
        statement="With warmup to 0.03, tickets of level 10 (11.8 % of all) match the dense network.",
        level=10,
    ),
    _at_the_end(
        id="V1-rate",
        study="vgg19",
        source="[FC] Fig. 7",
        statement="At learning rate 0.1 tickets are as accurate as their masks with fresh weights.",
        level=7,
        against="reinit",
        direction="no difference",
    ),
    _at_the_end(
        id="V1-low-rate",
        study="vgg19",
        recipe="vgg19-low-rate",
        against_recipe="vgg19-low-rate",
        source="[FC] Fig. 7",
        statement="At rate 0.01 tickets of level 15 (3.5 %) come within 1 pp of the dense one.",
        level=15,
        tolerance=1.3,
        rationale=WITHIN,
    ),
    _at_the_end(
        id="V2",
        study="vgg19",
        recipe="vgg19-warmup",
        against_recipe="vgg19-warmup",
        statement="With warmup to 0.1, tickets of level 19 (1.5 %) match the dense network.",
        level=19,
    ),
    *(
        _at_the_end(
            id=f"S1-{network}",
            study=network,
            recipe=f"{network}-rewind",
            source="[FDRC19] abstract",
            statement="Rewound to iteration k > 0, tickets beat those rewound to 0.",
            level=7,
            against="ticket",
            direction="lower bound",
            tolerance=0.1,
            rationale=UNNUMBERED,
            size=0.3,
        )
        for network in ("resnet18", "vgg19")
    ),
)
OTHERS = (
    _fastest("conv2", level=11, speed=3.5),
    _best("conv2", last=17, gain=3.4),
    _above_2_percent("conv2", last=17),
    _fastest("conv4", level=12, speed=3.5),
    _best("conv4", last=21, gain=3.5),
    _above_2_percent("conv4", last=21),
    _fastest("conv6", level=10, speed=2.5),
    _best("conv6", last=21, gain=3.3),
    _above_2_percent("conv6", last=21),
    _falls("conv2", last=21),
    _falls("conv4", last=25),
    *DEEP,
)

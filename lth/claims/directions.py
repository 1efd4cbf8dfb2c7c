"""What a claim of a later paper may say: that one side is above another, as good, the same, or stable.

All are about test accuracy at early stop of the reduced protocol, averaged over two levels, unless they say otherwise.
"""

from dataclasses import replace
from typing import Any

from lth.claims.claim import GAIN, Claim
from lth.claims.tolerances import STABLE, THIRD, UNNUMBERED
from lth.statistics.paired import AT_EARLY, BARRIER

PROTOCOL = "protocol"
LINEAR = "Frankle et al. 2020 (1912.05671), notes"
WHERE = (3, 4)  # 14 and 7 % of the weights: where tickets lead fresh weights most before training ends too early


def higher(id: str, study: str, source: str, statement: str, **sides: Any) -> Claim:
    """That one side is above the other, by whatever there is."""
    return comparison(id, study, source, statement, "lower bound", 0.1, UNNUMBERED, sides)


def as_good(id: str, study: str, source: str, statement: str, **sides: Any) -> Claim:
    """That one side is not below the other by more than a third of what tickets have over fresh weights."""
    return comparison(id, study, source, statement, "no worse", 0.3, THIRD, sides)


def same(id: str, study: str, source: str, statement: str, **sides: Any) -> Claim:
    """That the sides differ by no more than a third of what tickets have over fresh weights."""
    return comparison(id, study, source, statement, "no difference", 0.3, THIRD, sides)


def comparison(
    id: str, study: str, source: str, statement: str, direction: str, tolerance: float, rationale: str, sides: Any
) -> Claim:
    """A claim on the difference of two sides, in percentage points; `sides` are further fields of Claim."""
    return Claim(
        id=id,
        study=study,
        source=source,
        statement=statement,
        effect=GAIN,
        direction=direction,
        tolerance=tolerance,
        rationale=rationale,
        **{"recipe": PROTOCOL, "measure": AT_EARLY, "levels": WHERE, "number": 0.0, "size": 0.3} | sides,
    )


def stable(id: str, study: str, statement: str, **sides: Any) -> Claim:
    """That networks are linearly connected: the barrier on test images is below two points."""
    claim = comparison(id, study, LINEAR, statement, "no difference", 2.0, STABLE, {"against": "nothing"} | sides)
    return replace(claim, measure=BARRIER, table="barriers")

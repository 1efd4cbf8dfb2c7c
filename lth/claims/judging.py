"""The rule: which verdict an interval gives a claim, and how claims about levels are judged."""

import math
from dataclasses import dataclass, replace

from lth.claims.claim import Claim
from lth.claims.words import number
from lth.statistics import paired
from lth.statistics.bootstrap import Estimate, Interval

NUMBERS = ("two-sided", "larger is stronger", "lower bound", "upper bound")  # directions that can be met to the letter


@dataclass(frozen=True)
class Verdict:
    """What the records say about a claim.

    verdict: a word of words.VERDICTS; narrowly: it is "replicated", but not to the letter, within its tolerance only.
    estimate, low, high: the estimate and its 95 % interval in the unit of `claim.told_in`, None where there is none.
    n: the trials it rests on; needed: those needed for 80 % power, None where unknown or above power.MOST_TRIALS.
    stretch: for a claim about a range of levels, those at which the effect holds. note: what else there is to say.
    """

    claim: Claim
    verdict: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    needed: int | None = None
    stretch: str = ""
    narrowly: bool = False
    note: str = ""


def judge(claim: Claim, interval: Interval | Estimate) -> str:
    """The verdict on an interval: positive effects (above `claim.no_effect`) are the claimed direction.

    A two-sided number, widened by its tolerance, must be covered; a claim that is stronger when larger may also be
    exceeded; a bound must be satisfied by the whole interval. "No difference" is replicated by an interval within the
    tolerance and not replicated by one wholly outside it; "no worse" asks this of the side below only.
    """
    if interval.low is None:
        return "inconclusive"
    if claim.direction in ("no difference", "no worse"):
        least, most = -claim.tolerance, claim.tolerance if claim.direction == "no difference" else math.inf
        if interval.within(least, most):
            return "replicated"
        return "not replicated" if interval.below(least) or interval.above(most) else "inconclusive"
    if interval.within(-math.inf, claim.no_effect):
        return "not replicated"
    if not interval.above(claim.no_effect):
        return "inconclusive"
    claimed = claim.number or 0.0
    least, most = round(claimed - claim.tolerance, 9), round(claimed + claim.tolerance, 9)  # 0.35 + 0.1 is 0.45
    meets = {
        "two-sided": not interval.above(most) and not interval.below(least),
        "larger is stronger": not interval.below(least),
        "lower bound": interval.within(least, math.inf),
        "upper bound": interval.within(-math.inf, most),
        "level": True,  # its levels are judged apart
    }
    return "replicated" if meets[claim.direction] else "direction only"


def narrowly(claim: Claim, estimate: Estimate) -> bool:
    """Whether a claim of a number is replicated within its tolerance only."""
    if claim.direction not in NUMBERS or judge(claim, estimate) != "replicated":
        return False
    return judge(replace(claim, tolerance=0.0), estimate) != "replicated"


def judge_fall(at_claimed: Verdict, by_level: dict[int, Estimate]) -> Verdict:
    """The verdict on the level from which accuracy falls below, given the difference at the claimed level."""
    claim, level, deepest = at_claimed.claim, paired.falls_below(by_level), by_level[max(by_level)]
    assert at_claimed.estimate is not None
    if level is not None:
        assert claim.number is not None
        verdict = "replicated" if abs(level - claim.number) <= claim.tolerance else "direction only"
    else:
        verdict = "not replicated" if deepest.within(0, math.inf) else "inconclusive"
    interval = ""
    if at_claimed.low is not None and at_claimed.high is not None:
        interval = f" [{number(at_claimed.low, '{:.2f}')}, {number(at_claimed.high, '{:.2f}')}]"
    return replace(
        at_claimed,
        verdict=verdict,
        estimate=level,
        low=None,
        high=None,
        narrowly=verdict == "replicated" and level != claim.number and not claim.words,
        note=f"at level {claim.levels[0]}: {number(at_claimed.estimate, '{:+.2f}')} pp{interval}",
    )


def judge_range(inside: Verdict, by_level: dict[int, Estimate]) -> Verdict:
    """The verdict on a range of levels, given the effect `inside` it: both ends must be met as well."""
    claim, ends = inside.claim, paired.stretch(by_level)
    if ends is None:
        off, stretch = math.inf, "at no single level"
    else:
        off = max(abs(ends[0] - claim.levels[0]), abs(ends[1] - claim.levels[-1]))
        stretch = f"levels {ends[0]} to {ends[1]}"
    if inside.verdict == "replicated" and off > claim.tolerance:
        return replace(inside, verdict="direction only", stretch=stretch)
    return replace(inside, stretch=stretch, narrowly=inside.verdict == "replicated" and off > 0)

"""What a claim of the paper is: which effect it is about, and how the paper's number is scored."""

from dataclasses import dataclass

from lth.statistics import paired
from lth.statistics.paired import DENSE


@dataclass(frozen=True)
class Effect:
    """How two sides are compared, and how the numbers that come of it are written.

    compare: (ours, theirs, axis) -> effects, None for a level, which is not computed but found.
    unit: what follows a number; opposite: what follows a negative one instead of a minus sign before it.
    short_unit: what follows a margin around no effect; tolerance_unit: what follows a tolerance.
    form: of a number, such as "{:.2f}"; axis: a figure's label; no_effect: the number that means none.
    """

    compare: paired.Effect | None
    unit: str
    form: str
    axis: str
    no_effect: float = 0.0
    opposite: str = ""
    short_unit: str = ""
    tolerance_unit: str = ""


SOONER = Effect(
    compare=paired.sooner,
    unit="% earlier",
    opposite="% later",
    short_unit="%",
    tolerance_unit="points",
    form="{:.1f}",
    axis="earlier early stop (%)",
)
TIMES = Effect(
    compare=paired.times,
    unit="× as fast",
    short_unit="× as fast",
    form="{:.2f}",
    axis="times as fast to early stop",
    no_effect=1.0,
)
GAIN = Effect(
    compare=paired.gain,
    unit="pp",
    short_unit="pp",
    tolerance_unit="pp",
    form="{:+.2f}",
    axis="difference in test accuracy (percentage points)",
)
LEVEL = Effect(
    compare=None,
    unit="level",
    tolerance_unit="levels",
    form="{:.0f}",
    axis="pruning level from which accuracy falls below",
)
BY_UNIT = {effect.unit: effect for effect in (SOONER, TIMES, GAIN, LEVEL)}


@dataclass(frozen=True)
class Claim:
    """One claim: an effect of an arm, compared with another arm or the dense network, on one measure.

    study: whose records judge it; recipe: of that study, with which the arm was trained; against_recipe: with which the
        other side was, where that is another one.
    source, statement: where the paper says it, and what it says in a sentence; words: in few, where `number` is not
        the paper's.
    measure: one of paired.MEASURES or paired.INSTRUMENTS; arm, against: an arm each, or DENSE, or what stands in
        the place of an arm in `table`.
    levels: the levels that it is about; scan: all levels that are looked at, for the estimators that search.
    estimator: "mean" (over `levels`), "best" (the best of `levels`), "falls below" (level `number`; the others of
        `scan` are looked at), "range" (the effect holds at `levels` and, within `scan`, nowhere else).
    number, tolerance: in the unit of the effect, or levels where the direction is "level"; None: no number is claimed.
    direction: "two-sided", "larger is stronger", "lower bound", "upper bound", "no difference", "no worse" or "level".
    rationale: why the tolerance is what it is.
    size: the effect for which the needed trials are computed, where the paper gives no number.
    table: what of the study's records holds the measure: "runs", or one of lth.claims.evidence.TABLES.
    """

    id: str
    study: str
    recipe: str
    source: str
    statement: str
    effect: Effect
    measure: str
    levels: tuple[int, ...]
    arm: str = "ticket"
    against: str = DENSE
    against_recipe: str = ""
    estimator: str = "mean"
    scan: tuple[int, ...] = ()
    number: float | None = None
    direction: str = "two-sided"
    tolerance: float = 0.0
    rationale: str = ""
    size: float | None = None
    words: str = ""
    table: str = "runs"

    @property
    def compare(self) -> paired.Effect:
        """How its two sides are compared."""
        assert self.effect.compare is not None
        return self.effect.compare

    @property
    def no_effect(self) -> float:
        """The value that means no effect."""
        return self.effect.no_effect

    @property
    def told_in(self) -> Effect:
        """What its estimate is a number of: its effect, or a level."""
        return LEVEL if self.estimator == "falls below" else self.effect

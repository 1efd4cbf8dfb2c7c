"""The three figures of the 2020 report, as read off, and what a study's records say about each point.

The report is Back de Luca, "Testing the Lottery Ticket Hypothesis" (2020). The values were read off its figures by eye.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lth.records.published import Records
from lth.report import text as report_text
from lth.report import verdicts
from lth.report.selections import run_keys
from lth.report.text import number
from lth.statistics import bootstrap
from lth.statistics.bootstrap import MissingRecords
from lth.statistics.paired import AT_EARLY, AT_END, DENSE, EARLY, Side, estimate, gain, paired, sooner

CONTROL = "control"  # in the place of the arm that is compared with the tickets
ARMS = {"ticket": "tickets", CONTROL: "fresh weights"}
WORDS = verdicts.REPORT
NEAR = 1.15  # a density is one of ours where the two differ by less than this factor: levels are 1.25 apart
IN_FIGURE_1 = (0.1, 0.99)  # the densities between which the report's Figure 1 draws its control as well


@dataclass(frozen=True)
class Point:
    """Something a figure of the report shows, and the rule by which ours agrees.

    `densities` in percent: the ones it names, or (all from, down to) where `span`. `within`: the range in which all
    means of the `arms` must lie; or None, where the two arms coincide as far as the figure can show: within
    `resolution` (percentage points, or percent of the early-stop iteration).
    """

    figure: int
    seen: str
    measure: str
    arms: tuple[str, ...]
    densities: tuple[float, ...]
    span: bool = False
    within: tuple[float, float] | None = None
    resolution: float = 0.0


BOTH = tuple(ARMS)
# A figure was read off within a range; what is larger than half that range is a difference that it can show.
POINTS = (
    Point(1, "Dense network and tickets with 51.3% and 21.1% of the weights level off at 97.5 to 98.1%.", AT_END,
          ("ticket",), (100, 51.3, 21.1), within=(0.975, 0.981)),
    Point(1, "Tickets with 3.6% level off at 95.5 to 96.5%.", AT_END, ("ticket",), (3.6,), within=(0.955, 0.965)),
    Point(1, "Fresh weights coincide with the tickets at 51.3%.", AT_END, BOTH, (51.3,), resolution=0.3),
    Point(1, "Fresh weights coincide with the tickets at 21.1%.", AT_END, BOTH, (21.1,), resolution=0.3),
    Point(2, "From 100% to about 15% of the weights, both are at 97.8 to 98.2%.", AT_EARLY, BOTH, (100, 15), span=True,
          within=(0.978, 0.982)),
    Point(2, "From 100% to about 15%, both coincide.", AT_EARLY, BOTH, (99, 15), span=True, resolution=0.2),
    Point(2, "Below 15%, both fall together.", AT_EARLY, BOTH, (15, 1), span=True, resolution=0.2),
    Point(2, "Near 1%, both are below 96%.", AT_EARLY, BOTH, (1,), within=(0, 0.96)),
    Point(3, "From 100% to about 15%, both stop at iteration 3,000 to 6,000.", EARLY, BOTH, (100, 15), span=True,
          within=(3000, 6000)),
    Point(3, "From 100% to about 15%, both coincide.", EARLY, BOTH, (99, 15), span=True, resolution=33),
    Point(3, "Below 15%, both rise together.", EARLY, BOTH, (15, 1), span=True, resolution=33),
    Point(3, "Near 1%, both stop later than iteration 20,000.", EARLY, BOTH, (1,), within=(20_000, math.inf)),
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What the records say about a point: in words, one of WORDS, and over how many trials.

    by_arm: of a point with a range, the range of our means, by arm.
    """

    point: Point
    ours: str
    word: str
    n: int = 0
    by_arm: dict[str, str] = field(default_factory=dict)


def answer(point: Point, runs: pd.DataFrame, control: str = "reinit") -> Answer:
    """Judge a point by a study's `runs`, in which `control` is the arm that the tickets are compared with.

    A range agrees where every mean lies inside and differs where some 95 % interval lies wholly outside. Coinciding
    agrees where the interval of the paired difference lies within the resolution, and differs where it excludes zero
    and reaches beyond the resolution. Anything else, and a single trial, cannot tell.
    """
    arms = [control if arm == CONTROL else arm for arm in point.arms]
    try:
        levels = _levels(point, runs)
        generator = bootstrap.seeded(point.seen)
        judge = _range if point.within else _coincide
        return judge(point, runs, arms, levels, generator)
    except MissingRecords as error:
        return Answer(point, str(error), "no records")


def _levels(point: Point, runs: pd.DataFrame) -> list[int]:
    """The levels that a point is about; MissingRecords where the tickets do not reach them."""
    densities = 100 * runs[runs["arm"] == "ticket"].groupby("level")["density"].mean()
    if point.span:
        most, least = point.densities
        levels = densities.index[(densities <= most) & (densities >= least)].tolist()
        if not levels or densities.min() > least * NEAR:
            raise MissingRecords(f"the records do not reach {least:g}% of the weights")
        return levels
    distances = {wanted: np.abs(np.log(densities / wanted)) for wanted in point.densities}
    far = [wanted for wanted, off in distances.items() if off.min() > math.log(NEAR)]
    if far:
        raise MissingRecords(f"the records hold no network with about {far[0]:g}% of the weights")
    return [int(off.idxmin()) for off in distances.values()]


def _range(point: Point, runs: pd.DataFrame, arms: list[str], levels: list[int], generator) -> Answer:
    """Whether every arm's mean lies within the point's range at every level."""
    words, by_arm, counts = set(), {}, []
    for name, arm in zip(point.arms, arms, strict=True):
        values, _ = paired([Side(runs, arm, levels), Side(runs, DENSE, levels)], point.measure)  # (trials, levels)
        counts.append(len(values))
        words |= {_in_range(point, column, generator) for column in values.T}
        means = values.mean(axis=0)
        by_arm[name] = " to ".join(_value(point.measure, end) for end in sorted({means.min(), means.max()}))
    if min(counts) == 1:
        words.add("cannot tell")
    word = next(word for word in ("differs", "cannot tell", "agrees") if word in words)
    ours = ", ".join(f"{ARMS[name]} {text}" for name, text in by_arm.items())
    return Answer(point, ours, word, min(counts), by_arm)


def _in_range(point: Point, values: np.ndarray, generator: np.random.Generator) -> str:
    """The word on one arm at one level, by its value in each trial, (trials,)."""
    assert point.within is not None
    least, most = point.within
    mean = bootstrap.estimate(lambda trials: values[trials].mean(-1), len(values), generator)
    if mean.above(most) or mean.below(least):
        return "differs"
    return "agrees" if least <= values.mean() <= most else "cannot tell"


def _value(measure: str, value: float) -> str:
    """An iteration, or an accuracy in percent."""
    return f"{value:,.0f}" if measure == EARLY else f"{100 * value:.2f}%"


def _coincide(point: Point, runs: pd.DataFrame, arms: list[str], levels: list[int], generator) -> Answer:
    """Whether the two arms differ by no more than the figure can show, on average over the levels."""
    sides = [Side(runs, arm, levels) for arm in arms]
    tickets, controls = (side.mean(axis=1) for side in paired(sides, point.measure))
    early = point.measure == EARLY
    difference = estimate(sooner if early else gain, tickets, controls, generator)
    form, better, worse = ("{:.0f}", "% earlier", "% later") if early else ("{:.2f}", " points ahead", " points behind")
    sign, unit = (-1, worse) if difference.value < 0 else (1, better)
    text = f"tickets {form.format(sign * difference.value)}{unit}"
    if difference.low is None or difference.high is None:
        return Answer(point, text, "cannot tell", difference.n)
    if difference.within(-point.resolution, point.resolution):
        word = "agrees"
    else:
        word = "differs" if difference.above(0) or difference.below(0) else "cannot tell"
    low, high = sorted((sign * difference.low, sign * difference.high))
    return Answer(point, f"{text} [{number(low, form)}, {number(high, form)}]", word, difference.n)


def answers(runs: pd.DataFrame, figure: int | None = None, control: str = "reinit") -> list[Answer]:
    """The answers to all points, or to those of one figure."""
    return [answer(point, runs, control) for point in POINTS if figure in (None, point.figure)]


def resolution(figure: int) -> float:
    """How large a difference between its arms a figure of the report can show (see Point)."""
    return max(point.resolution for point in POINTS if point.figure == figure)


def table(given: Sequence[Answer]) -> str:
    """Point by point: what the report saw, what we see."""
    rows = [(reply.point.seen, reply.ours, reply.n or "–", reply.word) for reply in given]
    return report_text.table(("The report's figure", "Our records", "n", "Ours"), rows)


def summary(given: Sequence[Answer]) -> str:
    """How many points have which word: "5 of 12 points agree, 6 differ, …"."""
    words = [reply.word for reply in given]
    plural = {"differs": "differ", "cannot tell": "cannot be told", "no records": "have no records"}
    first = f"{words.count('agrees')} of {len(words)} points agree"
    return ", ".join([first, *(f"{words.count(word)} {plural[word]}" for word in plural if word in words)])


def as_in_2020(records: Records, figure: int, control: str = "reinit") -> Records:
    """The records of the arms that the report's figure shows; in its Figure 1 the control at two densities only."""
    runs = records.runs[records.runs["arm"].isin(["ticket", control])]
    if figure == 1:
        runs = runs[(runs["arm"] == "ticket") | runs["density"].between(*IN_FIGURE_1)]
    keys = run_keys(runs)
    return replace(records, runs=runs, curves=records.curves.merge(runs[keys], on=keys))

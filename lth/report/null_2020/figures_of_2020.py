"""The three figures of the 2020 report, as read off, and what a study's records say about each point.

The report is Back de Luca, "Testing the Lottery Ticket Hypothesis" (2020). The values were read off its figures by eye.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lth.records.published import Records
from lth.report import text as report_text
from lth.statistics.bootstrap import MissingRecords
from lth.statistics.paired import DENSE, estimate, gain, paired, sooner

EARLY, AT_EARLY, AT_END = "early_stop_iteration", "early_stop_test_acc", "final_test_acc"
ARMS = {"ticket": "tickets", "reinit": "fresh weights"}
WORDS = ("agrees", "differs", "cannot tell", "no records")
NEAR = 1.15  # a density is one of ours where the two differ by less than this factor: levels are 1.25 apart


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
POINTS = (  # a comparison between arms can show what is larger than half the width of the range its figure was read in
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
    """What the records say about a point: in words, one of WORDS, and over how many trials."""

    point: Point
    ours: str
    word: str
    n: int = 0


def answer(point: Point, runs: pd.DataFrame) -> Answer:
    """Judge a point by a study's `runs`.

    A range agrees where every mean lies inside and differs where some 95 % interval lies wholly outside. Coinciding
    agrees where the interval of the paired difference lies within the resolution, and differs where it excludes zero
    and reaches beyond the resolution. Anything else, and a single trial, cannot tell.
    """
    try:
        levels = _levels(point, runs)
        generator = np.random.default_rng(list(point.seen.encode()))
        return (_range if point.within else _coincide)(point, runs, levels, generator)
    except MissingRecords as error:
        return Answer(point, str(error), "no records")


def _levels(point: Point, runs: pd.DataFrame) -> list[int]:
    """The levels that a point is about; MissingRecords where the tickets do not reach them."""
    densities = 100 * runs[runs["arm"] == "ticket"].groupby("level")["density"].mean()
    if point.span:
        most, least = point.densities
        found = densities.index[(densities <= most) & (densities >= least)].tolist()
        if not found or densities.min() > least * NEAR:
            raise MissingRecords(f"the records do not reach {least:g}% of the weights")
        return found
    off = {wanted: np.abs(np.log(densities / wanted)) for wanted in point.densities}
    far = [wanted for wanted, distance in off.items() if distance.min() > math.log(NEAR)]
    if far:
        raise MissingRecords(f"the records hold no network with about {far[0]:g}% of the weights")
    return [int(distance.idxmin()) for distance in off.values()]


def _mean(ours, theirs, axis=-1):
    return ours.mean(axis)


def _range(point: Point, runs: pd.DataFrame, levels: list[int], generator: np.random.Generator) -> Answer:
    words, texts, counts, (least, most) = set(), [], [], point.within
    for arm in point.arms:
        values, _ = paired(runs, point.measure, arm, DENSE, levels)
        means = values.mean(axis=0)
        counts.append(len(values))
        for i, mean in enumerate(means):
            one = estimate(_mean, values[:, i], values[:, i], generator)
            outside = one.low is not None and (one.low > most or one.high < least)
            words.add("differs" if outside else "agrees" if least <= mean <= most else "cannot tell")
        ends = [_value(point.measure, end) for end in sorted({means.min(), means.max()})]
        texts.append(f"{ARMS[arm]} {' to '.join(ends)}")
    if min(counts) == 1:
        words.add("cannot tell")
    word = next(word for word in ("differs", "cannot tell", "agrees") if word in words)
    return Answer(point, ", ".join(texts), word, min(counts))


def _value(measure: str, value: float) -> str:
    return f"{value:,.0f}" if measure == EARLY else f"{100 * value:.2f}%"


def _coincide(point: Point, runs: pd.DataFrame, levels: list[int], generator: np.random.Generator) -> Answer:
    tickets, fresh = (side.mean(axis=1) for side in paired(runs, point.measure, *point.arms, levels))
    early = point.measure == EARLY
    one = estimate(sooner if early else gain, tickets, fresh, generator)
    form, better, worse = ("{:.0f}", "% earlier", "% later") if early else ("{:.2f}", " points ahead", " points behind")
    sign, unit = (-1, worse) if one.value < 0 else (1, better)
    text = f"tickets {form.format(sign * one.value)}{unit}"
    if one.low is None:
        return Answer(point, text, "cannot tell", one.n)
    if -point.resolution <= one.low and one.high <= point.resolution:
        word = "agrees"
    else:
        word = "differs" if one.low > 0 or one.high < 0 else "cannot tell"
    interval = ", ".join(form.format(end) for end in sorted((sign * one.low, sign * one.high)))
    return Answer(point, f"{text} [{interval}]".replace("-", "−"), word, one.n)


def answers(runs: pd.DataFrame, figure: int | None = None) -> list[Answer]:
    """The answers to all points, or to those of one figure."""
    return [answer(point, runs) for point in POINTS if figure in (None, point.figure)]


def resolution(figure: int) -> float:
    """How large a difference between its arms a figure of the report can show (see Point)."""
    return max(point.resolution for point in POINTS if point.figure == figure)


def table(found: Sequence[Answer]) -> str:
    """Point by point: what the report saw, what we see."""
    rows = [(one.point.seen, one.ours, one.n or "–", one.word) for one in found]
    return report_text.table(("The report's figure", "Our records", "n", "Ours"), rows)


def summary(found: Sequence[Answer]) -> str:
    """How many points have which word: "5 of 12 points agree, 6 differ, …"."""
    words = [one.word for one in found]
    plural = {"differs": "differ", "cannot tell": "cannot be told", "no records": "have no records"}
    first = f"{words.count('agrees')} of {len(words)} points agree"
    return ", ".join([first, *(f"{words.count(w)} {plural.get(w, w)}" for w in WORDS[1:] if w in words)])


def as_in_2020(records: Records, figure: int) -> Records:
    """The records of the arms that the report's figure shows; in its Figure 1 fresh weights at two densities only."""
    runs = records.runs[records.runs["arm"].isin(BOTH)]
    if figure == 1:
        runs = runs[(runs["arm"] == "ticket") | ((runs["density"] < 0.99) & (runs["density"] > 0.1))]
    keys = ["recipe", "arm", "trial", "draw", "level"]
    return replace(records, runs=runs, curves=records.curves.merge(runs[keys], on=keys))

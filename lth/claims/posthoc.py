"""Post hoc: what was asked of the claims once their verdicts were known. No registered verdict changes by it.

Intervals are t intervals, those of ratios from their logarithms; those of levels are percentiles of resampled trials.
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from lth.claims.claim import GAIN, SOONER, Claim
from lth.claims.paper import CLAIMS
from lth.records.selections import density_at
from lth.statistics import bootstrap, paired, power, prediction
from lth.statistics.bootstrap import Estimate, Interval, Statistic
from lth.statistics.paired import Side

FIVE = 5  # trials of the paper
MARGIN = 0.1  # percentage points, which the paper's figures can show
MANY = 200  # trials, ten times those of the study: what takes more sits on a limit


def sides(claim: Claim, runs: pd.DataFrame, measure: str = "") -> tuple[np.ndarray, np.ndarray, list[int]]:
    """The two sides of a claim, (trials, levels) each, and the levels that it looks at, on its measure or another."""
    levels = list(claim.scan or claim.levels)
    both = Side(runs, claim.arm, levels), Side(runs, claim.against, levels)
    ours, theirs = paired.paired(both, measure or claim.measure)
    return ours, theirs, levels


def estimate(claim: Claim, runs: pd.DataFrame, measure: str = "", level: int | None = None) -> Estimate:
    """The mean effect over the claimed levels, or at a single level, with its t interval, in the claim's unit."""
    return _told(claim, _additive(claim, runs, measure, level))


def repeat(claim: Claim, runs: pd.DataFrame, trials: int = FIVE) -> Interval:
    """Between which limits a repeat of so many trials would have printed its number, in the unit of `told_in`.

    Of the best level it is the largest mean of all levels, as one reads it off a figure; of "falls below" the level
    from which the mean lies more than MARGIN below.
    """
    if claim.estimator not in ("best", "falls below"):
        ends = prediction.of_repeat(_additive(claim, runs), trials)
        return Interval(*(None if end is None else _in_unit(claim, end) for end in (ends.low, ends.high)))
    ours, theirs, levels = sides(claim, runs)
    if len(ours) == 1:
        return Interval(None, None)
    generator = bootstrap.seeded(f"{claim.id} repeat")
    of = _largest(ours, theirs) if claim.estimator == "best" else _first_below(ours, theirs, levels)
    return prediction.resampled_repeat(of, len(ours), trials, generator)


def falls_from(claim: Claim, runs: pd.DataFrame) -> Estimate:
    """The level from which the mean difference lies more than MARGIN below 0, there and at every later level."""
    ours, theirs, levels = sides(claim, runs)
    return bootstrap.estimate(_first_below(ours, theirs, levels), len(ours), bootstrap.seeded(f"{claim.id} margin"))


def best(claim: Claim, runs: pd.DataFrame, measure: str) -> Estimate:
    """The gain at the best level (see paired.best_gain) over all dense networks of a trial, not the ticket's alone.

    A dense network with fresh weights, the level 0 of `reinit`, is one as well.
    """
    ours, theirs, _ = sides(replace(claim, scan=()), with_all_dense(runs), measure)
    return paired.best_gain(ours, theirs, bootstrap.seeded(f"{claim.id} {measure}"))


def with_all_dense(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs in which every dense network of a trial counts as the ticket's: level 0 of `reinit` is one as well."""
    return runs.assign(arm=runs["arm"].where(runs["level"] > 0, "ticket"))


def by_level(claim: Claim, runs: pd.DataFrame) -> pd.DataFrame:
    """The effect at each level that a claim looks at: level, percent of the weights, mean, low, high, n, claimed."""
    rows = []
    for level in claim.scan or claim.levels:
        found = estimate(claim, runs, level=level)
        row = {"level": level, "percent": 100 * density_at(runs, level), "claimed": level in claim.levels}
        rows.append({**row, "mean": found.value, "low": found.low, "high": found.high, "n": found.n})
    return pd.DataFrame(rows)


def to_tell(claim: Claim, runs: pd.DataFrame) -> int | None:
    """The trials by which an interval would clear the nearest limit, with 80 % power, if the effect is as it is seen.

    The limit is no effect, or a margin around it where nothing is claimed to differ. None above power.MOST_TRIALS.
    """
    limits: tuple[float, ...] = (0.0,)
    if claim.estimator == "best":
        ours, theirs, _ = sides(claim, runs)
        found = paired.best_gain(ours, theirs, bootstrap.seeded(claim.id))
    else:
        found = _additive(claim, runs)
        if claim.direction == "no difference":
            limits = tuple(_from_unit(claim, end) for end in (-claim.tolerance, claim.tolerance))
    if found.deviation is None:
        return None
    return power.trials_needed(min(abs(found.value - limit) for limit in limits), found.deviation)


def remark(verdict: str, needed: int | None) -> str:
    """What is to be said of an inconclusive verdict: how many trials would tell, or that it sits on a limit."""
    if verdict != "inconclusive":
        return ""
    return "on the margin" if needed is None or needed > MANY else f"{needed} trials would tell"


def table(verdicts: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The judged claims of a table of verdicts (see rule.table) on one study's `runs`, with the post hoc columns.

    repeat low, repeat high: what five trials could have printed; remark. Empty where a claim is not tested.
    """
    repeats, remarks = [], []
    for row in verdicts.to_dict("records"):
        claim, judged = CLAIMS[row["claim"]], row["n"] > 0
        repeats.append(repeat(claim, runs) if judged else Interval(None, None))
        remarks.append(remark(row["verdict"], to_tell(claim, runs)) if judged else "")
    ends = {f"repeat {end}": [getattr(each, end) for each in repeats] for end in ("low", "high")}
    added = pd.DataFrame(ends, index=verdicts.index, dtype=float)
    return pd.concat([verdicts, added.assign(remark=remarks)], axis=1)


def _additive(claim: Claim, runs: pd.DataFrame, measure: str = "", level: int | None = None) -> Estimate:
    """The effect over the claimed levels, or at one: a difference, or the logarithm of a ratio; no effect: 0."""
    ours, theirs, levels = sides(claim, runs, measure)
    places = [levels.index(each) for each in (claim.levels if level is None else (level,))]
    one, other = ours[:, places].mean(axis=1), theirs[:, places].mean(axis=1)
    compare = paired.gain if claim.effect == GAIN else paired.log_times
    return prediction.jackknife(lambda trials: compare(one[trials], other[trials]), len(one))


def _told(claim: Claim, found: Estimate) -> Estimate:
    """What `_additive` found, in the claim's unit; the deviation is left out, which has another meaning."""
    value, low, high = (None if end is None else _in_unit(claim, end) for end in (found.value, found.low, found.high))
    assert value is not None
    return replace(found, value=value, low=low, high=high, deviation=None)


def _in_unit(claim: Claim, value: float) -> float:
    """A difference as it is; of the logarithm of "times as early" these times, or percent earlier."""
    if claim.effect == GAIN:
        return value
    return 100 * (1 - math.exp(-value)) if claim.effect == SOONER else math.exp(value)


def _from_unit(claim: Claim, value: float) -> float:
    """The reverse of `_in_unit`."""
    if claim.effect == GAIN:
        return value
    return -math.log(1 - value / 100) if claim.effect == SOONER else math.log(value)


def _largest(ours: np.ndarray, theirs: np.ndarray) -> Statistic:
    """The largest mean gain of all levels, for arrays of trials (..., n)."""
    gains = 100 * (ours - theirs)
    return lambda trials: _means(gains, trials).max(axis=-1)


def _first_below(ours: np.ndarray, theirs: np.ndarray, levels: list[int]) -> Statistic:
    """The level from which the mean gain stays below -MARGIN, one past the last where it does not."""
    gains, known = 100 * (ours - theirs), np.array([*levels, levels[-1] + 1], float)
    return lambda trials: known[paired.first_below(_means(gains, trials), -MARGIN)]


def _means(gains: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """The mean gain at each level, (..., levels), of the gains, (all trials, levels), of `trials`, (..., n)."""
    counts = np.apply_along_axis(np.bincount, -1, trials, minlength=len(gains))
    return counts @ gains / trials.shape[-1]

"""The rule that judges the claims of paper by a study's records, and the table of all verdicts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lth.errors import check_choice
from lth.recipes import RECIPES
from lth.report.claims.paper import CLAIMS, Claim
from lth.report.text import on_copies
from lth.statistics import paired, power
from lth.statistics.bootstrap import Estimate, MissingRecords

EFFECTS = {"sooner": paired.sooner, "times": paired.times, "gain": paired.gain}
NUMBERS = ("two-sided", "larger is stronger", "lower bound", "upper bound")  # directions that can be met to the letter
WITHIN = "within its tolerance only"  # the note on a claim that is replicated, but not to the letter
UNITS = {"sooner": "% earlier", "times": "x faster", "gain": "pp"}


@dataclass(frozen=True)
class Verdict:
    """What the records say about a claim: the estimate with its 95 % interval (None where n = 1), the trials it rests
    on, the verdict, the trials needed for 80 % power (None where unknown or above estimators.MOST_TRIALS), and for a
    claim about a range of levels the stretch at which the effect holds."""

    claim: Claim
    verdict: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    needed: int | None = None
    stretch: str = ""
    note: str = ""


def judge(claim: Claim, low: float | None, high: float | None) -> str:
    """The verdict on an interval: positive effects (above `claim.no_effect`) are the claimed direction.

    A two-sided number, widened by its tolerance, must be covered; a claim that is stronger when larger may also be
    exceeded; a bound must be satisfied by the whole interval. "No difference" is replicated by an interval within the
    tolerance and not replicated by one wholly outside it; "no worse" asks this of the side below only.
    """
    if low is None or high is None:
        return "inconclusive"
    if claim.direction in ("no difference", "no worse"):
        most = claim.tolerance if claim.direction == "no difference" else float("inf")
        if -claim.tolerance <= low and high <= most:
            return "replicated"
        return "not replicated" if low > most or high < -claim.tolerance else "inconclusive"
    if high <= claim.no_effect:
        return "not replicated"
    if low <= claim.no_effect:
        return "inconclusive"
    number = claim.number or 0.0
    least, most = round(number - claim.tolerance, 9), round(number + claim.tolerance, 9)  # 0.35 + 0.1 is 0.45
    meets = {
        "two-sided": low <= most and high >= least,
        "larger is stronger": high >= least,
        "lower bound": low >= least,
        "upper bound": high <= most,
        "level": True,  # its levels are judged apart
    }
    return "replicated" if meets[claim.direction] else "direction only"


def evaluate(claim: Claim | str, runs: pd.DataFrame) -> Verdict:
    """Judge a claim (or its id) by a study's `runs` table. Same runs, same verdict: the bootstrap's generator is
    seeded by the claim's id. LthError for an unknown id and for records that cannot be compared.

    "not tested" where the records do not reach the levels, or were trained for other than the recipe's iterations.
    """
    if isinstance(claim, str):
        check_choice("claim", claim, CLAIMS)
        claim = CLAIMS[claim]
    if claim.recipe and len(runs):
        runs = runs[runs["recipe"].isin({claim.recipe, claim.against_recipe})]
    if runs.empty:
        return Verdict(claim, "not tested", note="no records")
    lengths = {json.loads(spec)["recipe"]["iterations"] for spec in runs["spec"].unique()}
    full = RECIPES[claim.study].iterations
    if lengths != {full}:
        return Verdict(claim, "not tested", note=f"trained for {sorted(lengths)} iterations instead of {full}")
    try:
        verdict = _evaluate(claim, runs, np.random.default_rng(list(claim.id.encode())))
        copies = on_copies(runs).removeprefix(", ")
        return replace(verdict, note="; ".join(filter(None, (verdict.note, copies))))
    except MissingRecords as error:
        return Verdict(claim, "not tested", note=str(error))


def _evaluate(claim: Claim, runs: pd.DataFrame, generator: np.random.Generator) -> Verdict:
    effect, columns = EFFECTS[claim.effect], list(claim.scan or claim.levels)
    sides = [runs[runs["recipe"] == name] if name else runs for name in (claim.recipe, claim.against_recipe)]
    ours, theirs = paired.paired(sides[0], claim.measure, claim.arm, claim.against, columns, sides[1])
    among = sides[0].loc[sides[0]["arm"] == claim.arm, "trial"].nunique()
    notes = [f"{len(ours)} of {among} trials complete"] if len(ours) < among else []
    if claim.estimator == "best":
        means = effect(ours, theirs, axis=0)
        notes.append(f"largest mean {means.max():.2f} at level {columns[int(means.argmax())]}")
        one = paired.best_gain(ours, theirs, generator)
    else:
        here = [columns.index(level) for level in claim.levels]
        chosen = ours[:, here].mean(axis=1), theirs[:, here].mean(axis=1)
        if claim.effect != "gain":
            notes.append(f"mean of single trials: {_as_text(claim, paired.mean_of_ratios(effect, *chosen))}")
        one = paired.estimate(effect, *chosen, generator)
    verdict = Verdict(claim, judge(claim, one.low, one.high), one.value, one.low, one.high, one.n, _needed(claim, one))
    if verdict.verdict == "replicated" and claim.direction in NUMBERS:
        literally = judge(replace(claim, tolerance=0.0), one.low, one.high)
        notes += [WITHIN] if literally != "replicated" else []
    if claim.scan:
        rest = {level: paired.estimate(effect, ours[:, i], theirs[:, i], generator) for i, level in enumerate(columns)}
        verdict = (_fall if claim.estimator == "falls below" else _range)(verdict, rest)
    return replace(verdict, note="; ".join(filter(None, (*notes, verdict.note))))


def _as_text(claim: Claim, value: float) -> str:
    """An effect on the early-stop iteration with its unit."""
    if claim.effect == "times":
        return f"{value:.2f} {UNITS['times']}"
    return f"{abs(value):.1f} % {'later' if value < 0 else 'earlier'}"


def _fall(there: Verdict, by_level: dict[int, Estimate]) -> Verdict:
    """The verdict on the level from which accuracy falls below, given the difference `there` at the claimed level."""
    claim, found, deepest = there.claim, paired.falls_below(by_level), by_level[max(by_level)]
    if found is not None:
        verdict = "replicated" if abs(found - claim.number) <= claim.tolerance else "direction only"
    else:
        verdict = "not replicated" if deepest.low is not None and deepest.low >= 0 else "inconclusive"
    interval = "" if there.low is None else f" [{there.low:.2f}, {there.high:.2f}]"
    note = f"at level {claim.levels[0]}: {there.estimate:+.2f} pp{interval}"
    if verdict == "replicated" and found != claim.number and not claim.words:
        note += f"; {WITHIN}"
    return replace(there, verdict=verdict, estimate=found, low=None, high=None, note=note)


def _range(inside: Verdict, by_level: dict[int, Estimate]) -> Verdict:
    """The verdict on a range of levels, given the effect `inside` it: both ends must be met as well."""
    claim, found = inside.claim, paired.stretch(by_level)
    if found is None:
        off, where = np.inf, "at no single level"
    else:
        off = max(abs(found[0] - claim.levels[0]), abs(found[1] - claim.levels[-1]))
        where = f"levels {found[0]} to {found[1]}"
    met = inside.verdict == "replicated"
    word = "direction only" if met and off > claim.tolerance else inside.verdict
    return replace(inside, verdict=word, stretch=where, note=WITHIN if word == "replicated" and off else "")


def _needed(claim: Claim, one: Estimate) -> int | None:
    """The trials needed to see an effect of the claimed size (or to show that there is none)."""
    if one.deviation is None:
        return None
    if claim.direction == "no difference":
        return power.trials_for_no_difference(claim.tolerance, one.deviation)
    if claim.direction == "no worse":
        return power.trials_needed(claim.tolerance, one.deviation)
    size = claim.size if claim.size is not None else abs(claim.number - claim.no_effect)
    return power.trials_needed(size, one.deviation)


def claimed(claim: Claim) -> str:
    """The claimed number in short, for tables, and how far an estimate may be off."""
    off = f" (±{claim.tolerance:g})"
    if claim.estimator == "range":
        return f"levels {claim.levels[0]} to {claim.levels[-1]}{off}"
    if claim.estimator == "falls below":
        return claim.words or f"level {claim.number}{off}"
    if claim.direction == "no difference":
        return f"no difference (±{claim.tolerance:g} {UNITS[claim.effect].removesuffix(' earlier')})"
    if claim.direction == "no worse":
        return f"at most {claim.tolerance:g} {UNITS[claim.effect]} below"
    bound = {"lower bound": "more than ", "upper bound": "above 0, up to "}.get(claim.direction, "")
    return f"{bound}{claim.number:g} {UNITS[claim.effect]}{off}"


def table(runs_by_study: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a claim, judged by the `runs` of its study; a study that is not given counts as having no records.

    estimate, low and high are in `unit`; `stretch` says at which levels a claim about a range holds. A missing interval
    or count is empty (NaN).
    """
    rows = []
    for claim in CLAIMS.values():
        verdict = evaluate(claim, runs_by_study.get(claim.study, pd.DataFrame()))
        unit = "level" if claim.estimator == "falls below" else UNITS[claim.effect]
        rows.append(
            {"claim": claim.id, "study": claim.study, "statement": claim.statement, "source": claim.source}
            | {"claimed": claimed(claim), "tolerance": claim.tolerance, "unit": unit}
            | {"rationale": claim.rationale}
            | {name: getattr(verdict, name) for name in ("estimate", "low", "high", "n", "verdict", "needed")}
            | {"stretch": verdict.stretch, "note": verdict.note}
        )
    numbers = dict.fromkeys(("tolerance", "estimate", "low", "high"), float) | {"needed": "Int64"}
    return pd.DataFrame(rows).astype(numbers)

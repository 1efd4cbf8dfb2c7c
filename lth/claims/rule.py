"""The claims of the paper judged by a study's records, and the table of all verdicts."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from lth.claims.claim import GAIN, TIMES, Claim
from lth.claims.judging import Verdict, judge, judge_fall, judge_range, narrowly
from lth.claims.paper import CLAIMS, every
from lth.claims.words import number
from lth.errors import check_choice
from lth.records.selections import on_copies
from lth.statistics import bootstrap, paired, power
from lth.statistics.bootstrap import Estimate, MissingRecords
from lth.statistics.paired import Side
from lth.studies.catalogue import STUDIES


def evaluate(claim: Claim | str, runs: pd.DataFrame, recipe: str | None = None) -> Verdict:
    """The verdict on a claim (or on the one with this id) by a study's table `runs`.

    `recipe` names the one whose runs are judged where that is not the claim's own. The same runs give the same verdict:
    the bootstrap's generator is seeded by the claim's id. It is "not tested" where the records do not reach the levels
    or were not trained for the iterations of the claim's recipe. LthError for an unknown id and for records that cannot
    be compared.
    """
    if isinstance(claim, str):
        check_choice("claim", claim, every())
        claim = every()[claim]
    arms, against = recipe or claim.recipe, recipe or claim.against_recipe or claim.recipe
    runs = runs[runs["recipe"].isin({arms, against})] if len(runs) else runs
    if runs.empty:
        return Verdict(claim, "not tested", note="no records")
    lengths = {json.loads(spec)["recipe"]["iterations"] for spec in runs["spec"].unique()}
    full = next(one.iterations for one in STUDIES[claim.study].recipes if one.name == claim.recipe)
    if lengths != {full}:
        return Verdict(claim, "not tested", note=f"trained for {sorted(lengths)} iterations instead of {full}")
    try:
        verdict = _evaluate(claim, runs, arms, against)
    except MissingRecords as error:
        return Verdict(claim, "not tested", note=str(error))
    return replace(verdict, note=_joined(verdict.note, on_copies(runs).removeprefix(", ")))


def _evaluate(claim: Claim, runs: pd.DataFrame, recipe: str, against_recipe: str) -> Verdict:
    """The verdict on a claim by runs of the recipes of its two sides."""
    levels = list(claim.scan or claim.levels)
    sides = (Side(runs, claim.arm, levels, recipe), Side(runs, claim.against, levels, against_recipe))
    ours, theirs = paired.paired(sides, claim.measure)
    trials = runs.loc[(runs["recipe"] == recipe) & (runs["arm"] == claim.arm), "trial"].nunique()
    complete = f"{len(ours)} of {trials} trials complete" if len(ours) < trials else ""
    generator = bootstrap.seeded(claim.id)
    if claim.estimator == "best":
        estimate, note = _of_best(claim, ours, theirs, levels, generator)
    else:
        estimate, note = _of_mean(claim, ours, theirs, levels, generator)
    verdict = Verdict(
        claim,
        judge(claim, estimate),
        estimate.value,
        estimate.low,
        estimate.high,
        estimate.n,
        _needed(claim, estimate),
        narrowly=narrowly(claim, estimate),
    )
    if claim.scan:
        by_level = {
            level: paired.estimate(claim.compare, ours[:, i], theirs[:, i], generator) for i, level in enumerate(levels)
        }
        judge_levels = judge_fall if claim.estimator == "falls below" else judge_range
        verdict = judge_levels(verdict, by_level)
    return replace(verdict, note=_joined(complete, note, verdict.note))


def _of_best(
    claim: Claim, ours: np.ndarray, theirs: np.ndarray, levels: list[int], generator: np.random.Generator
) -> tuple[Estimate, str]:
    """The gain at the best level, with a note on where it was; the sides are (trials, levels)."""
    means = claim.compare(ours, theirs, axis=0)
    best = int(means.argmax())
    estimate = paired.best_gain(ours, theirs, generator)
    return estimate, f"largest mean {number(means[best], '{:.2f}')} at level {levels[best]}"


def _of_mean(
    claim: Claim, ours: np.ndarray, theirs: np.ndarray, levels: list[int], generator: np.random.Generator
) -> tuple[Estimate, str]:
    """The effect over the claimed levels, of ratios with a note on their mean; the sides are (trials, levels)."""
    claimed = [levels.index(level) for level in claim.levels]
    means = ours[:, claimed].mean(axis=1), theirs[:, claimed].mean(axis=1)
    note = ""
    if claim.effect != GAIN:
        note = f"mean of single trials: {_in_words(claim, paired.mean_of_ratios(claim.compare, *means))}"
    return paired.estimate(claim.compare, *means, generator), note


def _joined(*notes: str) -> str:
    """The notes that say something, in a row."""
    return "; ".join(filter(None, notes))


def _in_words(claim: Claim, value: float) -> str:
    """An effect on the early-stop iteration with its unit."""
    if claim.effect == TIMES:
        return f"{value:.2f} {claim.effect.unit}"
    return f"{abs(value):.1f} {claim.effect.opposite if value < 0 else claim.effect.unit}"


def _needed(claim: Claim, estimate: Estimate) -> int | None:
    """The trials needed to see an effect of the claimed size (or to show that there is none)."""
    if estimate.deviation is None:
        return None
    if claim.direction == "no difference":
        return power.trials_for_no_difference(claim.tolerance, estimate.deviation)
    if claim.direction == "no worse":
        return power.trials_needed(claim.tolerance, estimate.deviation)
    size = claim.size
    if size is None:
        assert claim.number is not None
        size = abs(claim.number - claim.no_effect)
    return power.trials_needed(size, estimate.deviation)


def claimed(claim: Claim) -> str:
    """The claimed number in short, for tables, and how far an estimate may be off."""
    off = f" (±{claim.tolerance:g})"
    if claim.estimator == "range":
        return f"levels {claim.levels[0]} to {claim.levels[-1]}{off}"
    if claim.estimator == "falls below":
        return claim.words or f"level {claim.number}{off}"
    if claim.direction == "no difference":
        return f"no difference (±{claim.tolerance:g} {claim.effect.short_unit})"
    if claim.direction == "no worse":
        return f"at most {claim.tolerance:g} {claim.effect.unit} below"
    bound = {"lower bound": "more than ", "upper bound": "above 0, up to "}.get(claim.direction, "")
    return f"{bound}{claim.number:g} {claim.effect.unit}{off}"


def table(runs_by_study: Mapping[str, pd.DataFrame], recipe: str | None = None) -> pd.DataFrame:
    """One row a claim, judged by the `runs` of its study; a study that is not given counts as having no records.

    `recipe` as for `evaluate`. Columns: claim, study, statement, source, claimed, tolerance, unit (that of estimate,
    low and high), rationale, estimate, low, high, n, verdict, needed, stretch, narrowly, note; see Verdict. A missing
    interval or count is empty (NaN).
    """
    return as_table(
        [evaluate(claim, runs_by_study.get(claim.study, pd.DataFrame()), recipe) for claim in CLAIMS.values()]
    )


def as_table(verdicts: Iterable[Verdict]) -> pd.DataFrame:
    """One row a verdict, in the columns of `table`."""
    rows = [
        {
            "claim": verdict.claim.id,
            "study": verdict.claim.study,
            "statement": verdict.claim.statement,
            "source": verdict.claim.source,
            "claimed": claimed(verdict.claim),
            "tolerance": verdict.claim.tolerance,
            "unit": verdict.claim.told_in.unit,
            "rationale": verdict.claim.rationale,
            "estimate": verdict.estimate,
            "low": verdict.low,
            "high": verdict.high,
            "n": verdict.n,
            "verdict": verdict.verdict,
            "needed": verdict.needed,
            "stretch": verdict.stretch,
            "narrowly": verdict.narrowly,
            "note": verdict.note,
        }
        for verdict in verdicts
    ]
    numbers = dict.fromkeys(("tolerance", "estimate", "low", "high"), float) | {"needed": "Int64"}
    return pd.DataFrame(rows).astype(numbers)

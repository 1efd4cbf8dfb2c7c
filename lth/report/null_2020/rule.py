"""Which deviations erase the winning ticket: the rule, and its words.

An effect counts as *gone* where less than a third of the protocol's remains: about what the figures of the 2020 report
could still have hidden (see lth.comparison). It is gone in a measure (speed, accuracy at early stop) where the whole
interval of the share lies below a third, and still there where it lies wholly above. Anything else, fewer than three
trials, and a protocol whose own advantage is not established, cannot tell.
"""

from collections.abc import Sequence

import pandas as pd

from lth.errors import check_choice
from lth.report.null_2020 import advantage
from lth.report.null_2020 import configurations as null_2020_configurations
from lth.report.null_2020.configurations import Configuration
from lth.statistics import bootstrap
from lth.statistics.bootstrap import Estimate, MissingRecords

GONE = 1 / 3
FEWEST = 3  # trials for a verdict
RULING = ("speed", "accuracy")  # both must go
ROLES = ("alone", "left out", "together")
WORDS = {
    "sufficient": "alone it erases the advantage: in speed and in accuracy less than a third of the protocol's is left",
    "for speed only": "alone it erases the advantage in speed, and more than a third of that in accuracy is left",
    "for accuracy only": "alone it erases the advantage in accuracy, and more than a third of that in speed is left",
    "weakens": "more than a third is left in speed or in accuracy, and less than the whole in one of the two",
    "no loss shown": "more than a third is left in speed or in accuracy, and no loss is established in either",
    "necessary": "without it, more than a third is back of an advantage that all together erase",
    "not necessary": "without it, what all together erase stays away: the others suffice",
    "not asked": "all together do not erase the advantage, so that none can be necessary for it",
    "inconclusive": "the intervals cannot tell, there are fewer than three trials, or the protocol shows no advantage",
    "no runs": "its runs are not published yet",
}
NULLS = {  # verdicts on all deviations together that differ in name from those on one
    "reproduced": "of all together: in speed and in accuracy, less than a third of the protocol's advantage is left",
    "not reproduced": "of all together: more than a third is left in speed or in accuracy",
    "reversed": "of all together: no advantage is left, and in speed or in accuracy tickets fall behind their control",
}


def table(
    configurations: Sequence[Configuration], runs: pd.DataFrame, reference: pd.DataFrame, role: str
) -> pd.DataFrame:
    """One row a configuration: effects, shares of the protocol's that remain, n, and its verdict in this `role`.

    Columns: deviation, recipe, control, n, verdict; an "effect" for each measure of advantage.MEASURES and a "share"
    of the protocol's for those that rule and for the "mean" of both, each with its ends ("speed share low").
    `reference` holds the protocol's runs, whose ladder may be another: both are taken at the densities that are judged.
    Rows whose runs are missing have no numbers, and where the protocol shows no advantage there are no shares of it.
    Same runs, same table: the generator is seeded by the configuration.
    """
    check_choice("role", role, ROLES)
    reference = reference[reference["recipe"] == null_2020_configurations.PROTOCOL]
    established = _established(reference)
    rows = []
    for one in configurations:
        row = {"deviation": one.deviation, "recipe": one.recipe, "control": one.control, "n": 0, "verdict": "no runs"}
        try:
            row |= _measured(one, runs, reference, established)
        except MissingRecords:
            rows.append(row)
            continue
        rows.append(row | {"verdict": verdict(row, role) if established else "inconclusive"})
    columns = ["deviation", "recipe", "control", "n", "verdict", *_columns()]
    return pd.DataFrame(rows).reindex(columns=columns)


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by the mean share that remains, the least first; those without runs last."""
    return rows.sort_values("mean share", na_position="last", ignore_index=True)


def standing(row, measure: str) -> str:
    """What has become of the advantage in a measure, in a row of `table`: "gone", "there" or "cannot tell"."""
    if row["n"] < FEWEST:
        return "cannot tell"
    if row[f"{measure} share high"] < GONE:
        return "gone"
    return "there" if row[f"{measure} share low"] > GONE else "cannot tell"


def verdict(row, role: str) -> str:
    """One of WORDS or, in the role "together", of NULLS; rows left out of all are judged in `reconstruction`."""
    stands = {measure: standing(row, measure) for measure in RULING}
    found = list(stands.values())
    if found == ["gone", "gone"]:
        return _null(row) if role == "together" else "sufficient"
    if sorted(found) == ["gone", "there"]:
        return f"for {next(measure for measure in RULING if stands[measure] == 'gone')} only"
    if "there" not in found:
        return "inconclusive"
    if role == "together":
        return "not reproduced"
    return "weakens" if any(row[f"{measure} share high"] < 1 for measure in RULING) else "no loss shown"


def _null(row) -> str:
    """Whether the null is reproduced where both advantages are gone, or tickets lose to their control."""
    if all(row[f"{measure} share low"] > -GONE for measure in RULING):
        return "reproduced"
    lost = any(row[f"{measure} share high"] < -GONE for measure in RULING)
    return "reversed" if lost else "inconclusive"


def left_out(row, together) -> str:
    """The verdict on a deviation, by the row of all others and the row of all `together`, which may erase something."""
    erased = [measure for measure in RULING if standing(together, measure) == "gone"]
    if not erased:
        kept = any(standing(together, measure) == "there" for measure in RULING)
        return "not asked" if kept else "inconclusive"
    stands = [standing(row, measure) for measure in erased]
    if "there" in stands:
        return "necessary"
    return "not necessary" if set(stands) == {"gone"} else "inconclusive"


def _measured(one: Configuration, runs: pd.DataFrame, reference: pd.DataFrame, shares: bool) -> dict:
    """The numbers of one row, with or without shares of the protocol's effect."""
    generator = bootstrap.seeded(f"{one.recipe} {one.control}")
    runs = runs[runs["recipe"] == one.recipe]
    here, there = advantage.judged_levels(runs), advantage.judged_levels(reference)
    if len(here) != len(there):
        raise MissingRecords(f"{one.recipe} and the protocol do not reach the same densities")
    reference = reference.assign(level=reference["level"].map(dict(zip(there, here, strict=True)))).dropna(
        subset=["level"]
    )
    found = {}
    for measure in advantage.MEASURES:
        size = advantage.effect(runs, one, measure, here, generator)
        found |= named(f"{measure} effect", size) | {"n": size.n}
    if not shares:
        return found
    for name, measures in (*((m, (m,)) for m in RULING), ("mean", RULING)):
        share = advantage.remaining(runs, one, reference, measures, here, generator)
        found |= named(f"{name} share", share) | {"n": share.n}
    return found


def _established(reference: pd.DataFrame) -> bool:
    """Whether the protocol itself shows an advantage: intervals above none in every ruling measure."""
    try:
        levels = advantage.judged_levels(reference)
        protocol, generator = Configuration(null_2020_configurations.PROTOCOL), bootstrap.seeded("protocol")
        found = {measure: advantage.effect(reference, protocol, measure, levels, generator) for measure in RULING}
    except MissingRecords:
        return False
    none = {"speed": 1.0}
    return all(one.low is not None and one.low > none.get(measure, 0.0) for measure, one in found.items())


def named(name: str, one: Estimate) -> dict:
    """An estimate and its ends as columns: name, "name low", "name high"."""
    return {name: one.value, f"{name} low": one.low, f"{name} high": one.high}


def _columns() -> list[str]:
    names = [f"{measure} effect" for measure in advantage.MEASURES] + [f"{m} share" for m in (*RULING, "mean")]
    return [column for name in names for column in (name, f"{name} low", f"{name} high")]

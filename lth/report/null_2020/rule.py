"""Which deviations erase the winning ticket: the rule, and the table of its verdicts.

An effect counts as *gone* where less than a third of the protocol's remains: about what the figures of the 2020 report
could still have hidden (see figures_of_2020). It is gone in a measure (speed, accuracy at early stop) where the whole
interval of the share lies below a third, and still there where it lies wholly above. Anything else, fewer than three
trials, and a protocol whose own advantage is not established, cannot tell.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from lth.errors import check_choice
from lth.report import verdicts
from lth.report.null_2020 import advantage
from lth.report.null_2020.advantage import Case
from lth.report.null_2020.configurations import BY_PROTOCOL, Configuration
from lth.statistics import bootstrap
from lth.statistics.bootstrap import Estimate, Interval, MissingRecords

GONE = 1 / 3
FEWEST = 3  # trials for a verdict
RULING = ("speed", "accuracy")  # both must go
ROLES = ("alone", "left out", "together")
WORDS = verdicts.NULL
NULLS = verdicts.TOGETHER


def table(
    configurations: Sequence[Configuration],
    runs: pd.DataFrame,
    reference: pd.DataFrame,
    role: str,
    protocol: Configuration = BY_PROTOCOL,
) -> pd.DataFrame:
    """One row a configuration: effects, shares of the protocol's that remain, n, and its verdict in this `role`.

    Columns: deviation, recipe, control, n, verdict; an "effect" for each measure of advantage.MEASURES and a "share"
    of the protocol's for those that rule and for the "mean" of both, each with its ends ("speed share low").
    `reference` holds the runs of `protocol`, whose ladder may be another: both are taken at the densities that are
    judged. Rows whose runs are missing have no numbers, and where the protocol shows no advantage there are no shares
    of it. Same runs, same table: the generator is seeded by the configuration.
    """
    check_choice("role", role, ROLES)
    reference = reference[reference["recipe"] == protocol.recipe]
    established = _established(reference, protocol)
    rows = []
    for configuration in configurations:
        row = {
            "deviation": configuration.deviation,
            "recipe": configuration.recipe,
            "control": configuration.control,
            "n": 0,
            "verdict": "no runs",
        }
        try:
            row |= _measured(configuration, runs, reference, protocol if established else None)
        except MissingRecords:
            rows.append(row)
            continue
        rows.append(row | {"verdict": verdict(row, role) if established else "inconclusive"})
    columns = ["deviation", "recipe", "control", "n", "verdict", *_columns()]
    return pd.DataFrame(rows).reindex(columns=columns)


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by the mean share that remains, the least first; those without runs last."""
    return rows.sort_values("mean share", na_position="last", ignore_index=True)


def share(row: Mapping, measure: str) -> Interval:
    """The interval of the share that is left in a measure, in a row of `table`; none for too few trials."""
    ends = (row[f"{measure} share low"], row[f"{measure} share high"])
    return Interval(None, None) if row["n"] < FEWEST else Interval(*ends)


def standing(row: Mapping, measure: str) -> str:
    """What has become of the advantage in a measure, in a row of `table`: "gone", "there" or "cannot tell"."""
    left = share(row, measure)
    if left.below(GONE):
        return "gone"
    return "there" if left.above(GONE) else "cannot tell"


def verdict(row: Mapping, role: str) -> str:
    """One of WORDS or, in the role "together", of NULLS; what is left out of all is judged by `left_out`."""
    stands = {measure: standing(row, measure) for measure in RULING}
    gone = [measure for measure in RULING if stands[measure] == "gone"]
    if len(gone) == len(RULING):
        return _null(row) if role == "together" else "sufficient"
    if "there" not in stands.values():
        return "inconclusive"
    if gone:
        return f"for {gone[0]} only"
    if role == "together":
        return "not reproduced"
    return "weakens" if any(share(row, measure).below(1) for measure in RULING) else "no loss shown"


def _null(row: Mapping) -> str:
    """Whether the null is reproduced where both advantages are gone, or tickets lose to their control."""
    left = [share(row, measure) for measure in RULING]
    if all(interval.above(-GONE) for interval in left):
        return "reproduced"
    return "reversed" if any(interval.below(-GONE) for interval in left) else "inconclusive"


def left_out(row: Mapping, together: Mapping) -> str:
    """The verdict on a deviation, by the row of all others and the row of all `together`, which may erase something."""
    erased = [measure for measure in RULING if standing(together, measure) == "gone"]
    if not erased:
        kept = any(standing(together, measure) == "there" for measure in RULING)
        return "not asked" if kept else "inconclusive"
    stands = [standing(row, measure) for measure in erased]
    if "there" in stands:
        return "necessary"
    return "not necessary" if set(stands) == {"gone"} else "inconclusive"


def _measured(
    configuration: Configuration, runs: pd.DataFrame, reference: pd.DataFrame, protocol: Configuration | None
) -> dict[str, float | None]:
    """The numbers of one row, with shares of the protocol's effect unless that is None."""
    generator = bootstrap.seeded(f"{configuration.name} {configuration.control}")
    runs = runs[runs["recipe"] == configuration.recipe]
    levels, reference_levels = advantage.judged_levels(runs), advantage.judged_levels(reference)
    if len(levels) != len(reference_levels):
        raise MissingRecords(f"{configuration.recipe} and the protocol do not reach the same densities")
    numbers: dict[str, float | None] = {}
    for measure in advantage.MEASURES:
        size = advantage.effect(runs, configuration, measure, levels, generator)
        numbers |= named(f"{measure} effect", size) | {"n": size.n}
    if protocol is None:
        return numbers
    cases = Case(runs, configuration, levels), Case(reference, protocol, reference_levels)
    for name, measures in (*((measure, (measure,)) for measure in RULING), ("mean", RULING)):
        left = advantage.remaining(*cases, measures, generator)
        numbers |= named(f"{name} share", left) | {"n": left.n}
    return numbers


def _established(reference: pd.DataFrame, protocol: Configuration) -> bool:
    """Whether the protocol itself shows an advantage: intervals above none in every ruling measure."""
    try:
        levels = advantage.judged_levels(reference)
        generator = bootstrap.seeded("protocol")
        effects = {measure: advantage.effect(reference, protocol, measure, levels, generator) for measure in RULING}
    except MissingRecords:
        return False
    return all(size.above(advantage.NO_EFFECT[measure]) for measure, size in effects.items())


def named(name: str, size: Estimate) -> dict[str, float | None]:
    """An estimate and its ends as columns: name, "name low", "name high"."""
    return {name: size.value, f"{name} low": size.low, f"{name} high": size.high}


def _columns() -> list[str]:
    """The columns of a table's numbers."""
    names = [f"{measure} effect" for measure in advantage.MEASURES] + [f"{m} share" for m in (*RULING, "mean")]
    return [column for name in names for column in (name, f"{name} low", f"{name} high")]

"""A 2^k factorial over deviations: what each takes from the winning ticket's advantage, and what only several take.

With y the effect of a configuration (advantage) and k deviations that are each off or on, a term is the contrast
divided by 2^(k-1): for one deviation the mean of y with it minus the mean without, for two or more the interaction
(Box, Hunter & Hunter, "Statistics for Experimenters", 2005, chapter 5).
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from lth.errors import LthError, check_choice
from lth.report import text
from lth.report.null_2020 import advantage
from lth.report.null_2020.advantage import Case
from lth.report.null_2020.configurations import PROTOCOL, Configuration
from lth.report.null_2020.rule import FEWEST, RULING, left_out, named
from lth.report.null_2020.sentences import enumeration, plain
from lth.report.text import interval, listed
from lth.statistics import bootstrap
from lth.studies.deviations import DEVIATIONS, control

JOIN = "+"


def deviations_of(recipes: Sequence[str]) -> list[str]:
    """The deviations that the names of a factorial's recipes combine, in the order of DEVIATIONS."""
    named = {part for recipe in recipes if recipe != PROTOCOL for part in recipe.split(JOIN)}
    for name in named:
        check_choice("deviation in a factorial's recipe", name, DEVIATIONS)
    return [name for name in DEVIATIONS if name in named]


def corners(factors: Sequence[str]) -> dict[tuple[str, ...], Configuration]:
    """Every combination of the deviations, the protocol first, with its recipe and its control."""
    sets = {}
    for size in range(len(factors) + 1):
        for on in combinations(factors, size):
            recipe = JOIN.join(name for name in DEVIATIONS if name in on and name != "chain-control") or PROTOCOL
            sets[on] = Configuration(recipe, control(*on), " + ".join(on).replace("-", " ") or PROTOCOL)
    return sets


def terms(runs: pd.DataFrame, factors: Sequence[str], measure: str) -> pd.DataFrame:
    """Main effects and interactions, in shares of the protocol's effect: a row each, with its interval.

    Columns: term, order (1: a main effect), value, value low, value high, n. Over the trials that have all 2^k
    combinations, at the levels that are judged. A value of -1 takes the whole advantage. LthError for less than two
    deviations.
    """
    if len(factors) < 2:
        raise LthError(f"a factorial takes two deviations or more, not {len(factors)}: choose some of the suspects")
    levels = advantage.judged_levels(runs)
    sets = corners(factors)
    cases = [Case(runs, configuration, levels) for configuration in sets.values()]
    effects, n = advantage.statistics(cases, measure)
    statistics = dict(zip(sets, effects, strict=True))
    rows = []
    for term in list(sets)[1:]:
        generator = bootstrap.seeded(f"{measure} {' '.join(term)}")
        share = bootstrap.estimate(_contrast(term, statistics, len(factors)), n, generator)
        name = " × ".join(term).replace("-", " ")
        rows.append({"term": name, "order": len(term), **named("value", share), "n": n})
    return pd.DataFrame(rows)


def _contrast(term: tuple[str, ...], statistics: dict, factors: int) -> bootstrap.Statistic:
    """The term's contrast over the protocol's effect: corners with an even number of the term off count with plus."""
    signs = {on: (-1) ** len(set(term) - set(on)) for on in statistics}

    def share(trials: np.ndarray) -> np.ndarray:
        contrast = sum(sign * statistics[on](trials) for on, sign in signs.items())
        with np.errstate(divide="ignore", invalid="ignore"):
            return contrast / 2 ** (factors - 1) / statistics[()](trials)

    return share


def terms_table(by_measure: dict[str, pd.DataFrame]) -> str:
    """The terms of several measures beside each other, as Markdown."""
    head = ["Term", *(f"In {measure}" for measure in by_measure), "n"]
    first = next(iter(by_measure.values()))
    columns = [[interval(row, "value", "{:+.0%}") for _, row in rows.iterrows()] for rows in by_measure.values()]
    return text.table(head, zip(first["term"], *columns, first["n"], strict=True))


def terms_sentence(by_measure: dict[str, pd.DataFrame]) -> str:
    """Which terms are established in every measure, and which interactions in none."""
    tables = list(by_measure.values())
    if (n := tables[0]["n"].iloc[0]) < FEWEST:
        return f"Which of them matter cannot be told yet: n = {n}."
    parts = []
    for order, what in ((1, "in speed and in accuracy alike, of the deviations"), (2, "of the interactions")):
        chosen = tables[0]["order"].clip(upper=2) == order
        takes = _where(tables, chosen, lambda one: one["value high"] < 0)
        adds = _where(tables, chosen, lambda one: one["value low"] > 0)
        found = [f"{listed(takes)} {'take' if len(takes) > 1 else 'takes'} from the advantage"] if takes else []
        found += [f"{listed(adds)} {'give' if len(adds) > 1 else 'gives'} some of it back"] if adds else []
        said = f"{what}, {' and '.join(found) or 'none is established in both'}"
        parts.append(said[0].upper() + said[1:])
    return f"{'. '.join(parts)} (n = {n})."


def parts(rows: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """For each deviation, the row of all others together, and whether it is necessary for what all of them erase.

    `rows` is what `rule.table` gives for every corner but the protocol, in their order.
    """
    by_set = dict(zip(list(corners(factors))[1:], (row for _, row in rows.iterrows()), strict=True))
    whole = by_set[tuple(factors)]
    others = [by_set[tuple(other for other in factors if other != name)] for name in factors]
    verdicts = [left_out(row, whole) for row in others]
    return pd.DataFrame(others).reset_index(drop=True).assign(deviation=list(factors), verdict=verdicts)


def parts_table(whole: pd.Series, each: pd.DataFrame) -> str:
    """What is left with all of them, and with all but one, as Markdown."""
    rows = [("all of these", whole, whole["verdict"])]
    rows += [(f"all but {plain(row['deviation'])}", row, row["verdict"]) for _, row in each.iterrows()]
    lines = [
        (name, *(interval(row, f"{measure} share", "{:.0%}") for measure in RULING), row["n"], verdict)
        for name, row, verdict in rows
    ]
    return text.table(("On", *(f"Left in {measure}" for measure in RULING), "n", "Verdict"), lines)


def parts_sentence(whole: pd.Series, each: pd.DataFrame) -> str:
    """Whether all of them are sufficient, and which are necessary for that."""
    names = enumeration(each["deviation"])
    if whole["verdict"] != "sufficient":
        return f"That {names} together erase the advantage is not established."
    said = f"Together, {names} are sufficient to erase the advantage."
    groups = each.groupby("verdict", sort=False)["deviation"].agg(list)
    for word, one, many in (
        ("necessary", "is necessary for it", "are each necessary for it"),
        ("not necessary", "can be spared", "can each be spared"),
        ("inconclusive", "may or may not be needed", "may or may not be needed"),
    ):
        if word in groups:
            said += f" {enumeration(groups[word]).capitalize()} {one if len(groups[word]) == 1 else many}."
    return said


def _where(tables: list[pd.DataFrame], chosen: pd.Series, holds) -> list[str]:
    """The chosen terms for which something holds in every table."""
    return [
        tables[0]["term"][i]
        for i in tables[0].index[chosen]
        if all(not pd.isna(one["value low"][i]) and holds(one.loc[i]) for one in tables)
    ]

"""The page of claims and verdicts: what it may be drawn from, its words and its tables."""

from collections.abc import Mapping

import pandas as pd

from lth.errors import check_choice
from lth.report import text as report_text
from lth.report import verdicts
from lth.report.claims import rule
from lth.report.claims.claim import BY_UNIT, LEVEL
from lth.report.claims.paper import CLAIMS, every
from lth.report.claims.rule import WITHIN
from lth.report.text import number
from lth.studies.catalogue import STUDIES

WORDS = verdicts.CLAIMS
FRONT_HEAD = ("The paper's claim", "Claimed", "Here", "Verdict")
FULL_HEAD = ("Claim", "Statement (source)", "Claimed", "Here", "n", "Verdict", "Trials needed", "Note")


def check_claimed(study: str) -> None:
    """LthError for the name of a study that no claim is about."""
    check_choice("study with claims", study, sorted({claim.study for claim in CLAIMS.values()} & set(STUDIES)))


def summary(table: pd.DataFrame) -> str:
    """How many claims have which verdict: "6 of 11 claims replicated (1 of them …), 2 direction only, …"."""
    counts = table["verdict"].value_counts()
    if counts.get("not tested", 0) == len(table):
        return f"0 of {len(table)} claims tested"
    first = f"{counts.get('replicated', 0)} of {len(table)} claims replicated"
    if narrowly := int(table["narrowly"].sum()):
        first += f" ({narrowly} of them within {'its' if narrowly == 1 else 'their'} tolerance only)"
    return ", ".join([first, *(f"{counts[word]} {word}" for word in list(WORDS)[1:] if word in counts)])


def here(row: pd.Series) -> str:
    """A claim's estimate with its unit and 95 % interval, as text; "–" where it is not tested."""
    if row["verdict"] == "not tested":
        return "–"
    if row["unit"] == "level":
        return "at no level" if pd.isna(row["estimate"]) else f"level {row['estimate']:.0f}"
    effect, ends = BY_UNIT[row["unit"]], [row["estimate"], row["low"], row["high"]]
    unit = effect.unit
    if effect.opposite and row["estimate"] < 0:
        unit, ends = effect.opposite, [-row["estimate"], -row["high"], -row["low"]]
    value, low, high = (number(end, effect.form) for end in ends)
    bounds = "" if pd.isna(row["low"]) else f" [{low},\u00a0{high}]"
    where = f"{row['stretch']}; over those claimed " if row["stretch"] else ""
    return f"{where}{value} {unit}{bounds}"


def front_table(table: pd.DataFrame) -> str:
    """The verdicts in the four columns of FRONT_HEAD."""
    rows = [
        (
            row["statement"],
            row["claimed"],
            here(row)
            + (f", n\u00a0=\u00a0{row['n']}" if row["n"] else "")
            + (f"; {WITHIN}" if row["narrowly"] else ""),
            row["verdict"],
        )
        for _, row in table.iterrows()
    ]
    return report_text.table(FRONT_HEAD, rows)


def full_table(table: pd.DataFrame) -> str:
    """Everything about every claim, in the columns of FULL_HEAD."""
    rows = [
        (
            row["claim"],
            f"{row['statement'].rstrip('.')} ({row['source']}).",
            row["claimed"],
            here(row),
            row["n"] or "–",
            row["verdict"],
            "–" if pd.isna(row["needed"]) else row["needed"],
            _note(row) or "–",
        )
        for _, row in table.iterrows()
    ]
    return report_text.table(FULL_HEAD, rows)


def tolerance_table(table: pd.DataFrame) -> str:
    """The tolerances and why they are what they are; claims that share a reason share a row."""
    scored = table[table["rationale"] != ""]
    rows = []
    for reason, group in scored.groupby("rationale", sort=False):
        rows.append((", ".join(f"{row['claim']}: {_tolerance(row)}" for _, row in group.iterrows()), reason))
    return report_text.table(("Tolerance", "Why"), rows)


def side_by_side(parts: Mapping[str, pd.DataFrame], study: str) -> dict[str, pd.DataFrame]:
    """A table of verdicts for each of the named `runs` of one recipe, in the place of the study's own.

    Rows (index: the claim's id) are the claims that all of them can tell something about.
    """
    tables = {
        name: rule.table({study: runs}, recipe=runs["recipe"].iloc[0]).set_index("claim")
        for name, runs in parts.items()
    }
    tested = [ident for ident in CLAIMS if all(table.at[ident, "verdict"] != "not tested" for table in tables.values())]
    return {name: table.loc[tested] for name, table in tables.items()}


def side_table(tables: dict[str, pd.DataFrame]) -> str:
    """The tables of side_by_side as one: a column for each, with the estimate and the verdict."""
    head = ("The paper's claim", "Claimed", *tables)
    first = next(iter(tables.values()), pd.DataFrame())
    rows = [
        (
            f"{ident}: {row['statement']}",
            row["claimed"],
            *(f"{here(table.loc[ident])}: *{table.at[ident, 'verdict']}*" for table in tables.values()),
        )
        for ident, row in first.iterrows()
    ]
    return report_text.table(head, rows or [("none can be judged by these records", *"–" * (len(head) - 1))])


def side_summary(tables: dict[str, pd.DataFrame]) -> str:
    """How many of the claims of side_by_side have the same verdict in every table: "4 of 6 claims have …"."""
    words = pd.DataFrame({name: table["verdict"] for name, table in tables.items()})
    if words.empty:
        return "no claim can be judged by these records"
    same = (words.nunique(axis=1) == 1).sum()
    return f"{same} of {len(words)} claims {'has' if same == 1 else 'have'} the same verdict with each of them"


def word_table() -> str:
    """What each verdict means."""
    return report_text.table(("Verdict", "It means that"), verdicts.meanings(WORDS))


def _note(row: pd.Series) -> str:
    """All that is noted of a claim."""
    return "; ".join(filter(None, (row["note"], WITHIN if row["narrowly"] else "")))


def _tolerance(row: pd.Series) -> str:
    """A claim's tolerance with its unit, which for a range is in levels too."""
    claim = every()[row["claim"]]
    unit = LEVEL if claim.direction == "level" else claim.effect
    return f"{claim.tolerance:g} {unit.tolerance_unit}".strip()

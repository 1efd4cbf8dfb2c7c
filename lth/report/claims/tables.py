"""The page of claims and verdicts: what it may be drawn from, its words and its tables."""

import pandas as pd

from lth.claims.claim import BY_UNIT, LEVEL
from lth.claims.decided import decisions
from lth.claims.paper import CLAIMS, every
from lth.claims.words import VERDICTS, number
from lth.errors import check_choice
from lth.report import text
from lth.studies.catalogue import STUDIES

BADGES = {  # a verdict, and the colour of sphinx-design in which it is shown
    "replicated": "success",
    "direction only": "info",
    "not replicated": "danger",
    "inconclusive": "secondary",
    "not tested": "light",
}
WITHIN = "within its tolerance only"  # what is said of a claim that is replicated, but not to the letter
HEAD = ("Claim", "The paper says", "Here", "Five trials could print", "Registered verdict", "Post hoc")
DECIDED = ("What", "Fixed (UTC)", "Commit", "First record", "Before it?")
LATER = ("Claim", "What it says", "Source, and how well it was read", "Here", "Trials", "Verdict")


def check_claimed(study: str) -> None:
    """LthError for the name of a study that no claim is about."""
    check_choice("study with claims", study, sorted({claim.study for claim in CLAIMS.values()} & set(STUDIES)))


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


def verdict_table(table: pd.DataFrame) -> str:
    """The judged claims of a table of posthoc.table, in the columns of HEAD."""
    rows = [
        (
            row["claim"],
            f"{row['statement'].rstrip('.')}: {row['claimed']}",
            here(row) + (f" ({WITHIN})" if row["narrowly"] else ""),
            _repeat(row),
            row["verdict"],
            row["remark"] or "–",
        )
        for _, row in table.iterrows()
        if row["n"]
    ]
    return text.table(HEAD, rows)


def later_table(table: pd.DataFrame) -> str:
    """The claims of later papers, of a table of evidence.further, in the columns of LATER."""
    rows = [
        (row["claim"], row["statement"].rstrip("."), row["source"], here(row), row["n"] or "–", row["verdict"])
        for _, row in table.iterrows()
    ]
    return text.table(LATER, rows)


def _repeat(row: pd.Series) -> str:
    """What a repeat could have printed, with its unit: "11.0 to 37.9 % earlier"."""
    effect, ends = BY_UNIT[row["unit"]], [row["repeat low"], row["repeat high"]]
    if pd.isna(ends[0]):
        return "–"
    unit = effect.unit
    if effect.opposite and ends[1] < 0:
        unit, ends = effect.opposite, [-ends[1], -ends[0]]
    low, high = (number(end, effect.form) for end in ends)
    return f"level {low} to {high}" if effect is LEVEL else f"{low} to {high} {unit}"


def tolerance_table(table: pd.DataFrame) -> str:
    """The tolerances and why they are what they are; claims that share a reason share a row."""
    scored = table[table["rationale"] != ""]
    rows = []
    for reason, group in scored.groupby("rationale", sort=False):
        rows.append((", ".join(f"{row['claim']}: {_tolerance(row)}" for _, row in group.iterrows()), reason))
    return text.table(("Tolerance", "Why"), rows)


def word_table() -> str:
    """What each verdict means."""
    return text.table(("Verdict", "It means that"), VERDICTS.items())


def decided_table() -> str:
    """What was decided when, in the columns of DECIDED."""
    rows = [
        (
            each.rule,
            _time(each.decided),
            each.commit,
            _time(each.first) if each.first else "none yet",
            "yes" if each.before else "no",
        )
        for each in decisions()
    ]
    return text.table(DECIDED, rows)


def _time(time: pd.Timestamp) -> str:
    """A time to the minute."""
    return f"{time:%d %b %H:%M}".lstrip("0")


def _tolerance(row: pd.Series) -> str:
    """A claim's tolerance with its unit, which for a range is in levels too."""
    claim = every()[row["claim"]]
    unit = LEVEL if claim.direction == "level" else claim.effect
    return f"{claim.tolerance:g} {unit.tolerance_unit}".strip()

"""The page of claims and verdicts: what it may be drawn from, its words, its tables and its figure.

Tables are Markdown, which the book's directive `glued-table` shows on any page in the theme's style.
"""

import re
from collections.abc import Mapping

import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth import notebook, plots
from lth.claims import WITHIN
from lth.errors import check_choice
from lth.estimators import DENSE
from lth.grid import Study
from lth.records import Records
from lth.registry import CLAIMS, Claim
from lth.studies import STUDIES

WORDS = {
    "replicated": "the interval excludes no effect, in the claimed direction, and covers the claimed number within its "
    "tolerance; a number that is stronger when larger may be exceeded, a bound, moved by its tolerance, must hold for "
    "the whole interval; where the claim is that nothing differs, the whole interval lies within the tolerance, and "
    "where it is that one is no worse, above its lower end; a claimed level or range of levels is met within its "
    "tolerance",
    "direction only": "the effect is there, in the claimed direction, but its size or its level misses the claim",
    "not replicated": "the interval lies wholly on the other side of no effect, or, where the claim is that nothing "
    "differs, wholly outside the tolerance",
    "inconclusive": "anything else: the records cannot tell, and more trials might",
    "not tested": "the records that the claim needs do not exist",
}
MARKS = {  # verdict: colour, marker, filled
    "replicated": ("#0b6e4f", "o", True),
    "direction only": ("#0173b2", "o", False),
    "not replicated": ("#b3261e", "X", True),
    "inconclusive": ("0.4", "D", False),
}
AXES = {
    "% earlier": "earlier early stop (%)",
    "x faster": "times as fast to early stop",
    "pp": "difference in test accuracy (percentage points)",
    "level": "pruning level from which accuracy falls below",
}
FRONT_HEAD = ("The paper's claim", "Claimed", "Here", "Verdict")
FULL_HEAD = ("Claim", "Statement (source)", "Claimed", "Here", "n", "Verdict", "Trials needed", "Note")
FORMS = {"% earlier": "{:.1f}", "x faster": "{:.2f}", "pp": "{:+.2f}"}


def evidence(chosen: Study) -> Records:
    """The records for a page of verdicts (see lth.notebook.evidence); LthError for a study that no claim is about."""
    check_choice("study with claims", chosen.name, sorted({c.study for c in CLAIMS.values()} & set(STUDIES)))
    return notebook.evidence(chosen)


def summary(table: pd.DataFrame) -> str:
    """How many claims have which verdict: "6 of 11 claims replicated (1 of them …), 2 direction only, …"."""
    counts = table["verdict"].value_counts()
    if counts.get("not tested", 0) == len(table):
        return f"0 of {len(table)} claims tested"
    first = f"{counts.get('replicated', 0)} of {len(table)} claims replicated"
    if narrowly := int(table["note"].str.contains(WITHIN).sum()):
        first += f" ({narrowly} of them within {'its' if narrowly == 1 else 'their'} tolerance only)"
    return ", ".join([first, *(f"{counts[word]} {word}" for word in list(WORDS)[1:] if word in counts)])


def here(row: pd.Series) -> str:
    """A claim's estimate with its unit and 95 % interval, as text; "–" where it is not tested."""
    if row["verdict"] == "not tested":
        return "–"
    if row["unit"] == "level":
        return "at no level" if pd.isna(row["estimate"]) else f"level {row['estimate']:.0f}"
    form, unit, ends = FORMS[row["unit"]], row["unit"], [row["estimate"], row["low"], row["high"]]
    if unit == "% earlier" and row["estimate"] < 0:
        unit, ends = "% later", [-row["estimate"], -row["high"], -row["low"]]
    value, low, high = (form.format(end).replace("-", "−") for end in ends)
    bounds = "" if pd.isna(row["low"]) else f" [{low},\u00a0{high}]"
    where = f"{row['stretch']}; over those claimed " if row["stretch"] else ""
    return f"{where}{value} {_times(unit)}{bounds}"


def front_table(table: pd.DataFrame) -> str:
    """The verdicts in the four columns of FRONT_HEAD."""
    rows = [
        (
            row["statement"],
            _claimed(row),
            here(row)
            + (f", n\u00a0=\u00a0{row['n']}" if row["n"] else "")
            + (f"; {WITHIN}" if WITHIN in row["note"] else ""),
            row["verdict"],
        )
        for _, row in table.iterrows()
    ]
    return markdown(FRONT_HEAD, rows)


def full_table(table: pd.DataFrame) -> str:
    """Everything about every claim, in the columns of FULL_HEAD."""
    rows = [
        (row["claim"], f"{row['statement'].rstrip('.')} ({row['source']}).", _claimed(row), here(row), row["n"] or "–")
        + (row["verdict"], "–" if pd.isna(row["needed"]) else row["needed"], _note(row["note"]) or "–")
        for _, row in table.iterrows()
    ]
    return markdown(FULL_HEAD, rows)


def tolerance_table(table: pd.DataFrame) -> str:
    """The tolerances and why they are what they are; claims that share a reason share a row."""
    scored = table[table["rationale"] != ""]
    rows = []
    for reason, group in scored.groupby("rationale", sort=False):
        rows.append((", ".join(f"{row['claim']}: {_tolerance(row)}" for _, row in group.iterrows()), reason))
    return markdown(("Tolerance", "Why"), rows)


def word_table() -> str:
    """What each verdict means."""
    return markdown(("Verdict", "It means that"), WORDS.items())


def markdown(head, rows) -> str:
    """A Markdown table; cells are text without line breaks or pipes. Percent signs stand close, as in the prose."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines).replace(" %", "%")


def frame_markdown(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table, the names of its rows first."""
    return markdown((frame.index.name, *frame.columns), frame.itertuples())


def _claimed(row: pd.Series) -> str:
    return _times(row["claimed"])


def _times(text: str) -> str:
    """The unit of speed as the book writes it."""
    return text.replace("x faster", "× as fast")


def _note(text: str) -> str:
    """A claim's note as the book writes it, minus signs included."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", _times(text))


def _tolerance(row: pd.Series) -> str:
    levels = CLAIMS[row["claim"]].direction == "level"
    unit = "levels" if levels else {"% earlier": "points", "x faster": "", "pp": "pp"}[row["unit"]]
    return f"{row['tolerance']:g} {unit}".strip()


def forest(table: pd.DataFrame, planned: Mapping[str, int]) -> Figure:
    """Each claim's estimate and interval beside what is claimed (grey), a panel a unit; dotted: no effect.

    `planned` says how many trials of each arm there are to be (see lth.analysis.planned_trials).
    """
    units = [unit for unit in AXES if unit in set(table["unit"])]
    groups = [table[table["unit"] == unit] for unit in units]
    figure, spare = plots.new_figure((6.0, 1.1 * len(units) + 0.42 * len(table)))
    spare.remove()
    ratios = [len(group) + 0.6 for group in groups]
    axes = figure.subplots(len(units), 1, height_ratios=ratios, squeeze=False)[:, 0]
    for unit, group, ax in zip(units, groups, axes, strict=True):
        _panel(ax, group, planned)
        ax.set_xlabel(AXES[unit], fontsize="small")
        if unit == "level":
            ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    return figure


def _panel(ax: Axes, group: pd.DataFrame, planned: Mapping[str, int]) -> None:
    """One unit's claims, the first on top."""
    claims = [CLAIMS[name] for name in group["claim"]]
    allowed = [_allowed(claim) for claim in claims]
    ends = pd.Series(
        [*group[["estimate", "low", "high"]].to_numpy().ravel(), *(end for pair in allowed for end in pair)]
        + [claim.no_effect for claim in claims if claim.estimator != "falls below"],
        dtype=float,
    ).dropna()
    margin = 0.08 * (ends.max() - ends.min()) or 1.0
    left, right = ends.min() - margin, ends.max() + margin
    for y, (row, claim, (least, most)) in enumerate(zip(group.to_dict("records"), claims, allowed, strict=True)):
        start, end = left if least is None else least, right if most is None else most
        ax.barh(y, end - start, left=start, height=0.62, color="0.88", zorder=1)
        if claim.number is not None:
            ax.plot([claim.number] * 2, [y - 0.31, y + 0.31], color="0.45", linewidth=1.6, zorder=2)
        if claim.estimator != "falls below":
            ax.plot([claim.no_effect] * 2, [y - 0.5, y + 0.5], color="0.3", linestyle=":", linewidth=1.2, zorder=2)
        if not pd.isna(row["estimate"]):
            colour, marker, filled = MARKS[row["verdict"]]
            face = colour if filled else "white"
            if not pd.isna(row["low"]):
                ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2, zorder=3)
            ax.plot(row["estimate"], y, marker, color=colour, markerfacecolor=face, markersize=8, zorder=4)
        whole = min((planned[arm] for arm in (claim.arm, claim.against) if arm in planned), default=row["n"])
        count = f"\nn = {row['n']}{f' of {whole}' if row['n'] < whole else ''}" if row["n"] else ""
        ax.annotate(
            f"{row['verdict']}{count}", (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize="small"
        )
    ax.set(xlim=(left, right), ylim=(len(claims) - 0.4, -0.6))
    ax.set_yticks(range(len(claims)), [f"{claim.id}\n{label(claim)}" for claim in claims], fontsize="small")
    ax.tick_params(axis="x", labelsize="small")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)


def _allowed(claim: Claim) -> tuple[float | None, float | None]:
    """What an estimate may be for the claim to be met, tolerance included; None: no bound on that side."""
    if claim.number is None:  # a range of levels, of which the figure shows the effect inside
        return claim.no_effect, None
    least, most = claim.number - claim.tolerance, claim.number + claim.tolerance
    if claim.direction in ("larger is stronger", "lower bound", "no worse"):
        return least, None
    return (claim.no_effect if claim.direction == "upper bound" else least), most


def label(claim: Claim) -> str:
    """What a claim compares, in few words."""
    where = {"best": "best level"}.get(claim.estimator, f"level {claim.levels[0]}")
    if claim.estimator == "range":
        where = f"levels {claim.levels[0]}–{claim.levels[-1]}"
    if claim.estimator == "falls below":
        return f"{claim.arm} below {claim.against}"
    against = "dense" if claim.against == DENSE else claim.against
    late = ", at the end" if claim.measure == "final_test_acc" else ""
    return f"{claim.arm} – {against}, {where}{late}"

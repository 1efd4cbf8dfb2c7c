"""What the rows of lth.culprits say, in Markdown tables and sentences: every word about a result is computed here."""

from collections.abc import Iterable, Sequence

import pandas as pd

from lth.comparison import Answer, summary
from lth.culprits import ROLES, RULING, WORDS, ranked
from lth.errors import check_choice
from lth.estimators import Estimate
from lth.verdicts import markdown

MINUS = str.maketrans("-", "−")
LESSONS = {
    "small-weights": "compare the spread of each layer's initial weights with the formula that the protocol names",
    "carried-optimizer": "make the optimizer anew whenever the weights are set back, and look at its step count",
    "pruned-biases": "count what is pruned, parameter by parameter",
    "chain-control": "give the control the ticket's own mask, and compare the two masks",
    "epoch-measurements": "measure often enough that the early stop lies many measurements after the start",
    "standard-inputs": "say how inputs are scaled, and try another scale",
    "late-rewind": "compare the rewound weights with the initial ones, bit by bit",
    "unpaired-split": "let ticket and control share split and seed, so that they can be paired",
    "lagging-scores": "score the weights that the last step left",
    "lost-weights": "store the original weights with the run, and check that a resumed run rewinds to them",
}


def plain(deviation: str) -> str:
    """A deviation's name in words; the empty name is that of all together."""
    return deviation.replace("-", " ") or "all together"


def interval(row: pd.Series, name: str, form: str) -> str:
    """A number of a row with its 95 % interval, "–" where there is none: "31% [12%, 48%]"."""
    if pd.isna(row[name]):
        return "–"
    value, low, high = (form.format(row[end]).translate(MINUS) for end in (name, f"{name} low", f"{name} high"))
    return value if pd.isna(row[f"{name} low"]) else f"{value} [{low}, {high}]"


def estimate_text(one: Estimate, form: str) -> str:
    """An estimate with its 95 % interval: "2.13 [1.72, 2.61]"."""
    ends = pd.Series({"is": one.value, "is low": one.low, "is high": one.high}, dtype=float)
    return interval(ends, "is", form)


def listed(items: Iterable[str]) -> str:
    """Items in prose: "51.3, 26.3 and 13.5"."""
    *before, last = items
    return f"{', '.join(before)} and {last}" if before else last


def effects_table(rows: pd.DataFrame, role: str) -> str:
    """The effects of every configuration, and how much of the protocol's advantage is left (or back)."""
    check_choice("role", role, ROLES)
    left = {"alone": "left", "left out": "back", "together": "left"}[role]
    head = ("Deviation", "Control", "Times as fast", "Accuracy (pp)", "At the end (pp)", f"Speed {left}")
    lines = [
        (
            plain(row["deviation"]),
            "own masks" if row["control"] == "reinit" else "own chain",
            interval(row, "speed effect", "{:.2f}"),
            interval(row, "accuracy effect", "{:+.2f}"),
            interval(row, "final accuracy effect", "{:+.2f}"),
            interval(row, "speed share", "{:.0%}"),
            interval(row, "accuracy share", "{:.0%}"),
            row["n"] or "–",
            row["verdict"],
        )
        for _, row in rows.iterrows()
    ]
    return markdown((*head, f"Accuracy {left}", "n", "Verdict"), lines)


def final_table(alone: pd.DataFrame, left_out: pd.DataFrame) -> str:
    """Each deviation's part in the case: alone, and left out of all; the one that takes most comes first."""
    others = left_out.set_index("deviation")
    lines = []
    for _, row in ranked(alone).iterrows():
        back = ("not among them", "–", "–")
        if row["deviation"] in others.index:
            other = others.loc[row["deviation"]]
            back = (interval(other, "mean share", "{:.0%}"), other["n"] or "–", other["verdict"])
        left = interval(row, "mean share", "{:.0%}")
        lines.append((plain(row["deviation"]), left, row["n"] or "–", row["verdict"], *back))
    return markdown(
        ("Deviation", "Left, when alone", "n", "Sufficient?", "Back, when all but this are on", "n", "Necessary?"),
        lines,
    )


def word_table() -> str:
    """What each verdict means."""
    return markdown(("Verdict", "It means that"), WORDS.items())


def enumeration(names: Iterable[str]) -> str:
    """Deviations in prose: "small weights, late rewind and standard inputs"."""
    return listed(plain(name) for name in names)


def by_verdict(rows: pd.DataFrame, order: Iterable[str] = WORDS) -> str:
    """Which deviations have which verdict: "sufficient: small weights; weakens: standard inputs"."""
    groups = ranked(rows).groupby("verdict")["deviation"].agg(list)
    return "; ".join(f"{word}: {enumeration(groups[word])}" for word in order if word in groups)


def _left(row: pd.Series) -> str:
    speed, accuracy = (interval(row, f"{measure} share", "{:.0%}") for measure in RULING)
    return f"{speed} of the protocol's advantage in speed and {accuracy} of that in accuracy (n = {row['n']})"


def null_sentence(together: pd.Series, what: str = "all deviations that the code makes on every run") -> str:
    """Whether `what` erases the advantage."""
    beginning = {
        "reproduced": f"With {what}, the null is reproduced: what is left is",
        "reversed": f"With {what}, tickets do not only lose their advantage, they fall behind their control: left is",
        "not reproduced": f"With {what}, the null is not reproduced. Left is",
        "inconclusive": f"Whether {what} erase the advantage cannot be told yet. Left is",
    }
    if together["verdict"] not in beginning:
        return f"There are no records yet with {what}."
    return f"{beginning[together['verdict']]} {_left(together)}."


def cause_sentences(together: pd.Series, alone: pd.DataFrame, left_out: pd.DataFrame) -> str:
    """The cause, as far as the verdicts establish it."""
    sufficient = _with(alone, "sufficient")
    certain = [name for name in sufficient if name != "lost-weights"]
    necessary, spare = _with(left_out, "necessary"), _with(left_out, "not necessary")
    if together["verdict"] in ("no runs", "inconclusive"):
        said = "The reconstruction cannot tell yet whether what the code always does explains the null."
    elif together["verdict"] == "not reproduced":
        said = "What the code does on every run does not explain what the report saw."
    elif certain:
        whole = "each of them alone would" if len(certain) > 1 else "alone would"
        said = f"The cause is {enumeration(certain)}: {whole} explain what the report saw."
    elif necessary:
        said = "No single deviation explains what the report saw: it takes several together."
    else:
        said = "All deviations together explain what the report saw, but no single one is established as the cause."
    if together["verdict"] in ("reproduced", "reversed"):
        if necessary:
            said += f" Without {enumeration(necessary)} the null does not come about even with everything else on."
        elif len(spare) == len(left_out):
            said += " No deviation is necessary: whichever is left out, the others still erase the advantage."
        elif spare:
            said += f" None is established as necessary, and {enumeration(spare)} can be spared."
    elif certain:
        said += f" Alone, {enumeration(certain)} would be sufficient."
    if "lost-weights" in sufficient:
        said += (
            " Had a run been interrupted and resumed, lost weights would explain it as well: from then on the "
            "“ticket” is one more network with fresh weights."
        )
    return said


def culprits(alone: pd.DataFrame, left_out: pd.DataFrame) -> list[str]:
    """The deviations with the verdict sufficient or necessary, the one that takes most first."""
    guilty = {*_with(alone, "sufficient"), *_with(left_out, "necessary")}
    return [name for name in ranked(alone)["deviation"] if name in guilty]


def lessons(names: Iterable[str]) -> str:
    """What the culprits teach, as a table."""
    rows = [(plain(name), f"{LESSONS[name]}.".capitalize()) for name in names]
    return markdown(("Culprit", "What would have caught it"), rows or [("none is convicted yet", "–")])


def counts(rows: pd.DataFrame) -> str:
    """The trials that rows rest on: "5", or "3–5" where they differ."""
    least, most = rows["n"].min(), rows["n"].max()
    return f"{least}" if least == most else f"{least}–{most}"


def with_first(first: pd.Series, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with one more before them."""
    return pd.concat([first.to_frame().T, rows], ignore_index=True).infer_objects()


def points(found: Sequence[Answer]) -> str:
    """How many points of the report's figures agree with ours, among those that ours can speak to."""
    judged = [one for one in found if one.word != "no records"]
    return summary(judged) if judged else "none can be judged yet"


def _with(rows: pd.DataFrame, verdict: str) -> list[str]:
    return ranked(rows[rows["verdict"] == verdict])["deviation"].tolist()

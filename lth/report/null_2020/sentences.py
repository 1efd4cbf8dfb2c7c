"""What the rows of rule.table say, in Markdown tables and sentences: every word about a result is computed here."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from lth.errors import check_choice
from lth.recipes import Recipe
from lth.report import text, verdicts
from lth.report.null_2020 import advantage, configurations
from lth.report.null_2020.figures_of_2020 import POINTS, Answer, answer, summary
from lth.report.null_2020.rule import NULLS, ROLES, RULING, WORDS, ranked
from lth.report.text import estimate_text, interval, listed
from lth.statistics import bootstrap

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
    """A deviation's name in words."""
    return deviation.replace("-", " ")


def row_name(row: pd.Series) -> str:
    """What stands before a row of rule.table: the deviation, or that all are on, or that one is left out."""
    if row["recipe"].startswith("all") and row["deviation"]:
        return f"all {'and' if row['recipe'].startswith('all-and-') else 'but'} {plain(row['deviation'])}"
    return plain(row["deviation"]) or "all nine together"


def effects_table(rows: pd.DataFrame, role: str) -> str:
    """The effects of every configuration, and how much of the protocol's advantage is left (or back)."""
    check_choice("role", role, ROLES)
    left = {"alone": "left", "left out": "back", "together": "left"}[role]
    head = ("Deviation", "Control", "Times as fast", "Accuracy (pp)", "At the end (pp)", f"Speed {left}")
    lines = [
        (
            row_name(row),
            "ticket's masks" if row["control"] == "reinit" else "chain of its own",
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
    return text.table((*head, f"Accuracy {left}", "n", "Verdict"), lines)


def word_table() -> str:
    """What each verdict means, on single deviations and on all together."""
    return text.table(("Verdict", "It means that"), verdicts.meanings(WORDS, NULLS))


def enumeration(names: Iterable[str]) -> str:
    """Deviations in prose: "small weights, late rewind and standard inputs"."""
    return listed(plain(name) for name in names)


def by_verdict(rows: pd.DataFrame, order: Iterable[str] = WORDS) -> str:
    """Which deviations have which verdict: "sufficient: small weights; weakens: standard inputs"."""
    groups = ranked(rows).groupby("verdict")["deviation"].agg(list)
    return "; ".join(f"{word}: {enumeration(groups[word])}" for word in order if word in groups)


def left(row: pd.Series) -> str:
    """What a row of rule.table leaves: "31% [23%, 40%] of the protocol's advantage in speed and … (n = 5)"."""
    speed, accuracy = (interval(row, f"{measure} share", "{:.0%}") for measure in RULING)
    return f"{speed} of the protocol's advantage in speed and {accuracy} of that in accuracy (n = {row['n']})"


def null_sentence(
    together: pd.Series, iterations: int, what: str = "all nine deviations that the code makes on every run"
) -> str:
    """Whether `what` erases the advantage, in runs of so many iterations."""
    found = {
        "reproduced": f"with {what}, the null is reproduced: what is left is",
        "for speed only": f"with {what}, the advantage is gone in speed and not in accuracy: what is left is",
        "for accuracy only": f"with {what}, the advantage is gone in accuracy and not in speed: what is left is",
        "reversed": f"with {what}, tickets do not only lose their advantage, they fall behind their control: left is",
        "not reproduced": f"with {what}, the null is not reproduced: what is left is",
        "inconclusive": f"whether {what} erase the advantage cannot be told yet: what is left is",
    }
    if together["verdict"] not in found:
        return f"There are no records yet with {what}."
    return f"At {iterations:,} iterations, {found[together['verdict']]} {left(together)}."


def lessons(names: Iterable[str]) -> str:
    """What the culprits teach, as a table."""
    rows = [(plain(name), f"{LESSONS[name]}.".capitalize()) for name in names]
    return text.table(("Culprit", "What would have caught it"), rows or [("none is convicted yet", "–")])


def resumed_sentence(runs: pd.DataFrame, recipes: Iterable[Recipe]) -> str:
    """What lost weights do at the level that is resumed, and at the judged levels after it."""
    lost = configurations.Configuration("lost-weights")
    resumed = next(recipe.resume_level for recipe in recipes if recipe.name == lost.recipe)
    levels = advantage.judged_levels(runs)
    places = {
        "At the level that is resumed": [level for level in levels if level == resumed],
        "at the levels after it": [level for level in levels if level > resumed],
    }
    parts, trials = [], 0
    for place, levels in places.items():
        if levels:
            generator = bootstrap.seeded(f"{lost.recipe} {place}")
            speed, accuracy = (advantage.effect(runs, lost, measure, levels, generator) for measure in RULING)
            trials = speed.n
            parts.append(
                f"{place}, tickets are {estimate_text(speed, '{:.2f}')} times as fast as their control and "
                f"{estimate_text(accuracy, '{:+.2f}')} pp apart from it in accuracy"
            )
    return f"{'; '.join(parts)} (n = {trials})." if parts else "The resumed level has no records yet."


def resemblance(runs: pd.DataFrame, control: str) -> str:
    """With which of the ranges that the report gives for both of its arms each arm of ours agrees, as Markdown."""
    rows = []
    for point in POINTS:
        if point.within is None or len(point.arms) == 1:
            continue
        answers = {arm: answer(replace(point, arms=(arm,)), runs, control) for arm in point.arms}
        if all(reply.word != "no records" for reply in answers.values()):
            cells = [f"{reply.by_arm[arm]}: {reply.word}" for arm, reply in answers.items()]
            rows.append((point.seen, *cells, min(reply.n for reply in answers.values())))
    return text.table(("The report, of both arms", "Our tickets", "Our own chains", "n"), rows)


def points(answers: Sequence[Answer]) -> str:
    """How many points of the report's figures agree with ours, among those that ours can speak to."""
    judged = [reply for reply in answers if reply.word != "no records"]
    return summary(judged) if judged else "none can be judged yet"

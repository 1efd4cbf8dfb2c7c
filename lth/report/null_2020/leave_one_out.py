"""All deviations but one: what comes back when one is left out, and what follows for the cause.

The code of 2020 does all of them whenever it runs, except that weights are lost only where a run is interrupted.
"""

import pandas as pd

from lth.report import text
from lth.report.null_2020 import advantage, configurations
from lth.report.null_2020.advantage import Case
from lth.report.null_2020.configurations import Configuration
from lth.report.null_2020.rule import FEWEST, RULING, left_out, named, ranked, standing, table
from lth.report.null_2020.sentences import enumeration, plain
from lth.report.text import interval, listed
from lth.statistics import bootstrap
from lth.statistics.bootstrap import MissingRecords
from lth.studies.deviations import CERTAIN, DEVIATIONS, control


def reconstruction(runs: pd.DataFrame, reference: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of all deviations together, without and with lost weights; and the rows of all but one: see `table`.

    A deviation can be necessary only for what all together erase.
    """
    everything = [
        Configuration("all", control(*CERTAIN)),
        Configuration("all-and-lost-weights", control(*DEVIATIONS), "lost-weights"),
    ]
    together = table(everything, runs, reference, "together")
    rows = table(configurations.all_but_one(CERTAIN), runs, reference, "left out")
    verdicts = [left_out(row, together.iloc[0]) for _, row in rows.iterrows()]
    return together, rows.assign(verdict=rows["verdict"].where(rows["verdict"].isin(["no runs"]), verdicts))


def brought_back(runs: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """For each deviation left out of all: the shares of the protocol's effect that this brings back, compared with all.

    Columns: deviation, n, and a "speed" and an "accuracy" with their ends. Those that have no runs yet have no row.
    """
    levels, rows = advantage.judged_levels(reference), []
    together = Case(runs, Configuration("all", control(*CERTAIN)), levels)
    protocol = Case(reference, configurations.BY_PROTOCOL, levels)
    for configuration in configurations.all_but_one(CERTAIN):
        row: dict[str, str | float | None] = {"deviation": configuration.deviation}
        try:
            for measure in RULING:
                generator = bootstrap.seeded(f"{configuration.name} {configuration.control} {measure}")
                case = Case(runs, configuration, levels)
                back = advantage.brought_back(case, together, protocol, measure, generator)
                row |= named(measure, back) | {"n": back.n}
        except MissingRecords:
            continue
        rows.append(row)
    columns = ["deviation", "n", *(f"{measure}{end}" for measure in RULING for end in ("", " low", " high"))]
    return pd.DataFrame(rows, columns=columns)


def necessity_sentence(together: pd.Series) -> str:
    """What can be necessary at all, by the row of all deviations together."""
    stands = {measure: standing(together, measure) for measure in RULING}
    erased = [measure for measure, found in stands.items() if found == "gone"]
    if erased:
        return f"All nine together erase the advantage in {listed(erased)}: a deviation can be necessary for that."
    left = listed(f"{interval(together, f'{measure} share', '{:.0%}')} in {measure}" for measure in RULING)
    if "there" not in stands.values():
        return f"That all nine together erase the advantage is not established (they leave {left})."
    why = (
        "so that no deviation can be necessary for it"
        if set(stands.values()) == {"there"}
        else "so that nothing can be shown to be necessary for it"
    )
    return f"All nine together do not erase the advantage (they leave {left}), {why}."


def final_table(alone: pd.DataFrame, without: pd.DataFrame) -> str:
    """Each deviation's part in the case: alone, and left out of all; the one that takes most comes first."""
    others = without.set_index("deviation")
    lines = []
    for _, row in ranked(alone).iterrows():
        back = ("not among them", "–", "–")
        if row["deviation"] in others.index:
            other = others.loc[row["deviation"]]
            back = (interval(other, "mean share", "{:.0%}"), other["n"] or "–", other["verdict"])
        left = interval(row, "mean share", "{:.0%}")
        lines.append((plain(row["deviation"]), left, row["n"] or "–", row["verdict"], *back))
    return text.table(
        ("Deviation", "Left, when alone", "n", "Sufficient?", "Back, when all but this are on", "n", "Necessary?"),
        lines,
    )


def back_table(rows: pd.DataFrame) -> str:
    """What leaving out each deviation brings back, the one that brings most first, as Markdown."""
    ordered = rows.assign(mean=rows[list(RULING)].mean(axis=1)).sort_values("mean", ascending=False)
    lines = [
        (plain(row["deviation"]), *(interval(row, measure, "{:+.0%}") for measure in RULING), row["n"])
        for _, row in ordered.iterrows()
    ]
    return text.table(("Left out", *(f"Back in {measure}" for measure in RULING), "n"), lines)


def back_sentence(rows: pd.DataFrame) -> str:
    """Which deviations bring back some of the advantage when they are left out: intervals wholly above none."""
    said = []
    for measure in RULING:
        found = rows[(rows[f"{measure} low"] > 0) & (rows["n"] >= FEWEST)].sort_values(measure, ascending=False)
        names = enumeration(found["deviation"]) if len(found) else "none"
        said.append(f"in {measure}, {names}")
    return f"Left out, these bring some of it back: {'; '.join(said)}."


def cause_sentences(together: pd.Series, alone: pd.DataFrame, without: pd.DataFrame, iterations: int) -> str:
    """The cause, as far as the verdicts establish it in runs of so many iterations."""
    found = _with(alone, "sufficient")
    sufficient = [name for name in found if name != "lost-weights"]
    necessary, spare = _with(without, "necessary"), _with(without, "not necessary")
    part = {"for speed only": " in speed", "for accuracy only": " in accuracy"}.get(together["verdict"], "")
    explained = together["verdict"] == "reproduced" or bool(part)
    where = f"at {iterations:,} iterations and against a chain with fresh weights"
    if together["verdict"] in ("no runs", "inconclusive"):
        said = "The reconstruction cannot tell yet whether what the code does on every run explains the null."
    elif together["verdict"] == "reversed":
        said = (
            f"With what the code does on every run, tickets fall behind their control {where}; in the report neither "
            "is ahead."
        )
    elif not explained:
        still = listed(measure for measure in RULING if standing(together, measure) == "there")
        said = (
            f"What the code does on every run does not explain what the report saw, as far as shorter runs can tell: "
            f"{where}, more than a third of the advantage in {still} is left."
        )
    else:
        rest = {" in speed": "accuracy", " in accuracy": "speed"}.get(part)
        said = f"What the code does on every run explains the null{part}" + (
            f", and not that in {rest}." if rest else "."
        )
        said = f"{where[0].upper()}{where[1:]}, {said[0].lower()}{said[1:]}"
        if sufficient:
            said += f" {enumeration(sufficient).capitalize()} would do it alone."
        else:
            said += " No single deviation is found to do it alone."
    if explained and necessary:
        verb = "is" if len(necessary) == 1 else "are each"
        said += f" {enumeration(necessary).capitalize()} {verb} necessary: without it, the advantage{part} is back."
    elif explained and len(spare) == len(without):
        said += " No deviation is necessary: whichever is left out, the others still do it."
    elif explained and spare:
        said += f" None is established as necessary; {enumeration(spare)} can be spared."
    if not explained and sufficient:
        said += f" Alone, {enumeration(sufficient)} would be sufficient."
    if "lost-weights" in found:
        said += " Lost weights, which happen only where a run is interrupted, would be sufficient as well."
    return said


def _with(rows: pd.DataFrame, verdict: str) -> list[str]:
    """The deviations that have this verdict, the one that leaves least first."""
    return ranked(rows[rows["verdict"] == verdict])["deviation"].tolist()

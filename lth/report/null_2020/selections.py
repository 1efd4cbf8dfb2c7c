"""What the notebooks of the investigation share: which records they may be drawn from, and what is cut out of them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from lth.errors import LthError, check_choice
from lth.records.published import Records
from lth.report import text
from lth.report.null_2020 import advantage
from lth.report.null_2020.configurations import Configuration
from lth.report.text import counts, estimate_text, planned_trials, plural
from lth.statistics import bootstrap
from lth.studies.catalogue import STUDIES
from lth.studies.parameters import study
from lth.studies.study import Study

SHOWN = (1.0, 0.513, 0.211, 0.036)  # densities of the curves in Figure 1 of the 2020 report


def like(name: str, trials: int | None, levels: int | None, iterations: int | None) -> Study:
    """The study to compare with, changed by the same parameters; `trials` only limits it."""
    check_choice("study", name, STUDIES)
    limit = None if trials is None else min(trials, STUDIES[name].trials)
    return study(name, trials=limit, levels=levels, iterations=iterations)


def null_study(chosen: Study, trials: int | None, levels: int | None, iterations: int | None) -> tuple[str, Study]:
    """The recipe of a study that has all deviations on, and the study with the protocol that it is compared with.

    A study with a recipe "all" is compared with its own protocol, any other with LeNet, changed likewise.
    """
    if "all" in {recipe.name for recipe in chosen.recipes}:
        return "all", chosen
    return chosen.recipes[0].name, like("lenet", trials, levels, iterations)


def pooled(*several: Records) -> pd.DataFrame:
    """The runs of several studies, those that they share once."""
    return pd.concat([records.runs for records in several]).drop_duplicates("key", ignore_index=True)


def of_recipe(all_records: Records, recipe: str, arms: Sequence[str]) -> Records:
    """The records of some arms of one recipe; LthError where there are none."""
    frames = [
        frame[(frame["recipe"] == recipe) & frame["arm"].isin(list(arms))]
        for frame in (all_records.curves, all_records.runs)
    ]
    if frames[1].empty:
        raise LthError(f"the records of {all_records.study!r} hold no {' or '.join(arms)} of the recipe {recipe!r} yet")
    return replace(all_records, curves=frames[0], runs=frames[1])


def nearest_levels(runs: pd.DataFrame, densities: Sequence[float] = SHOWN) -> list[int]:
    """The tickets' levels nearest to these densities, as far down as there are any."""
    means = runs[runs["arm"] == "ticket"].groupby("level")["density"].mean()
    reached = [density for density in densities if density > means.min() / 1.3]
    return sorted({int(np.abs(np.log(means / density)).idxmin()) for density in reached})


def by_level(sides: dict[str, tuple[pd.DataFrame, Configuration]]) -> str:
    """The advantage of tickets at each level that is judged, as a Markdown table with two columns for each side."""
    first = next(iter(sides.values()))[0]
    densities = first[first["arm"] == "ticket"].groupby("level")["density"].mean()
    head = ["Weights left", *(f"{name}: {unit}" for name in sides for unit in ("times as fast", "pp"))]
    rows = []
    for level in advantage.judged_levels(first):
        cells = [f"{densities[level]:.1%}"]
        for runs, configuration in sides.values():
            for measure, form in (("speed", "{:.2f}"), ("accuracy", "{:+.2f}")):
                generator = bootstrap.seeded(f"{configuration.name} {measure} {level}")
                cells.append(estimate_text(advantage.effect(runs, configuration, measure, [level], generator), form))
        rows.append(cells)
    return text.table(head, rows)


def trials_of(rows: pd.DataFrame, chosen: Study) -> str:
    """How many trials the rows of rule.table rest on, of how many that are planned: "n = 3–5 of 5 trials"."""
    planned = max(planned_trials(chosen.grids).values())
    return f"n = {counts(rows)}{f' of {planned}' if rows['n'].min() < planned else ''} {plural('trial', planned)}"

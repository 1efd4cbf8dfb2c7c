"""Tables in Markdown, which the book's directive `glued-table` shows on any page in the theme's style."""

from collections.abc import Iterable

import pandas as pd

from lth.arms import ARMS
from lth.statistics.bootstrap import Estimate
from lth.studies.study import Grid


def table(head, rows) -> str:
    """A Markdown table; cells are text without line breaks or pipes. Percent signs stand close, as in the prose."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines).replace(" %", "%")


def of_frame(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table, the names of its rows first."""
    return table((frame.index.name, *frame.columns), frame.itertuples())


MINUS = str.maketrans("-", "−")


def interval(row: pd.Series, name: str, form: str) -> str:
    """A number of a row with its 95 % interval, "–" where there is none: "31% [12%, 48%]"."""
    if pd.isna(row[name]):
        return "–"
    ends = [row[name]] if pd.isna(row[f"{name} low"]) else [row[name], row[f"{name} low"], row[f"{name} high"]]
    value, *bounds = (form.format(end).translate(MINUS) for end in ends)
    return f"{value} [{', '.join(bounds)}]" if bounds else value


def estimate_text(one: Estimate, form: str) -> str:
    """An estimate with its 95 % interval: "2.13 [1.72, 2.61]"."""
    ends = pd.Series({"is": one.value, "is low": one.low, "is high": one.high}, dtype=float)
    return interval(ends, "is", form)


def counts(rows: pd.DataFrame) -> str:
    """The trials that rows rest on: "5", or "3–5" where they differ."""
    least, most = rows["n"].min(), rows["n"].max()
    return f"{least}" if least == most else f"{least}–{most}"


SHORT_NAMES = {  # of arms, in notes
    "ticket": "winning ticket",
    "reinit": "fresh weights",
    "random-mask": "random masks",
    "oneshot": "one-shot ticket",
    "oneshot-reinit": "one-shot masks with fresh weights",
    "chain-reinit": "own chain",
    "chain-rewound": "own chain of one draw",
    "other-ticket": "ticket of another draw",
}


def planned_trials(grids: Iterable[Grid], arms: Iterable[str] | None = None) -> dict[str, int]:
    """How many trials a study's grids plan for each of `arms` (None: for every arm); without those not planned."""
    wanted = [arm for arm in ARMS if arms is None or arm in arms]
    planned = {arm: max((grid.trials for grid in grids if arm in grid.arms), default=0) for arm in wanted}
    return {arm: trials for arm, trials in planned.items() if trials}


def absent_arms(runs: pd.DataFrame, planned: Iterable[str]) -> list[str]:
    """The planned arms of which the records hold no run."""
    return [arm for arm in planned if arm not in set(runs["arm"])]


def trials_note(runs: pd.DataFrame, planned: int | dict[str, int]) -> str:
    """How many trials a figure shows, of how many that are planned (for every arm, or by the arms it is to show).

    "n = 3 trials"; "n = 2 of 5 trials" while a study is unfinished; "n = 2–5 of 5 trials" where levels differ; arms
    that differ from the first one in brackets, "n = 5 of 20 trials (one-shot ticket 3 of 5)"; and "; no runs yet of …".
    """
    if isinstance(planned, int):
        planned = dict.fromkeys((arm for arm in ARMS if arm in set(runs["arm"])), planned)
    absent = absent_arms(runs, planned)
    numbers = {arm: _shown_of(runs[runs["arm"] == arm], planned[arm]) for arm in planned if arm not in absent}
    first = next(iter(numbers.values()), "0")
    others = "; ".join(f"{SHORT_NAMES[arm]} {number}" for arm, number in numbers.items() if number != first)
    note = f"n = {first} trial{'s'[: first != '1']}" + (f" ({others})" if others else "")
    return note + (f"; no runs yet of {enumeration(absent)}" if absent else "") + on_copies(runs)


def on_copies(runs: pd.DataFrame) -> str:
    """Which copies of data sets the runs were trained on: ", on CIFAR-10 (JPEG copy)", or nothing for originals."""
    labels = sorted({label for label in runs.get("data", ()) if str(label).endswith(" copy)")})
    return f", on {' and '.join(labels)}" if labels else ""


def enumeration(arms: Iterable[str]) -> str:
    """The short names of arms as prose: "random masks and one-shot ticket"."""
    return listed(SHORT_NAMES[arm] for arm in arms)


def listed(items: Iterable[str]) -> str:
    """Items in prose: "51.3, 26.3 and 13.5"."""
    *before, last = items
    return f"{', '.join(before)} and {last}" if before else last


def more_or_less(points: float) -> str:
    """A difference in accuracy in prose: "0.21 percentage points more"."""
    return f"{abs(points):.2f} percentage points {'less' if points < 0 else 'more'}"


def _shown_of(runs: pd.DataFrame, planned: int) -> str:
    """The trials of one arm: "5", "3 of 5", "3–5 of 5" where levels or recipes differ."""
    counts = runs.groupby(["recipe", "level"])["trial"].nunique()
    low, high = counts.min(), counts.max()
    shown = f"{low}" if low == high else f"{low}–{high}"
    return shown if low >= planned else f"{shown} of {planned}"

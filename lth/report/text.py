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


def number(value: float, form: str) -> str:
    """A number in a form such as "{:+.2f}", with a minus sign where it is negative."""
    return form.format(value).replace("-", "−")


def with_interval(value: float, low: float | None, high: float | None, form: str) -> str:
    """A number with its 95 % interval, as far as there is one, "–" where there is no number: "31% [12%, 48%]"."""
    if pd.isna(value):
        return "–"
    ends = "" if low is None or high is None or pd.isna(low) else f" [{number(low, form)}, {number(high, form)}]"
    return number(value, form) + ends


def interval(row: pd.Series, name: str, form: str) -> str:
    """The number of this name in a row with its interval, the columns `name` low and `name` high."""
    return with_interval(row[name], row.get(f"{name} low"), row.get(f"{name} high"), form)


def estimate_text(estimate: Estimate, form: str) -> str:
    """An estimate with its 95 % interval: "2.13 [1.72, 2.61]"."""
    return with_interval(estimate.value, estimate.low, estimate.high, form)


def counts(rows: pd.DataFrame) -> str:
    """The trials that rows rest on, by their column n: "5", or "3–5" where they differ."""
    return span(rows["n"])


def span(numbers: Iterable[int]) -> str:
    """Numbers in short: "5", or "3–5" from the least to the largest."""
    least, most = min(numbers), max(numbers)
    return f"{least}" if least == most else f"{least}–{most}"


def planned_trials(grids: Iterable[Grid], arms: Iterable[str] | None = None) -> dict[str, int]:
    """How many trials a study's grids plan for each of `arms` (None: for every arm); without those not planned."""
    wanted = [arm for arm in ARMS if arms is None or arm in arms]
    planned = {arm: max((grid.trials for grid in grids if arm in grid.arms), default=0) for arm in wanted}
    return {arm: trials for arm, trials in planned.items() if trials}


def plural(noun: str, count: int | str) -> str:
    """The noun as it follows a number: "trial", or "trials" after any but 1."""
    return noun if str(count) == "1" else f"{noun}s"


def on_copies(runs: pd.DataFrame) -> str:
    """Which copies of data sets the runs were trained on: ", on CIFAR-10 (JPEG copy)", or nothing for originals."""
    labels = sorted({label for label in runs.get("data", ()) if str(label).endswith(" copy)")})
    return f", on {' and '.join(labels)}" if labels else ""


def listed(items: Iterable[str]) -> str:
    """Items in prose: "51.3, 26.3 and 13.5"."""
    *before, last = items
    return f"{', '.join(before)} and {last}" if before else last


def more_or_less(points: float) -> str:
    """A difference in accuracy in prose: "0.21 percentage points more"."""
    return f"{abs(points):.2f} percentage points {'less' if points < 0 else 'more'}"

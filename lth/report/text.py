"""Tables in Markdown, which the book's directive `glued-table` shows on any page in the theme's style."""

from collections.abc import Iterable

import pandas as pd

from lth.claims.words import number
from lth.statistics.bootstrap import Estimate


def table(head, rows) -> str:
    """A Markdown table; cells are text without line breaks or pipes. Percent signs stand close, as in the prose."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines).replace(" %", "%")


def of_frame(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table, the names of its rows first."""
    return table((frame.index.name, *frame.columns), frame.itertuples())


def with_interval(value: float, low: float | None, high: float | None, form: str) -> str:
    """A number with its 95 % interval, as far as there is one, "–" where there is no number: "31% [12%, 48%]"."""
    if pd.isna(value):
        return "–"
    ends = "" if low is None or high is None or pd.isna(low) else f" [{number(low, form)}, {number(high, form)}]"
    return number(value, form) + ends


def estimate_text(estimate: Estimate, form: str) -> str:
    """An estimate with its 95 % interval: "2.13 [1.72, 2.61]"."""
    return with_interval(estimate.value, estimate.low, estimate.high, form)


def span(numbers: Iterable[int]) -> str:
    """Numbers in short: "5", or "3–5" from the least to the largest."""
    least, most = min(numbers), max(numbers)
    return f"{least}" if least == most else f"{least}–{most}"


def plural(noun: str, count: int | str) -> str:
    """The noun as it follows a number: "trial", or "trials" after any but 1."""
    return noun if str(count) == "1" else f"{noun}s"

"""Tables in Markdown, which the book's directive `glued-table` shows on any page in the theme's style."""

import pandas as pd


def table(head, rows) -> str:
    """A Markdown table; cells are text without line breaks or pipes. Percent signs stand close, as in the prose."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines).replace(" %", "%")


def of_frame(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table, the names of its rows first."""
    return table((frame.index.name, *frame.columns), frame.itertuples())

"""Tables and durations on a terminal."""

from datetime import timedelta


def duration(seconds: float) -> str:
    """Seconds as hours and minutes."""
    return str(timedelta(minutes=round(seconds / 60)))


def print_table(head: list[str], rows: list[list[str]], narrowest: int = 120) -> None:
    """Print a table, on a terminal that is too narrow as if it had `narrowest` columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    Console(width=max(narrowest, Console().width)).print(table)

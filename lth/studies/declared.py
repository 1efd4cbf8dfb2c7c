"""Whether published records are those of the study that is declared under their name."""

from collections.abc import Sequence

from lth.records import Records
from lth.records.contents import named
from lth.runs import Run


def others(records: Records, runs: Sequence[Run]) -> list[str]:
    """A sentence where records hold runs of another specification than the study declares; none where they do not."""
    keys = {run.key for run in runs}
    strange = [named(row) for row in records.runs.to_dict("records") if row["key"] not in keys]
    more = f"; nor are {len(strange) - 1} others" if len(strange) > 1 else ""
    return [f"{records.study}: {strange[0]}: it is not a run that the study declares{more}"] if strange else []


def missing(records: Records, runs: Sequence[Run]) -> list[str]:
    """A sentence on the trials of which runs are not published; none where all are."""
    keys = set(records.runs["key"])
    lacking: dict[tuple[str, int], int] = {}
    for run in runs:
        if run.key not in keys:
            lacking[run.recipe.name, run.trial] = lacking.get((run.recipe.name, run.trial), 0) + 1
    trials = [f"{recipe}, trial {trial} ({count})" for (recipe, trial), count in lacking.items()]
    shown = "; ".join(trials[:8]) + (f"; and {len(trials) - 8} more trials" if len(trials) > 8 else "")
    return [f"{records.study}: {sum(lacking.values())} runs are missing: {shown}"] if lacking else []

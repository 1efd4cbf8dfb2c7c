"""The records that a page is drawn from, and what is to be known of them."""

import sys
from typing import Any

from lth import records
from lth.errors import LthError
from lth.records.published import Records
from lth.records.selections import on_copies
from lth.report.text import plural
from lth.running import state
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study


def records_of(chosen: Study) -> Records:
    """The records of a study as far as it is published; what is missing is trained where parameters change it.

    So it is where nothing of it is published.
    """
    return published_of(chosen) or trained(chosen)


def published_of(chosen: Study) -> Records | None:
    """As `records_of`, but None where nothing of an unchanged study is published: it may take hours to train."""
    if not unchanged(chosen):
        return trained(chosen)
    published = state.of(chosen).published
    return records.collect(chosen.name, published) if published else None


def trained(chosen: Study) -> Records:
    """A study's records, after what is missing of it is trained; who waits is told how much that is."""
    if missing := len(state.of(chosen).missing):
        print(f"{chosen.name}: {missing:,} {plural('run', missing)} to train; `lth status` tells", file=sys.stderr)
    return chosen.run()


def evidence(chosen: Study) -> Records:
    """As `records_of`, for a page that must not be built without records: LthError where none are published."""
    if (published := published_of(chosen)) is None:
        raise LthError(
            f"no run of the study {chosen.name!r}, as it is defined now, is published: `lth run {chosen.name}` trains "
            f"it and `lth publish {chosen.name}` makes records of it; or choose fewer trials, levels or iterations"
        )
    return published


def unchanged(chosen: Study) -> bool:
    """Whether no parameter changes the study."""
    return chosen == STUDIES.get(chosen.name)


def source(shown: Records) -> dict[str, Any]:
    """What is to be known of records: study, digest, runs, trials, the commits they were trained at, and copies."""
    runs = shown.runs
    return {
        "study": shown.study,
        "records": shown.digest,
        "runs": len(runs),
        "trials": int(runs["trial"].nunique()),
        "commits": sorted({commit[:7] for commit in runs["commit"]}),
        "copies": on_copies(runs).removeprefix(", "),
    }

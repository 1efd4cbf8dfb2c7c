"""The records that a page is drawn from, and what is to be known of them."""

import sys
from typing import Any

from lth import records
from lth.errors import LthError
from lth.records.published import Records
from lth.records.selections import on_copies
from lth.report.text import plural
from lth.running import state
from lth.studies import estimate
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study

PATIENCE = 3600  # seconds that a page may wait for what it draws


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


def only_published(chosen: Study, first: int | None = None) -> Records:
    """The published records of a study, of all its trials or at most the `first` so many; nothing is trained.

    LthError where nothing is published, or where parameters change the study to more trials than are.
    """
    published = state.of(chosen).published
    there = len({run.trial for run in published})
    if not published or (not unchanged(chosen) and there < chosen.trials):
        raise LthError(
            f"{there} {plural('trial', there)} of the study {chosen.name!r} are published, not {chosen.trials}, and "
            f"this page trains nothing: ask for fewer, or train them with `lth run {chosen.name}` and make records of "
            f"them with `lth publish {chosen.name}`"
        )
    return records.collect(chosen.name, [run for run in published if first is None or run.trial < first])


def trained(chosen: Study) -> Records:
    """A study's records, after what is missing of it is trained; who waits is told how much that is.

    LthError where it takes longer than anyone waits for a page.
    """
    missing = state.of(chosen).missing
    if missing:
        from lth.running.cluster import cores  # Dask is needed only where something is trained

        told = f"{chosen.name}: {len(missing):,} {plural('run', len(missing))} to train"
        seconds = estimate.seconds(missing, chosen.name)
        if seconds is not None:
            told += f", about {_waiting(seconds / cores())} on {cores()} {plural('core', cores())}"
        if seconds is not None and seconds / cores() > PATIENCE:
            raise LthError(
                f"{told}, which is long for a page: ask for fewer trials, levels or iterations; or train them with "
                f"`lth run {chosen.name}` and the same options, which may be stopped and started again, and draw the "
                "page after that"
            )
        print(f"{told}. Ctrl-C stops it; what is finished is kept.", file=sys.stderr)
    return chosen.run()


def _waiting(seconds: float) -> str:
    """A time in the unit that suits it."""
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return f"{minutes} {plural('minute', minutes)}"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"


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

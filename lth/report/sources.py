"""The records that a page is drawn from, and how its captions name them."""

from collections.abc import Mapping

from lth import records
from lth.errors import LthError
from lth.records.published import Records
from lth.report.text import on_copies, plural
from lth.running import state
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study


def records_of(chosen: Study) -> Records:
    """The records of a study as far as it is published; what is missing is trained where parameters change it.

    So it is where nothing of it is published.
    """
    return published_of(chosen) or chosen.run()


def published_of(chosen: Study) -> Records | None:
    """As `records_of`, but None where nothing of an unchanged study is published: it may take hours to train."""
    if not unchanged(chosen):
        return chosen.run()
    published = state.of(chosen).published
    return records.collect(chosen.name, published) if published else None


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


def provenance(notebook: str, shown: Records, given: Mapping[str, object]) -> str:
    """Where a figure comes from, for its caption: notebook, parameters given, study, record hash and commits."""
    told = ", ".join(f"{name} = {value}" for name, value in given.items()) or "defaults"
    commits = sorted({commit[:7] for commit in shown.runs["commit"]})
    return (
        f"Notebook {notebook}.ipynb (parameters: {told}), study {shown.study}, records {shown.digest}, trained at "
        f"{plural('commit', len(commits))} {', '.join(commits) or 'none'}{on_copies(shown.runs)}."
    )


def beside(side: str, shown: Records) -> str:
    """Where another part of a figure comes from, to be said after its `provenance`."""
    return f"{side}: study {shown.study}, records {shown.digest}{on_copies(shown.runs)}."

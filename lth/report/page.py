"""What every notebook does: turn its parameters into a study, and say where its figure comes from."""

from types import FunctionType, ModuleType

from lth import records
from lth.errors import LthError, check_choice
from lth.records.published import Records
from lth.report.text import on_copies
from lth.running import state
from lth.studies.catalogue import STUDIES
from lth.studies.parameters import study
from lth.studies.study import Study

STUDY_PARAMETERS = ("trials", "levels", "iterations", "arms", "rewind", "warmup", "recipes")
_IPYTHON = {"In", "Out", "exit", "quit", "get_ipython", "open"}


def study_of(namespace: dict, *others: str, drawn: str | None = None) -> Study:
    """The study that a notebook's parameters ask for.

    `namespace` is its globals() right after the parameters; `others` are its parameters that do not shape the study.
    `drawn` are the arms of its figure, such as "ticket,reinit": where parameters change the study and name no arms, no
    others are trained, and arms that are named must hold them. Raises LthError where papermill, which assigns unknown
    names without a word, has set one that does not exist.
    """
    allowed = ("study", *STUDY_PARAMETERS, *others)
    for name, value in namespace.items():
        if (
            not name.startswith("_")
            and name not in _IPYTHON
            and not isinstance(value, ModuleType | FunctionType | type)
        ):
            check_choice("parameter", name, allowed)
    show = namespace.get("show")
    if show is not None and not (isinstance(show, list) and show and all(type(level) is int for level in show)):
        raise LthError(f"show must be a list of levels, such as papermill's -y 'show: [0, 7]', not {show!r}")
    given = {name: namespace[name] for name in STUDY_PARAMETERS if name in namespace}
    chosen = study(namespace["study"], **given)
    if drawn and given.get("arms") is None and not unchanged(chosen):
        return study(namespace["study"], **(given | {"arms": drawn}))
    planned = {arm for grid in chosen.grids for arm in grid.arms}
    if drawn and (lacking := [arm for arm in drawn.split(",") if arm not in planned]):
        named = ",".join(sorted(planned))
        raise LthError(
            f"this notebook draws {' and '.join(lacking)} too, which are not among the arms {named!r}: add them"
        )
    return chosen


def records_of(chosen: Study) -> Records:
    """The records for a notebook's figure.

    Unchanged by parameters, a study is drawn as far as it is published, so that a book is built from what is committed
    even while its studies go on. Otherwise, or where nothing is published, what is missing is trained.
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
    if (found := published_of(chosen)) is None:
        raise LthError(
            f"no run of the study {chosen.name!r}, as it is defined now, is published: `lth run {chosen.name}` trains "
            f"it and `lth publish {chosen.name}` makes records of it; or choose fewer trials, levels or iterations"
        )
    return found


def unchanged(chosen: Study) -> bool:
    """Whether no parameter changes the study."""
    return chosen == STUDIES[chosen.name]


def provenance(notebook: str, shown: Records, namespace: dict, /, **others) -> str:
    """Where a figure comes from, for its caption: notebook, parameters, study, record hash and commit.

    The parameters are those of STUDY_PARAMETERS that `namespace`, the notebook's globals(), has, and `others`; those
    that are None are not said.
    """
    parameters = {name: namespace.get(name) for name in STUDY_PARAMETERS} | others
    given = ", ".join(f"{name} = {value}" for name, value in parameters.items() if value is not None) or "defaults"
    commits = sorted({commit[:7] for commit in shown.runs["commit"]})
    return (
        f"Notebook {notebook}.ipynb (parameters: {given}), study {shown.study}, records {shown.digest}, "
        f"trained at commit{'s'[: len(commits) != 1]} {', '.join(commits) or 'none'}{on_copies(shown.runs)}."
    )


def beside(what: str, shown: Records) -> str:
    """Where another part of a figure comes from, to be said after its `provenance`."""
    return f"{what}: study {shown.study}, records {shown.digest}{on_copies(shown.runs)}."

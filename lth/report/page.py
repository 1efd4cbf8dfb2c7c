"""What every notebook does: turn its parameters into a study, glue what its text shows, and say where that comes from.

Right after the cell with its parameters a notebook calls `of`, as in
`page = lth.report.page.of(globals(), "accuracy", study="lenet", drawn="ticket,reinit")`, and draws `page.records`.
"""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
from IPython import display
from matplotlib.figure import Figure
from myst_nb import glue

from lth.errors import LthError, check_choice
from lth.records.published import Records
from lth.report.axes import style, svg
from lth.report.sources import evidence, only_published, published_of, records_of, source, unchanged
from lth.studies import parameters
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study

STUDY_PARAMETERS = ("trials", "levels", "iterations", "arms", "rewind", "warmup", "recipes")
FIRST = ("study:", "trials:")  # how a cell of parameters begins
INJECTED = "# Parameters\n"  # how the cell begins that papermill adds after the notebook's own parameters
# What becomes of an unchanged study without records; with "never", nothing is trained whatever the parameters say.
UNPUBLISHED = {"train": records_of, "refuse": evidence, "skip": published_of, "never": only_published}
CHANGED = "The text below describes the published records."


@dataclass
class Page:
    """A notebook at work: its study and records, and what it hands to its text.

    notebook: its name without .ipynb; prefix: what the keys of its numbers begin with; given: the parameters that are
    not as the notebook has them; unpublished: see `of`.
    """

    notebook: str
    prefix: str
    study: Study
    given: Mapping[str, object]
    default: bool
    unpublished: str = "train"
    untrue: list[str] = field(default_factory=list)
    others: dict[str, Records] = field(default_factory=dict)  # by study, see `beside`
    told: list[dict[str, Any]] | None = None  # its sources, where they are no study's records

    @cached_property
    def records(self) -> Records | None:
        """The study's records; what parameters ask for and nobody has trained yet is trained when they are first read.

        Without such parameters they are what is published, so that the book is built from what is committed even while
        a study goes on.
        """
        return UNPUBLISHED[self.unpublished](self.study)

    def level(self, wanted: int) -> int:
        """The level that is `wanted`, or the deepest that the records hold."""
        assert self.records is not None
        return min(wanted, int(self.records.runs["level"].max()))

    def beside(self, study: str) -> Records:
        """The published records of another study that the page sets beside its own, changed by the same parameters."""
        own: dict[str, Any] = {name: self.given.get(name) for name in ("trials", "levels", "iterations")}
        if self.unpublished == "never":
            records = only_published(parameters.study(study), own["trials"])
        else:
            records = evidence(parameters.study(study, **own))
        self.others[study] = records
        return records

    def figure(self, key: str, draw: Callable[..., list[Figure]], frame: pd.DataFrame, **options) -> None:
        """Show a figure for the book under this key, see `show_figure`, with the sources of the page."""
        show_figure(key, draw, frame, options, {"sources": self.sources, "given": dict(self.given)})

    def explorer(self, data: Mapping[str, Any]) -> None:
        """Leave the data of the page's explorer, which the directive of this name shows."""
        display.display({"application/json": data, "text/plain": "explorer"}, raw=True, metadata={"explorer": True})

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The records that the page has read so far, for the page that tells where everything comes from."""
        if self.told is not None:
            return self.told
        read = [self.records, *self.others.values()] if self.records is not None else [*self.others.values()]
        return [source(records) for records in read]

    def table(self, key: str, markdown: str) -> None:
        """Glue a table in Markdown under this key, and show it in the notebook."""
        glue(key, display.Markdown(markdown))

    def numbers(self, **values) -> None:
        """Glue numbers, with six significant digits, and words, each under the page's prefix and its name."""
        for name, value in values.items():
            glue(f"{self.prefix}_{name}", _rounded(value), display=False)

    def expects(self, sentence: str, condition) -> None:
        """State what a sentence of the page relies on.

        Where it does not hold, the page as it is published is not built: LthError. With other parameters the page says
        once that its text is not about what they show.
        """
        if condition:
            return
        if self.default:
            raise LthError(
                f"the records no longer show what {self.notebook}.ipynb says, {sentence!r}: correct the sentence or, "
                "if no record was meant to change, restore them with git"
            )
        told = "" if self.untrue else f"{CHANGED} "
        shown = display.Markdown(f"{told}Not so here: “{sentence}”.")
        display.display(shown, metadata={"untrue": sentence})
        self.untrue.append(sentence)


def show_figure(
    key: str,
    draw: Callable[..., list[Figure]],
    frame: pd.DataFrame,
    options: Mapping[str, Any],
    known: Mapping[str, Any] | None = None,
) -> None:
    """Show a figure, `draw(frame, **options)`, a list of panels, in a notebook, for the book under this key.

    It is drawn from the numbers that are handed out with it: the frame as it is read again from its CSV, with six
    significant digits. `options` are those that JSON can hold: with them and the CSV anyone can draw it again. `known`
    is what else the book is to know of the figure.
    """
    numbers = frame.to_csv(index=False, float_format="%.6g")
    about = {"key": key, "draw": f"{draw.__module__}.{draw.__qualname__}", "options": dict(options), **(known or {})}
    with style():
        panels = draw(pd.read_csv(StringIO(numbers)), **options)
    for number, panel in enumerate(panels):
        shown = {"image/svg+xml": svg(panel), "text/plain": f"{key}, panel {number + 1}"}
        if number == 0:
            shown["text/csv"] = numbers
        display.display(shown, raw=True, metadata={"figure": about})


def of(
    namespace: Mapping[str, Any],
    notebook: str,
    *,
    study: str,
    drawn: str | None = None,
    unpublished: str = "train",
    prefix: str | None = None,
    **own,
) -> Page:
    """The page of a notebook, by its parameters.

    namespace: its globals() right after the cell with its parameters.
    study, own: the notebook's defaults, of the study and of its parameters that do not shape the study.
    drawn: the arms of its figures, such as "ticket,reinit" (see `study_of`); None for all.
    unpublished: what becomes of an unchanged study of which nothing is published: "train" it, "refuse" to build the
        page, or "skip" it, where the page can do without records. "never" is for a page of many studies, which draws
        nothing but published records: its only parameter that shapes a study is `trials`.
    prefix: what the keys of its numbers begin with, where that is not the notebook's name.

    LthError where the cell, or papermill, which assigns unknown names without a word, sets a parameter that does not
    exist, and for bad values.
    """
    check_choice("treatment of what is not published", unpublished, UNPUBLISHED)
    shaping = ("trials",) if unpublished == "never" else ("study", *STUDY_PARAMETERS)
    check_parameters(namespace, *shaping, *own)
    history = namespace.get("In", ())
    known = set(assigned(history)) if has_parameters(history) else set(namespace)
    given = {name: namespace[name] if name in known else None for name in STUDY_PARAMETERS}
    name = namespace["study"] if "study" in shaping else study
    chosen = study_of(name, drawn, **given)
    others = {name: namespace[name] for name, default in own.items() if namespace[name] != default}
    if name != study:
        others = {"study": name} | others
    return Page(
        notebook=notebook,
        prefix=prefix or notebook,
        study=chosen,
        given={name: value for name, value in (given | others).items() if value is not None},
        default=chosen == STUDIES[study] and not others,
        unpublished=unpublished,
    )


def check_parameters(namespace: Mapping[str, Any], *allowed: str) -> None:
    """LthError where a notebook's cell of parameters, or papermill, sets one that is not among those `allowed`."""
    for name in assigned(namespace.get("In", ())):
        check_choice("parameter", name, allowed)


def has_parameters(history: Sequence[str]) -> bool:
    """Whether a cell of IPython's `In` is one of parameters, as in a notebook, and not in a script."""
    return any(source.startswith(FIRST) for source in history)


def assigned(history: Sequence[str]) -> list[str]:
    """The names that the last cell with parameters assigns, and the cell that papermill adds after it.

    `history` is IPython's `In`. What else is in globals() is no parameter: what other cells, another run of all of
    them or a start-up file left there. Nothing where no cell is one of parameters: in a script, say.
    """
    if not has_parameters(history):
        return []
    starts = [i for i, source in enumerate(history) if source.startswith(FIRST)]
    cells = [history[starts[-1]], *(source for source in history[starts[-1] :] if source.startswith(INJECTED))]
    return [name for source in cells for name in _targets(source)]


def _targets(source: str) -> Iterable[str]:
    """The names that a cell's lines assign, in their order."""
    for line in ast.parse(source).body:
        targets = [line.target] if isinstance(line, ast.AnnAssign) else getattr(line, "targets", ())
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def check_list(name: str, value, of_type: type, example: str) -> None:
    """LthError unless a parameter is None or a list of such items that is not empty; `example` is one in YAML."""
    if value is not None and not (isinstance(value, list) and value and all(type(item) is of_type for item in value)):
        raise LthError(
            f"{name} must be a list such as {example}, not {value!r}: `lth figure` takes -p '{name}={example}', "
            f"papermill -y '{name}: {example}'"
        )


def _rounded(value: object) -> object:
    """A number with six significant digits, since the last ones differ between types of processors."""
    plain = value.item() if isinstance(value, np.generic) else value  # numpy's would be glued as their repr
    return float(f"{plain:.6g}") if isinstance(plain, float) else plain


def study_of(name: str, drawn: str | None = None, **given) -> Study:
    """The study of this name, changed by what is given of STUDY_PARAMETERS.

    Where parameters change the study and name no arms, only the `drawn` ones are trained; arms that are named must hold
    them, or LthError.
    """
    chosen = parameters.study(name, **given)
    if not drawn:
        return chosen
    if given.get("arms") is None and not unchanged(chosen):
        return parameters.study(name, **(given | {"arms": drawn}))
    planned = {arm for grid in chosen.grids for arm in grid.arms}
    if lacking := [arm for arm in drawn.split(",") if arm not in planned]:
        raise LthError(
            f"this notebook draws {' and '.join(lacking)} too, which are not among the arms "
            f"{','.join(sorted(planned))!r}: add them"
        )
    return chosen

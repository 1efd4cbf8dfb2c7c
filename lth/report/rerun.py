"""A notebook with other parameters as a small HTML book: its figures, and its numbers in its prose."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from shutil import copy, copytree
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from lth.errors import LthError, check_choice
from lth.paths import ROOT, make_dir
from lth.report import prose

NOTEBOOKS = ROOT / "notebooks"
RESULTS = "book/results"  # where notebooks are in the book
NEEDED = re.compile(r"\{(bibliography|glossary)\}")  # what a page must hold for others to refer to
LINK = re.compile(r'(<a\b[^>]*?) href="([^":#?]*)(?:#([^"]*))?"')  # to a file, or to a place in the page
PLAIN = "application/papermill.record/text/plain"  # what is glued, as Python writes it
NO_NUMBERS = {name: float(name) for name in ("nan", "inf", "-inf")}
MARKED = '<span class="redrawn">{}</span>'
FAILURE = re.compile(r"[\w.]*(Error|Exception|Severe)\b.*|.*\b(ERROR|SEVERE|CRITICAL)\b")  # of an exception, or logged


def rerun(name: str, parameters: Mapping[str, object], to: Path) -> Path:
    """Execute a notebook with these parameters and write it as an HTML book into the folder `to`.

    Arguments:
        name: of the notebook, without folder and .ipynb.
        parameters: values by name; what is None stays as the notebook has it.
        to: a folder; what an earlier call wrote there is replaced.

    Returns the path of the page. LthError where there is no such notebook or parameter, where the notebook fails (its
    own sentence, if it is an LthError) and where the folder cannot be written.
    """
    for package in ("papermill", "jupyter_book"):
        if util.find_spec(package) is None:
            raise LthError(f'{package} is not installed: install the book\'s packages, pip install -e ".[book]"')
    check_choice("notebook", name, sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
    given = {parameter: value for parameter, value in parameters.items() if value is not None}
    _check_parameters(NOTEBOOKS / f"{name}.ipynb", given)
    make_dir(to, "choose another folder with --to")
    print(f"a page takes a minute or two, and what it trains; it will be {to / RESULTS / name}.html", file=sys.stderr)
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        (source / RESULTS).mkdir(parents=True)
        _execute(NOTEBOOKS / f"{name}.ipynb", source / RESULTS / f"{name}.ipynb", given)
        _tell(source / RESULTS / f"{name}.ipynb", given)
        _build(source, f"{RESULTS}/{name}", Path(folder))
        html = Path(folder) / "_build" / "html"
        _unlink(html / f"{RESULTS}/{name}.html")
        copytree(html, to, dirs_exist_ok=True)
    return to / f"{RESULTS}/{name}.html"


def value_of(text: str) -> object:
    """What a text on the command line means: a number, list, True or None as Python writes it, or else the text."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _check_parameters(notebook: Path, given: Mapping[str, object]) -> None:
    """LthError where the notebook has no parameter of a name."""
    import papermill

    known = list(papermill.inspect_notebook(notebook))
    for parameter in given:
        if not known:
            raise LthError(f"{notebook.name} has no parameters, so {parameter!r} cannot be set: leave it out")
        check_choice(f"parameter of {notebook.name}", parameter, known)


def _execute(notebook: Path, target: Path, parameters: Mapping[str, object]) -> None:
    """Write the executed copy, in a kernel set up as for the book."""
    from papermill.exceptions import PapermillExecutionError

    with _environment_kept(), TemporaryDirectory() as folder:
        executing = _executing()
        executing.isolate(folder)
        os.environ["PYTHONWARNINGS"] = "ignore"  # they are for who writes the notebook
        try:
            executing.execute(notebook, target, folder, parameters)
        except PapermillExecutionError as error:
            if error.ename == LthError.__name__:
                raise LthError(error.evalue) from error
            raise LthError(f"{notebook.name} failed: {error.ename}: {error.evalue}") from error


def _tell(notebook: Path, parameters: Mapping[str, object]) -> None:
    """Set the numbers into the text of an executed notebook, marked; say below its title what was not made for them."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    elsewhere: dict[str, Any] = {}
    for other in NOTEBOOKS.glob("*.ipynb"):
        elsewhere |= _glued(json.loads(other.read_text(encoding="utf-8"))["cells"])
    own = _glued(content["cells"])
    texts = [cell for cell in content["cells"] if cell["cell_type"] == "markdown"]
    written = [prose.with_numbers("".join(cell["source"]), own, elsewhere) for cell in texts]
    for cell in texts:
        cell["source"] = prose.with_numbers("".join(cell["source"]), own, elsewhere, MARKED)
    for cell in content["cells"]:
        if "injected-parameters" in cell["metadata"].get("tags", ()):
            cell["metadata"]["tags"].append("remove-cell")
    outputs = [output for cell in content["cells"] for output in cell.get("outputs", ())]
    untrue = [output["metadata"]["untrue"] for output in outputs if "untrue" in output.get("metadata", {})]
    title, _, rest = texts[0]["source"].partition("\n")
    texts[0]["source"] = "\n".join([title, "", *_banner(parameters, "\n\n".join(written), untrue), rest])
    notebook.write_text(json.dumps(content), encoding="utf-8")


def _banner(parameters: Mapping[str, object], text: str, untrue: Sequence[str]) -> list[str]:
    """What a reader is to know of a page drawn again: its text, and quotations from it that do not hold."""
    told = ", ".join(f"{name} = {value}" for name, value in parameters.items()) or "the parameters as published"
    lines = [
        ":::{warning}",
        f"Drawn again with {told}. The figures show your runs. Numbers marked {MARKED.format('like this')} differ from "
        "those of the page as it is published. All other words and numbers are of that page, and may not be true here.",
    ]
    wrong = [*(prose.around(quotation, text) for quotation in untrue), *prose.without_numbers(text)]
    if wrong:
        lines += [
            "These sentences are wrong here, or lack a number; others may be wrong, too:",
            "",
            *(f"- {each}" for each in dict.fromkeys(wrong)),
        ]
    return [*lines, ":::"]


def _glued(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The numbers and words that a notebook has glued, by key."""
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    kept = {
        output["metadata"]["scrapbook"]["name"]: "".join(output["data"][PLAIN])
        for output in outputs
        if "scrapbook" in output.get("metadata", {}) and PLAIN in output.get("data", {})
    }
    return {key: NO_NUMBERS.get(shown, value_of(shown)) for key, shown in kept.items()}


def _executing() -> ModuleType:
    """The module notebooks/execute.py, which is in no package."""
    spec = util.spec_from_file_location("execute", ROOT / "notebooks" / "execute.py")
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Put environment variables back afterwards."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _build(source: Path, page: str, to: Path) -> None:
    """Build a book of one page, with the project's settings and what the page refers to, into `to`/_build/html.

    Warnings do not count: the other pages that it links to are not there.
    """
    book = ROOT / "book"
    for folder in book.glob("_*"):
        copytree(folder, source / "book" / folder.name)
    for file in (*book.glob("*.bib"), *book.glob("*.md")):
        copy(file, source / "book" / file.name)
    copy(ROOT / "_config.yml", source / "_config.yml")
    contents = f"format: jb-book\nroot: {page}\nchapters:\n"
    listed = re.findall(r"(?:file|root): *(book/\w+)$", (ROOT / "_toc.yml").read_text(encoding="utf-8"), re.MULTILINE)
    for name in listed:
        text = ROOT / f"{name}.md"
        if text.is_file() and NEEDED.search(text.read_text(encoding="utf-8")):
            contents += f"  - file: {name}\n"
    (source / "_toc.yml").write_text(contents, encoding="utf-8")
    command = "import sys; from jupyter_book.cli.main import main; main(sys.argv[1:])"
    arguments = ["build", str(source), "--path-output", str(to), "--all", "--keep-going"]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode or not (to / "_build" / "html" / f"{page}.html").exists():
        said = [line for line in done.stderr.splitlines() if FAILURE.match(line)] or ["its builder does not say why"]
        raise LthError(f"the page {page} could not be built: {said[0]}")


def _unlink(page: Path) -> None:
    """Take the targets from links to what is not there."""
    text = page.read_text(encoding="utf-8")

    def there(match: re.Match) -> str:
        opening, file, place = match.groups()
        found = (page.parent / file).exists() if file else not place or f'id="{place}"' in text
        return match[0] if found else opening

    page.write_text(LINK.sub(there, text), encoding="utf-8")

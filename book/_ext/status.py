"""The directive `notebook-status`: where everything comes from, a row for each notebook that has a figure.

    ```{notebook-status}
    ```

A row has the id `notebook-NAME`, to which the links "source" under figures lead.
"""

import json
from html import escape
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from lth import records
from lth.claims import evidence
from lth.studies import STUDIES

HEAD = ("Notebook", "Run time", "Parameters", "Study", "Trials", "Runs", "Records", "Trained at commit")
NOTHING = {"study": "trained when executed", "records": "–", "commits": ["–"]}
CLAIMS = "book/results/claims"
TOLD = ("torch", "numpy", "pandas", "matplotlib", "jupyter-book", "papermill")


def sources(notebook: dict) -> tuple[dict, list[dict]]:
    """The parameters that were given, and the sources of a notebook's figures (its parsed JSON), each once."""
    given, found = {}, {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            about = output.get("metadata", {}).get("figure", {})
            given |= about.get("given", {})
            found |= {source["study"]: source for source in about.get("sources", ())}
    return given, list(found.values())


def rows(folder: Path) -> list[tuple[str, list[str]]]:
    """For each notebook of a folder its name and, for each source of its figures, the cells of a row."""
    listed = []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        given, found = sources(notebook)
        told = ", ".join(f"{name} = {value}" for name, value in given.items()) or "as published"
        seconds = notebook["metadata"].get("lth", {}).get("seconds")
        for source in found or [NOTHING]:
            listed.append(
                (
                    path.stem,
                    [
                        f"{path.stem}.ipynb",
                        f"{seconds:.0f} s" if seconds else "–",
                        told,
                        source["study"] + (f", {source['copies']}" if source.get("copies") else ""),
                        str(source.get("trials", "–")),
                        f"{source['runs']:,}" if "runs" in source else "–",
                        source["records"],
                        ", ".join(source["commits"]),
                    ],
                )
            )
    return listed


def core_hours() -> float:
    """Hours of one core in all published runs, each once though several studies share it."""
    seconds: dict[str, float] = {}
    for study in STUDIES:
        runs = records.load_or_empty(study).runs
        seconds |= dict(zip(runs["key"], runs["seconds"], strict=True)) if len(runs) else {}
    return sum(seconds.values()) / 3600


class NotebookStatus(SphinxDirective):
    """The table, and what all of it was computed with."""

    def run(self) -> list[nodes.Node]:
        """As HTML: a phone scrolls the table in its box."""
        results, text, named = Path(self.env.srcdir) / "book" / "results", "", set()
        for name, cells in rows(results):
            anchor = "" if name in named else f' id="notebook-{name.replace("_", "-")}"'
            named.add(name)
            text += f"<tr{anchor}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        head = "".join(f"<th>{name}</th>" for name in HEAD)
        table = f'<table class="table status"><thead><tr>{head}</tr></thead><tbody>{text}</tbody></table>'
        versions = ", ".join(f"{name} {version(name)}" for name in TOLD)
        hours = f"The published runs took {core_hours():,.0f} hours of one core."
        told = f"<p>{hours} This book was built with {versions}.</p>"
        return [nodes.raw("", f'{told}<div class="wide">{table}</div>', format="html")]


def write_claims(app, exception) -> None:
    """Write the claims as data into a book that has the page about them: what `lth claims --json` prints."""
    if not exception and app.builder.format == "html" and CLAIMS in app.env.found_docs:
        (Path(app.outdir) / "_static" / "claims.json").write_text(evidence.as_json() + "\n", encoding="utf-8")


def setup(app) -> dict:
    """Register with Sphinx."""
    app.connect("build-finished", write_claims)
    app.add_directive("notebook-status", NotebookStatus)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

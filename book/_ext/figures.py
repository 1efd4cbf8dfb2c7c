"""Figures of executed notebooks and drawings, in the page itself, so that they follow its light or dark colours.

    :::{glued-figure} results/accuracy.ipynb::accuracy       a figure that a notebook's page.figure(…) left
    :::{drawing} _static/drawings/procedure.svg              a drawing, an SVG file beside the page

Both take `:name:` and `:alt:`, and the caption as their content. After a figure of a notebook come links to its SVG, to
the numbers drawn (CSV) and to what is known of its notebook, and the command that draws it anew.

    python book/_ext/figures.py NOTEBOOK KEY FOLDER    write the panels of a figure there: the README's, `make refresh`
"""

import json
import re
import shlex
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from lth.report.styles import PALETTE

HOW = "book/results/your_own.html#change-a-figure-of-this-book"
COMMON = ("trials", "levels", "iterations", "arms", "rewind", "warmup", "recipes")  # options of their own
STATUS = "book/reference.html#notebook-"  # where the page of reference tells about a notebook
COLOURS = re.compile("|".join(PALETTE), re.IGNORECASE)


def figures_of(notebook: dict) -> dict[str, dict]:
    """The figures of a notebook (its parsed JSON) by key: panels (SVG each), csv, and about, what page.figure noted."""
    figures: dict[str, dict] = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            about = output.get("metadata", {}).get("figure")
            if about:
                figure = figures.setdefault(about["key"], {"panels": [], "csv": "", "about": about})
                figure["panels"].append("".join(output["data"]["image/svg+xml"]))
                figure["csv"] += "".join(output["data"].get("text/csv", ""))
    return figures


def themed(svg: str, label: str) -> str:
    """The SVG for a page: its colours by name (see `palette`), no paper, and `label` for who does not see it."""
    svg = svg[svg.index("<svg") :].strip().replace(' style="background: #ffffff"', "", 1)
    svg = re.sub(r' (role|aria-label|aria-labelledby)="[^"]*"', "", svg.replace("\n", " "))
    svg = COLOURS.sub(lambda match: f"var(--figure-{match[0][1:].lower()})", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


def palette() -> str:
    """The style sheet with the colours of figures, on light and on dark paper; printed pages are light."""
    light, dark = (
        " ".join(f"--figure-{name[1:]}: {colour};" for name, colour in colours)
        for colours in (((name, name) for name in PALETTE), PALETTE.items())
    )
    return f":root {{ {light} }}\n@media not print {{ html[data-theme='dark'] {{ {dark} }} }}\n"


class _Figure(SphinxDirective):
    """What both directives share."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required, "alt": directives.unchanged_required}

    def build(self, panels: list[str], footer: str = "") -> list[nodes.Node]:
        """The figure: panels side by side where there is room, the caption, and a footer in HTML."""
        if len(self.options.get("alt", "")) < 10:
            raise self.error("a figure needs :alt:, what it shows for who does not see it")
        labels = [self.options["alt"]]
        if len(panels) > 1:
            labels = [f"{self.options['alt']} Panel {i + 1} of {len(panels)}." for i in range(len(panels))]
        shown = "".join(themed(panel, label) for panel, label in zip(panels, labels, strict=True))
        figure = nodes.figure("", nodes.raw("", f'<div class="panels">{shown}</div>', format="html"))
        figure["classes"].append("drawn")
        caption, messages = self.parse_inline(" ".join(self.content))
        figure += nodes.caption("", "", *caption)
        if footer:
            figure += nodes.legend("", nodes.raw("", footer, format="html"))
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure, *messages]

    def file(self, name: str) -> Path:
        """A file beside the page, noted as needed by it."""
        path = Path(self.env.relfn2path(name)[1])
        self.env.note_dependency(str(path))
        if not path.is_file():
            raise self.error(f"there is no file {name}")
        return path


class GluedFigure(_Figure):
    """The figure NOTEBOOK::KEY."""

    def run(self) -> list[nodes.Node]:
        """Its panels, caption and links; an error where the notebook lacks it."""
        document, _, key = self.arguments[0].partition("::")
        figures = figures_of(json.loads(self.file(document).read_text(encoding="utf-8")))
        if key not in figures:
            raise self.error(f"no figure {key!r} is in {document}: it has {', '.join(sorted(figures)) or 'none'}")
        self.env.figures = getattr(self.env, "figures", {}) | {key: (figures[key]["panels"], figures[key]["csv"])}
        notebook, root = Path(document).stem, "../" * self.env.docname.count("/")
        files = [(f"{key}.csv", "data (CSV)"), *((name, "SVG") for name in file_names(key, figures[key]["panels"])[:1])]
        links = [f'<a href="{root}_static/figures/{name}" download>{text}</a>' for name, text in files]
        links.append(f'<a href="{root}{STATUS}{notebook.replace("_", "-")}">source</a>')
        again = "" if self.env.docname.endswith("your_own") else f"{root}{HOW}"
        command = f"lth figure {notebook} {told(figures[key]['about'].get('given') or {'trials': 2})}"
        links.append(f'<a href="{again}">draw it again</a>: <code>{command}</code>')
        return self.build(figures[key]["panels"], f'<p class="figure-links">{" · ".join(links)}</p>')


class Drawing(_Figure):
    """A drawing."""

    def run(self) -> list[nodes.Node]:
        """The file as a figure."""
        return self.build([self.file(self.arguments[0]).read_text(encoding="utf-8")])


class PageCode(SphinxDirective):
    """The code of the notebook that this page is, in one fold, its parameters first."""

    def run(self) -> list[nodes.Node]:
        """A fold of sphinx-design with the cells of code."""
        cells = json.loads(Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        parameters = [cell for cell in code if "parameters" in cell["metadata"].get("tags", ())]
        blocks = ["".join(cell["source"]) for cell in (*parameters, *(cell for cell in code if cell not in parameters))]
        text = "\n\n".join(f"```python\n{block}\n```" for block in blocks)
        name = Path(self.env.docname).name
        command = f"papermill notebooks/{name}.ipynb out.ipynb -p NAME VALUE"
        opening = f"Each line of the first block is a parameter of `{command}`."
        return self.parse_text_to_nodes(f"::::{{dropdown}} Code and parameters of this page\n{opening}\n\n{text}\n::::")


def told(given: dict) -> str:
    """Parameters as the options of `lth figure`."""
    options = []
    for name, value in given.items():
        options.append(f"--{name} {value}" if name in COMMON else f"-p {shlex.quote(f'{name}={value}')}")
    return escape(" ".join(options))


def file_names(key: str, panels: list[str]) -> list[str]:
    """The files of a figure's panels."""
    return [f"{key}.svg"] if len(panels) == 1 else [f"{key}-{i + 1}.svg" for i in range(len(panels))]


def write_files(app, exception) -> None:
    """Write the palette, and every figure shown with its numbers, beside the built pages."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static"
    (folder / "palette.css").write_text(palette(), encoding="utf-8")
    (folder / "figures").mkdir(exist_ok=True)
    for key, (panels, csv) in getattr(app.env, "figures", {}).items():
        (folder / "figures" / f"{key}.csv").write_text(csv, encoding="utf-8")
        for name, panel in zip(file_names(key, panels), panels, strict=True):
            (folder / "figures" / name).write_text(panel, encoding="utf-8")


def setup(app) -> dict:
    """Register with Sphinx."""
    for name, directive in (("glued-figure", GluedFigure), ("drawing", Drawing), ("page-code", PageCode)):
        app.add_directive(name, directive)
    app.add_css_file("palette.css")
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": False, "parallel_write_safe": True}


if __name__ == "__main__":
    source, key, folder = sys.argv[1:]
    shown = figures_of(json.loads(Path(source).read_text(encoding="utf-8")))[key]["panels"]
    for name, panel in zip(file_names(key, shown), shown, strict=True):
        (Path(folder) / name).write_text(panel, encoding="utf-8")

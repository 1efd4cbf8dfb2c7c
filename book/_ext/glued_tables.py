"""The directive `glued-table`: a table that an executed notebook has glued as Markdown, on any page.

    ```{glued-table} results/claims.ipynb::claims_front
    :name: tab-verdicts

    The caption.
    ```

What `glue` itself brings from another page is HTML without the theme's style; this is parsed like the page's own text.
Cells that hold a verdict and nothing else become badges. In the tables of LISTS each cell also carries the head of its
column, shown where a phone turns the table into a list (`_static/custom.css`).
"""

import json
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from lth.report.claims.tables import BADGES

MIMES = ("application/papermill.record/text/markdown", "text/markdown")
LISTS = {"front", "claims"}  # the classes of tables that a phone shows as lists


def glued_markdown(notebook: dict) -> dict[str, str]:
    """The Markdown glued in a notebook (its parsed JSON), by key."""
    found = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            key = output.get("metadata", {}).get("scrapbook", {}).get("name")
            for mime in MIMES:
                if key and mime in output.get("data", {}):
                    found[key] = "".join(output["data"][mime])
    return found


def with_badges(table: str) -> str:
    """The table, with a badge for each verdict that fills a cell."""
    words = "|".join(map(re.escape, BADGES))
    return re.sub(rf"\| ({words}) (?=\|)", lambda match: f"| {{bdg-{BADGES[match[1]]}}}`{match[1]}` ", table)


def label_cells(table: nodes.table) -> None:
    """Put each column's head before its cells' text, but for the first column, which names the row."""
    heads = [entry.astext() for entry in table.next_node(nodes.thead).findall(nodes.entry)]
    for row in table.next_node(nodes.tbody).findall(nodes.row):
        for head, cell in list(zip(heads, row, strict=True))[1:]:
            cell.next_node(nodes.paragraph).insert(0, nodes.inline("", f"{head.rstrip('?')}: ", classes=["column"]))


class GluedTable(SphinxDirective):
    """Render the table NOTEBOOK::KEY; the content is its caption, `:name:` its label, `:class:` its style."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required, "class": directives.unchanged_required}

    def run(self) -> list:
        """Parse the table as MyST, so that it takes the theme's style; an error where the notebook lacks it."""
        document, _, key = self.arguments[0].partition("::")
        path = Path(self.env.relfn2path(document)[1])
        self.env.note_dependency(str(path))
        tables = glued_markdown(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
        if key not in tables:
            raise self.error(f"no table {key!r} is glued in {document}: it has {', '.join(sorted(tables)) or 'none'}")
        options = "".join(f":{name}: {self.options[name]}\n" for name in self.option_spec if name in self.options)
        caption = " ".join(self.content)
        parsed = self.parse_text_to_nodes(f":::{{table}} {caption}\n{options}\n{with_badges(tables[key])}\n:::")
        if LISTS & set(self.options.get("class", "").split()):
            for node in parsed:
                for table in node.findall(nodes.table):
                    label_cells(table)
        return parsed


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_directive("glued-table", GluedTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

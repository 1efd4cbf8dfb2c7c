"""The directive `explorer`: the picture with a control that an executed notebook's page.explorer(…) left data for.

:::{explorer} inside.ipynb
:::
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from lth.report import styles

HTML = """<div class="explorer">
<script type="application/json">{data}</script>
<svg role="img" aria-label="Surviving connections of each pixel"></svg>
<div><label>Pruning level <input type="range" min="0" value="7" step="1"></label>
<label>Started from <select></select></label>
<table class="table"><tbody>
<tr><th>Shown</th><td data-shown="level"></td></tr><tr><th>By layer</th><td data-shown="layers"></td></tr>
<tr><th>Accuracy before training</th><td data-shown="before"></td></tr>
<tr><th>Early stop</th><td data-shown="stop"></td></tr>
<tr><th>Accuracy there</th><td data-shown="accuracy"></td></tr></tbody></table></div></div>"""


class Explorer(SphinxDirective):
    """The explorer with the data of a notebook."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Its HTML; an error where the notebook has no data for it."""
        path = Path(self.env.relfn2path(self.arguments[0])[1])
        self.env.note_dependency(str(path))
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                if "explorer" in output.get("metadata", {}):
                    data = output["data"]["application/json"]
                    there = data["levels"][-1]["arms"]
                    data["names"] = {arm: style.label for arm, style in styles.of_arms().items() if arm in there}
                    return [nodes.raw("", HTML.format(data=json.dumps(data)), format="html")]
        raise self.error(f"{self.arguments[0]} has no data for the explorer")


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_directive("explorer", Explorer)
    app.add_js_file("explorer.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}

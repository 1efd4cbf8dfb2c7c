"""Figures glued in an executed notebook, as files that any page can show.

MyST-NB's `glue:figure` works on its own page only, and what `glue` brings from another page has no alternative text.
Before the build each figure glued in `book/results/*.ipynb` is written to `book/results/figures/<key>.png`.

    python book/_ext/glued_figures.py NOTEBOOK KEY FILE    write one figure: the README's, `make refresh`
"""

import json
import sys
from base64 import b64decode
from pathlib import Path

PREFIX = "application/papermill.record/"


def glued_figures(notebook: dict) -> dict[str, bytes]:
    """The PNG images glued in a notebook (its parsed JSON), by key."""
    figures = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            key = output.get("metadata", {}).get("scrapbook", {}).get("name")
            data = output.get("data", {})
            image = data.get("image/png") or data.get(PREFIX + "image/png")
            if key and image:
                figures[key] = b64decode("".join(image))
    return figures


def write_figures(app) -> None:
    """Write every glued figure beside the notebooks it came from, where it changed."""
    results = Path(app.srcdir) / "book" / "results"
    folder = results / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(results.glob("*.ipynb")):
        for key, image in glued_figures(json.loads(path.read_text(encoding="utf-8"))).items():
            file = folder / f"{key}.png"
            if not file.exists() or file.read_bytes() != image:
                file.write_bytes(image)


def setup(app) -> dict:
    """Register with Sphinx."""
    app.connect("builder-inited", write_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    notebook, key, file = sys.argv[1:]
    Path(file).write_bytes(glued_figures(json.loads(Path(notebook).read_text(encoding="utf-8")))[key])

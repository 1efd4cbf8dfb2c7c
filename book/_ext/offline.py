"""Keeps every page of the book on its own host.

MathJax comes from the installed package; of it only the third that TeX input and HTML output need is copied.
Thebe, which runs cells on a remote server and is always part of Jupyter Book, is disconnected: nothing here uses it.
"""

from importlib.util import find_spec
from pathlib import Path
from shutil import copytree

PARTS = ("tex-chtml.js", "input/tex/extensions", "output/chtml")


def copy_mathjax(app, exception) -> None:
    """Copy the needed parts of MathJax into the built book's `_static/mathjax`."""
    if exception or app.builder.format != "html":
        return
    source = Path(find_spec("sphinx-mathjax-offline").submodule_search_locations[0]) / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in PARTS:
        if (source / part).is_dir():
            copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            (target / part).write_bytes((source / part).read_bytes())


def disconnect_thebe(app, config) -> None:
    """Take back what sphinx-thebe asks to be told of pages, so that it adds no script to them."""
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners.get(event, ())):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def setup(app) -> dict:
    """Register with Sphinx."""
    app.connect("config-inited", disconnect_thebe, priority=900)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

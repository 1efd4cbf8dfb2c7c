"""How notebooks are executed for the book, and compared with the committed ones."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest

from lth.paths import ROOT

EXECUTE = ROOT / "notebooks" / "execute.py"
SHOWN = """import os, matplotlib, matplotlib.pyplot
from ipykernel.connect import get_connection_info
print(get_connection_info(unpack=True)["transport"], os.path.basename(os.getcwd()))
print(matplotlib.get_backend(), matplotlib.rcParams["figure.dpi"])"""


def written(path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def executed(*arguments, **environment) -> subprocess.CompletedProcess:
    command = [sys.executable, EXECUTE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


@pytest.fixture
def settings(tmp_path) -> dict[str, str]:
    """A user's settings, each of which would change or end a kernel."""
    broken = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    files = {
        broken: json.dumps({"argv": ["false"], "display_name": "broken", "language": "python"}),
        tmp_path / "matplotlibrc": "figure.dpi: 33",
        tmp_path / "ipython" / "profile_default" / "startup" / "startup.py": "import os; os._exit(3)",
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "MPLCONFIGDIR": str(tmp_path),
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
        "MPLBACKEND": "pdf",
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }


def test_kernels_are_private_and_do_not_see_a_users_settings(tmp_path, settings):
    written(tmp_path / "one.ipynb", SHOWN)
    done = executed(tmp_path / "one", **settings)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no tool warns of anything
    (cell,) = nbformat.read(tmp_path / "one.ipynb", as_version=4).cells
    printed = "".join(output.text for output in cell.outputs)
    assert printed == "ipc notebooks\nmodule://matplotlib_inline.backend_inline 100.0\n"


def test_a_notebook_that_fails_is_told_and_nothing_is_written(tmp_path):
    for name in ("good", "bad"):
        written(tmp_path / f"{name}.ipynb", "1 / 0" if name == "bad" else "1 / 1")
    before = (tmp_path / "bad.ipynb").read_text()
    done = executed(tmp_path / "good", tmp_path / "bad", "--jobs", "2")
    assert done.returncode == 1 and "ZeroDivisionError: division by zero" in done.stderr
    assert (tmp_path / "bad.ipynb").read_text() == before
    assert nbformat.read(tmp_path / "good.ipynb", as_version=4).cells[0].outputs


def compared(copies) -> str:
    """How many cells of notebooks/original_weights.ipynb agree with its executed copy, as nbval says."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-sanitize-with"]
    command += [
        ROOT / "notebooks" / "sanitize.cfg",
        "--executed",
        copies,
        ROOT / "notebooks" / "original_weights.ipynb",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[-1].rpartition(" in ")[0]


def test_a_copy_is_compared_cell_by_cell(tmp_path):
    copy = tmp_path / "original_weights.ipynb"
    notebook = nbformat.read(ROOT / "notebooks" / "original_weights.ipynb", as_version=4)
    nbformat.write(notebook, copy)
    assert re.fullmatch(r"\d+ passed", compared(tmp_path))
    shown = next(cell for cell in notebook.cells if cell.get("outputs"))
    shown.outputs = [nbformat.v4.new_output("display_data", {"text/plain": "another figure"})]
    nbformat.write(notebook, copy)
    assert re.fullmatch(r"1 failed, \d+ passed", compared(tmp_path))
    shown.source = "an_older_version()"
    nbformat.write(notebook, copy)
    assert re.match(r"\d+ failed", compared(tmp_path))

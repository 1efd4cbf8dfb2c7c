"""The notebooks, and how the README runs them."""

import os
import subprocess
import sys

from lth.paths import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def papermill(notebook, tmp_path, *parameters):
    """Run a notebook as the README says, with runs of its own."""
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", notebook, out, "--cwd", notebook.parent, "--no-progress-bar"]
    for name, value in zip(parameters[::2], parameters[1::2], strict=True):
        command += ["-p", name, str(value)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False), out

import subprocess
import sys

import grimp
import pytest
import torch

import lth
from lth.paths import ROOT

CORE = ("errors", "names", "recipes", "arms", "runs", "data", "models", "pruning", "training", "lottery")
ELSEWHERE = (
    *("dask", "distributed", "numba", "pandera", "papermill", "psutil", "rich", "scipy", "seaborn", "safetensors"),
    *("typer", "torchvision"),
)
ROOMS = ("datasets", "engines", "records", "running", "studies", "statistics", "claims", "report", "paths", "cli")


def test_the_core_runs_on_a_bare_gpu_machine():
    """It imports nothing but torch, numpy, pandas and pyarrow, and no other room of the house."""
    blocked = [*ELSEWHERE, *(f"lth.{room}" for room in ROOMS)]
    script = f"import sys; sys.modules.update(dict.fromkeys({blocked})); "
    script += "; ".join(f"import lth.{name}" for name in CORE)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_core_is_small_and_opens_no_file():
    sources = {name: (ROOT / "lth" / f"{name}.py").read_text() for name in CORE}
    assert sum(len(source.splitlines()) for source in sources.values()) < 1650
    assert not [name for name, source in sources.items() if " open(" in source or "requests" in source]


def test_the_stacked_engine_trains_without_numba():
    script = "import sys; sys.modules.update(dict.fromkeys(('numba', 'llvmlite'))); import lth.engines as engines; "
    script += "from lth.recipes import RECIPES; print(engines.choose(RECIPES['lenet'], 0.2)[0])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "stacked", done.stderr


def test_completion_shows_the_public_face():
    assert {"study", "find_tickets", "Data", "RECIPES", "records", "build_model"} <= set(dir(lth))
    assert all(getattr(lth, name) is not None for name in lth.__all__)


def test_the_core_needs_four_packages():
    """`make lint` forbids it the rooms of the library, and those packages that are known; this forbids all others."""
    imports = grimp.build_graph("lth", include_external_packages=True)
    core = imports.find_children("lth") - {"lth.cli", "lth.paths"}
    core = {module for module in core if not imports.find_children(module)}
    assert {"lth.training", "lth.lottery"} <= core
    imported = {name.split(".")[0] for module in core for name in imports.find_modules_directly_imported_by(module)}
    assert imported - sys.stdlib_module_names - {"lth"} <= {"torch", "numpy", "pandas", "pyarrow"}


def test_public_names():
    assert lth.study("lenet", trials=1).trials == 1
    assert lth.build_model(lth.RECIPES["lenet"])(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert "lenet" in lth.STUDIES
    assert callable(lth.records.load)
    with pytest.raises(AttributeError, match="has no attribute 'stduy'"):
        lth.stduy  # noqa: B018

import subprocess
import sys

import grimp
import pytest
import torch

import lth

CORE = ("recipes", "data", "models", "pruning", "training", "lottery", "engines.stacked")
ELSEWHERE = ("dask", "distributed", "numba", "pandera", "papermill", "seaborn", "safetensors", "typer", "torchvision")


def test_the_core_runs_on_a_bare_gpu_machine():
    """It imports nothing but torch, numpy, pandas and pyarrow."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({ELSEWHERE}))"
    imports = "; ".join(f"import lth.{name}" for name in CORE)
    done = subprocess.run([sys.executable, "-c", f"{blocked}; {imports}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


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

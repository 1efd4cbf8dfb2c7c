import json
import os
import shutil
import subprocess
import sys

import pyarrow.parquet as pyarrow_parquet
import pytest

from lth import records
from lth.errors import LthError
from lth.paths import ROOT
from lth.records import glance


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The published records of one study in a data folder of its own."""
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    return shutil.copytree(ROOT / "data/records/conv2-reduced", tmp_path / "records/conv2-reduced")


def test_seconds_are_those_of_the_table(folder):
    runs = records.load("conv2-reduced").runs
    specs = map(json.loads, runs["spec"])
    assert glance.runs("conv2-reduced") == dict(zip(runs["key"], zip(runs["seconds"], specs, strict=True), strict=True))
    assert glance.runs("conv2") == {}


def test_seconds_of_damaged_records_are_not_told(folder):
    content = (folder / "curves.parquet").read_bytes()
    (folder / "curves.parquet").write_bytes(content[:-1])
    with pytest.raises(LthError, match="conv2-reduced/curves.parquet is not what was published"):
        glance.runs("conv2-reduced")


def test_copies_name_what_the_runs_were_trained_on(folder):
    assert glance.copies("conv2-reduced") == {"cifar10": "CIFAR-10 (JPEG copy)"}
    assert glance.copies("conv2") == {}
    (folder / "runs.parquet").write_bytes(b"half")  # whoever reads the records tells
    assert glance.copies("conv2-reduced") == {}


def test_what_copies_cannot_make_sense_of_is_not_kept_quiet(folder, monkeypatch):
    """Only records that are missing or damaged count as none."""
    monkeypatch.setattr(glance.json, "loads", lambda text: {})
    with pytest.raises(KeyError):
        glance.copies("conv2-reduced")


def test_a_glance_needs_neither_pandas_nor_pytorch(folder):
    blocked = ("torch", "pandas", "pandera", "pyarrow.dataset")
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked})); from lth.records import glance; import json; "
        "print(json.dumps([len(glance.runs('conv2-reduced')), glance.copies('conv2-reduced')]))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    rows = pyarrow_parquet.read_metadata(folder / "runs.parquet").num_rows
    assert done.returncode == 0 and json.loads(done.stdout) == [rows, {"cifar10": "CIFAR-10 (JPEG copy)"}], done.stderr

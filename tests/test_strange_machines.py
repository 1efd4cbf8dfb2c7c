"""Terminals, pipes, folders and installations as machines have them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_study import SCRIPT, STUDY

from lth import records
from lth.errors import LthError
from lth.paths import ROOT, records_dir, runs_dir
from lth.records import kept, published, schema, store
from lth.running import complete
from lth.studies.parameters import study

ELSEWHERE = (  # all that the core does without
    *("dask", "distributed", "IPython", "llvmlite", "matplotlib", "numba", "pandera", "papermill", "psutil", "rich"),
    *("safetensors", "scipy", "seaborn", "torchvision", "typer"),
)


def command(*arguments: str, script: object = SCRIPT, **options) -> subprocess.CompletedProcess:
    environment = os.environ | options.pop("env", {})
    return subprocess.run(
        [sys.executable, str(script), *arguments], env=environment, stderr=subprocess.PIPE, text=True, check=False,
        timeout=120, **options,
    )  # fmt: skip


def test_a_bare_machine_trains(data_dir):
    """PyTorch, NumPy, pandas and PyArrow are enough to train a run."""
    script = f"""
import sys
sys.modules.update(dict.fromkeys({ELSEWHERE}))
sys.path.insert(0, {str(SCRIPT.parent)!r})
from tiny_study import STUDY, install
install()
from lth.lottery import walk
from lth.running.worker import execute
for chain in STUDY.chains():
    for job, finished in walk(chain, lambda job: execute([job])[0]):
        print(finished.summary["arm"], finished.summary["engine"])
"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-c", script]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["ticket", "stacked", "reinit", "stacked"] * 3, done.stderr


def test_a_terminal_of_another_alphabet_is_written_to(tiny_study, data_dir, tmp_path):
    """Frames of tables, and names of folders that are no text at all."""
    odd = os.fsencode(tmp_path) + b"/\xff\xe9 odd #$%"
    Path(os.fsdecode(odd)).symlink_to(data_dir)
    environment = {"LTH_DATA": os.fsdecode(odd), "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    for arguments in (("status", "tiny"), ("data",), ("data", "mnist"), ("publish", "tiny")):
        done = command(*arguments, env=environment, stdout=subprocess.PIPE)
        assert done.returncode == (arguments[0] == "publish"), done.stderr
        assert done.stderr.count("\n") == done.returncode and "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_device_at_the_other_end_is_told(tiny_study, data_dir):
    with open("/dev/full", "w") as full:
        done = command("data", env={"LTH_DATA": str(data_dir)}, stdout=full)
    assert (done.returncode, done.stderr) == (1, "lth: cannot write what is to be shown (No space left on device)\n")


def test_whoever_reads_may_go(tiny_study, data_dir):
    reader, writer = os.pipe()
    os.close(reader)
    done = command("data", env={"LTH_DATA": str(data_dir)}, stdout=writer)
    os.close(writer)
    assert done.stderr == ""


def put(path: Path, kind: str) -> None:
    """Put another thing in the place of a file."""
    if path.exists():
        path.unlink()
    if kind == "folder":
        path.mkdir()
    if kind == "loop":
        path.symlink_to(path.name)
    if kind == "pipe":
        os.mkfifo(path)
    if kind == "nothing":
        path.symlink_to("nothing")
    if kind == "device":
        path.symlink_to("/dev/zero")


KINDS = ("folder", "loop", "pipe", "nothing", "device")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_in_the_place_of_a_kept_run_is_set_aside(tiny_study, scheduler, kind):
    complete.train(tiny_study, scheduler=scheduler)
    key = tiny_study.runs()[0].key
    put(store.path(key), kind)
    summary, problem = kept.summary(key)
    assert summary is None and "is corrupt" in problem and not os.path.lexists(store.path(key))
    assert complete.train(tiny_study, scheduler=scheduler) == 1


@pytest.mark.parametrize("name", ["runs.parquet", "curves.parquet", "SHA256SUMS"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_in_the_place_of_a_record_is_told(data_dir, kind, name):
    folder = records_dir() / "quickstart"
    folder.mkdir(parents=True)
    for file in ("runs.parquet", "curves.parquet", "SHA256SUMS"):
        (folder / file).write_bytes((ROOT / "data" / "records" / "conv2-reduced" / file).read_bytes())
    put(folder / name, kind)
    for read in (lambda: records.load("quickstart"), lambda: study("quickstart")):
        try:
            read()
        except LthError as error:
            assert "\n" not in str(error)
    with pytest.raises(LthError, match="cannot read .*: make it readable|is missing"):
        records.load("quickstart")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_in_the_place_of_a_study_is_told(tmp_path, kind):
    put(tmp_path / "mine.toml", kind)
    with pytest.raises(LthError, match="mine.toml"):
        study(str(tmp_path / "mine.toml"))
    with pytest.raises(LthError, match="names a home folder that does not exist"):
        study("~nobody-of-this-name/mine.toml")


def test_runs_that_diverged_are_named():
    row = {name: 0 for name in schema.CURVES.columns} | {"recipe": "r", "arm": "ticket", "trial": 3}
    curves = pd.DataFrame([row, row | {"val_loss": np.nan}, row | {"train_acc": np.nan, "trial": 4}])
    assert published.diverged(published.Records("s", curves, pd.DataFrame())) == ["r, ticket, trial 3, draw 0, level 0"]


def test_a_study_of_a_file_is_named_as_it_was_asked_for(data_dir):
    with pytest.raises(LthError, match="`lth run mine.toml` trains it"):
        published.publish("mine", STUDY.runs(), asked="mine.toml")
    assert not runs_dir().exists()

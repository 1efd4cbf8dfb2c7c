import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_study import TINY

from lth.errors import LthError
from lth.paths import ROOT
from lth.records import kept, store
from lth.records.store import Finished
from lth.runs import Run
from lth.training import Moments


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    return tmp_path / "runs"


def finished(**where) -> Finished:
    run = Run(TINY, **({"arm": "ticket", "trial": 0} | where))
    curve = {"iteration": np.array([0, 4, 10]), "val_loss": np.array([2.3, 0.1, 0.2], np.float32)}
    curve["train_acc"] = np.array([0.1, np.nan, 0.3])
    weights = {"fc1.weight": torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), "n": torch.tensor(3)}
    masks = {"fc1.weight": weights["fc1.weight"].T > 0}  # not contiguous
    return Finished({"key": run.key, "name": "é", "none": None, "x": 0.1}, curve, weights, {"a": torch.ones(2)}, masks)


def test_round_trip():
    one = finished()
    key = one.summary["key"]
    store.write(one)
    back = store.read(key)
    assert back.summary == one.summary and store.keys() == {key}
    for name, column in one.curve.items():
        assert back.curve[name].dtype == column.dtype and back.curve[name].tobytes() == column.tobytes()
    assert back.moments is None
    for group in ("weights", "rewound", "masks"):
        before, after = getattr(one, group), getattr(back, group)
        assert before.keys() == after.keys()
        assert all(before[n].dtype == after[n].dtype and torch.equal(before[n], after[n]) for n in before)


def test_round_trip_of_moments():
    first = {"fc1.weight": torch.tensor([[1e-40, -2.0]]), "fc1.bias": torch.tensor([0.0])}
    moments = Moments(first, {name: value.square() for name, value in first.items()}, 2**40 + 1)
    one = replace(finished(), moments=moments)
    store.write(one)
    back = store.read(one.summary["key"]).moments
    assert back.steps == moments.steps and type(back.steps) is int
    for before, after in ((moments.first, back.first), (moments.second, back.second)):
        assert before.keys() == after.keys() and all(torch.equal(before[n], after[n]) for n in before)
    assert store.read(one.summary["key"], groups=["weights"]).moments is None


def test_a_flipped_bit_in_the_number_of_steps_is_noticed():
    one = finished()
    one = replace(one, moments=Moments({"a": torch.ones(2)}, {"a": torch.ones(2)}, 12))
    store.write(one)
    path = store.path(one.summary["key"])
    whole = path.read_bytes()
    place = whole.rindex((12).to_bytes(8, "little"))
    path.write_bytes(whole[:place] + b"\x0d" + whole[place + 1 :])
    with pytest.raises(ValueError, match="checksum"):
        store.read(one.summary["key"])


def test_only_the_groups_asked_for_are_kept_in_memory():
    one = finished()
    store.write(one)
    back = store.read(one.summary["key"], groups=["masks"])
    assert back.masks and not back.weights and not back.rewound and back.curve


def test_a_missing_run_is_none_without_a_complaint():
    assert store.read_or_set_aside("0" * 64) == (None, "")
    assert store.keys() == set()


@pytest.mark.parametrize("place", [0, 0.02, 0.2, 0.6, 0.999])
def test_a_flipped_byte_is_named_and_set_aside(folder, place):
    one = finished()
    key = one.summary["key"]
    store.write(one)
    content = bytearray(store.path(key).read_bytes())
    content[int(place * len(content))] ^= 0x10
    store.path(key).write_bytes(content)
    found, problem = store.read_or_set_aside(key)
    assert found is None and f"{key}.safetensors is corrupt" in problem and f"{key}.corrupt" in problem
    assert store.keys() == set() and (folder / f"{key}.corrupt").exists()
    store.write(one)  # computed again
    assert store.read_or_set_aside(key)[1] == ""


def test_every_flipped_byte_is_noticed():
    one = finished()
    key = one.summary["key"]
    store.write(one)
    whole = store.path(key).read_bytes()
    for place in range(0, len(whole), 7):
        content = bytearray(whole)
        content[place] ^= 1
        store.path(key).write_bytes(content)
        with pytest.raises(ValueError):
            store.read(key)


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_a_truncated_file_is_corrupt(kept):
    one = finished()
    key = one.summary["key"]
    store.write(one)
    store.path(key).write_bytes(store.path(key).read_bytes()[:kept])
    assert store.read_or_set_aside(key)[0] is None


@pytest.mark.parametrize("kind", ["a folder", "a link to nothing", "unreadable"])
def test_a_run_that_cannot_be_opened_is_named_and_set_aside(folder, monkeypatch, kind):
    one = finished()
    key, path = one.summary["key"], store.path(one.summary["key"])
    folder.mkdir()
    if kind == "a folder":
        path.mkdir()
    elif kind == "a link to nothing":
        path.symlink_to(folder / "nothing")
    else:
        store.write(one)

        def forbidden(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(kept, "safe_open", forbidden)
    assert store.keys() == {key}
    (problem,) = store.verify([key])
    assert f"the kept run {key}.safetensors is corrupt" in problem and f"now {key}.corrupt" in problem
    assert store.keys() == set() and store.read_or_set_aside(key) == (None, "")
    monkeypatch.undo()
    monkeypatch.setenv("LTH_DATA", str(folder.parent))
    store.write(one)  # computed again
    assert store.read_or_set_aside(key)[0].summary == one.summary


def test_what_is_set_aside_is_never_overwritten(folder):
    key = finished().summary["key"]
    folder.mkdir()
    for _ in range(3):
        store.path(key).write_bytes(b"half")
        assert len(store.verify([key])) == 1
    assert len(list(folder.glob(f"{key}.corrupt*"))) == 3 and store.keys() == set()


def test_a_run_that_cannot_even_be_set_aside_is_told(folder, monkeypatch):
    key = finished().summary["key"]
    folder.mkdir()
    store.path(key).write_bytes(b"half")

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", forbidden)
    with pytest.raises(LthError, match="cannot be read .*, nor set aside: remove it"):
        store.verify([key])


def test_verifying_needs_no_pytorch(folder):
    one = finished()
    store.write(one)
    store.path("0" * 64).write_bytes(b"half")
    script = "import sys; sys.modules['torch'] = None; from lth.records import kept; print(kept.verify(kept.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.count("is corrupt") == 1 and "0" * 64 in done.stdout, done.stderr


def test_the_file_of_another_run_is_corrupt():
    one, other = finished(), finished(trial=1)
    store.write(one)
    store.path(one.summary["key"]).rename(store.path(other.summary["key"]))
    with pytest.raises(ValueError):
        store.read(other.summary["key"])


KILLED = """
import os, signal
from pathlib import Path
from test_store import finished
from lth.records import store
{how}
store.write(finished())
"""
KILLS = {  # where in the write the process dies
    "before it is flushed": "os.fsync = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
    "before it is renamed": "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("moment", KILLS)
def test_a_write_that_is_killed_leaves_nothing_readable(folder, moment):
    script = KILLED.format(how=KILLS[moment])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=os.path.dirname(__file__),
        env=environment,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    assert len(list(folder.iterdir())) == 1 and store.keys() == set()
    store.clean()
    assert list(folder.iterdir()) == []


def test_clean_leaves_what_a_living_process_writes(folder):
    folder.mkdir()
    living = folder / f".abc.{os.getpid()}.tmp"
    living.touch()
    foreign = folder / ".x.tmp"
    foreign.touch()
    store.clean()
    assert living.exists() and foreign.exists()


def test_a_failed_write_leaves_nothing(folder, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LthError, match="cannot keep a finished run in .*No space left on device"):
        store.write(finished())
    assert list(folder.iterdir()) == []


def test_an_unwritable_folder_is_told(folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file in the place of the folder")
    with pytest.raises(LthError, match="cannot write to .*runs.*LTH_DATA"):
        store.write(finished())


def test_writing_again_replaces():
    one = finished()
    store.write(one)
    store.write(replace(one, weights={}))
    assert store.read(one.summary["key"]).weights == {}

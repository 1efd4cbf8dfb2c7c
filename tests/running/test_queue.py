import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pandas as pd
import psutil
import pytest
import torch
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker
from finished import same
from processes import RUN, command, wait_for_runs
from tiny_study import STUDY, TINY

from lth import records
from lth.errors import LthError
from lth.lottery import walk
from lth.models import MODELS
from lth.paths import commit, runs_dir
from lth.recipes import Pruning
from lth.records import store
from lth.running import cluster, complete, notes, queue, state
from lth.running.worker import execute
from lth.studies.parameters import study
from lth.studies.study import Grid

EVERY_ARM = ("ticket,reinit:2,random-mask,oneshot,oneshot-reinit", "ticket,chain-reinit")  # a study each


def without_dask(of) -> dict:
    """{key: finished run} of a study, trained one after the other in this process."""
    kept = {}

    def train_one(job):
        kept[job.run.key] = execute([job], commit=commit())[0]
        return kept[job.run.key]

    for chain in of.chains():
        for _ in walk(chain, train_one):
            pass
    return kept


def test_dask_gives_the_same_records_as_a_plain_walk(tiny_study, scheduler):
    expected = {}
    for arms, count in zip(EVERY_ARM, (2 * (3 + 6 + 2 + 2 + 2), 2 * 3), strict=True):
        wanted = study("tiny", trials=2, levels=2, arms=arms)
        assert complete.train(wanted, scheduler=scheduler) == count
        expected |= without_dask(wanted)
        assert store.keys() == set(expected)
    for key, one in expected.items():
        kept = store.read(key)
        assert same(one, kept)
        assert all(torch.equal(kept.weights[n], value) for n, value in one.weights.items())
        assert all(torch.equal(kept.masks[n], value) for n, value in one.masks.items())


def test_networks_that_recipes_share_are_trained_once_and_masks_go_from_one_to_the_other(data_dir, scheduler):
    movement = replace(TINY, name="movement", pruning=replace(TINY.pruning, criterion="movement"))
    few = replace(TINY, name="few", masks_from=replace(TINY, name="tenth", corruption="tenth", batch_size=10))
    shared = replace(
        STUDY,
        recipes=(TINY, movement, few),
        controls_from=1,
        dense=(("movement", "tiny"), ("few", "tiny")),
    )
    expected = without_dask(shared)
    assert len(shared.runs()) == 3 + 2 + 2 * 4  # the protocol's three levels, two of each other and of every control
    trained = []
    submitted = queue.Queue._submit

    def counting(self):
        trained.extend(job.run.key for job in self.ready)
        submitted(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue.Queue, "_submit", counting)
        assert complete.train(shared, scheduler=scheduler) == len(shared.runs())
    source = {run.key for run in (shared.chains()[2].head_run(("ticket", 0), level) for level in (0, 1))}
    assert len(trained) == len(set(trained)) and set(trained) == {run.key for run in shared.runs()} | source
    for key in trained:
        assert same(expected[key], store.read(key))
    rows = shared.run().runs
    assert set(rows["recipe"]) == {"tiny", "movement", "few"}  # what gave masks is kept, and no part of the study


def test_a_second_call_trains_nothing(tiny_study, scheduler, monkeypatch):
    assert complete.train(tiny_study, scheduler=scheduler) == 6
    before = {file.name: file.stat().st_mtime_ns for file in runs_dir().iterdir()}
    assert len(before) == 6  # nothing else is left lying there
    monkeypatch.setattr(cluster, "connect", None)  # not even Dask is started
    assert complete.train(tiny_study) == 0 and state.of(tiny_study).missing == []
    assert {file.name: file.stat().st_mtime_ns for file in runs_dir().iterdir()} == before


def test_run_returns_exactly_the_records_asked_for(tiny_study, scheduler):
    study("tiny", trials=2).run(scheduler=scheduler)
    got = tiny_study.run()
    assert set(got.runs["key"]) == {run.key for run in tiny_study.runs()}
    assert got.curves.groupby(records.KEYS).size().unique().tolist() == [4]  # iterations 0, 4, 8, 10


def test_extending_trains_only_what_is_new(tiny_study, scheduler):
    assert complete.train(tiny_study, scheduler=scheduler) == 6
    assert complete.train(study("tiny", levels=3), scheduler=scheduler) == 2
    assert complete.train(study("tiny", trials=2, levels=3), scheduler=scheduler) == 8
    assert complete.train(study("tiny", levels=3, arms="ticket,oneshot"), scheduler=scheduler) == 3


def test_a_published_study_is_extended_by_training_again_what_is_needed(tiny_study, scheduler):
    tiny_study.run(scheduler=scheduler)
    records.publish("tiny", tiny_study.runs())
    for file in runs_dir().glob("*.safetensors"):
        file.unlink()  # a fresh checkout: published records, no weights
    deeper = study("tiny", levels=3)
    assert len(state.of(deeper).missing) == 2 and complete.train(deeper, scheduler=scheduler) == 2
    trained = {(s["arm"], s["level"]) for s in (store.read(key).summary for key in store.keys())}
    assert trained == {("ticket", 0), ("ticket", 1), ("ticket", 2), ("ticket", 3), ("reinit", 3)}
    expected = without_dask(deeper)
    for run in deeper.runs():
        if run.level == 3:
            assert same(store.read(run.key), expected[run.key])
    assert records.publish("tiny", deeper.runs())[1] == 8


def test_a_corrupt_run_is_named_and_computed_again(tiny_study, scheduler, capfd):
    complete.train(tiny_study, scheduler=scheduler)
    for run in tiny_study.runs():
        path = store.path(run.key)
        whole = store.read(run.key)
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.unlink()  # `whole` still reads from the old file
        path.write_bytes(content)
        table = tiny_study.run(scheduler=scheduler)
        assert len(table.runs) == 6 and same(store.read(run.key), whole)
        shown = "".join(capfd.readouterr().err.split())  # Rich breaks lines where it likes
        assert f"{path.name}iscorrupt" in shown and path.with_suffix(".corrupt").exists()


def curves() -> pd.DataFrame:
    return records.collect("tiny", study("tiny", trials=2).runs()).curves


def test_kill_9_in_the_middle_then_again_gives_the_same_records(tiny_study, data_dir, scheduler, monkeypatch):
    wanted = study("tiny", trials=2, iterations=40)
    first = command(data_dir, *RUN)
    children = wait_for_runs(data_dir, 2, first)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert first.returncode == -9
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive  # workers end with the process that started them
    kept = store.keys()
    assert 2 <= len(kept) < 12
    again = command(data_dir, *RUN)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0 and f"{12 - len(kept)} runs trained" in out, err
    assert "Warning" not in err and "Traceback" not in err
    interrupted = records.collect("tiny", wanted.runs())
    monkeypatch.setenv("LTH_DATA", str(data_dir.parent / "other"))
    (data_dir.parent / "other").mkdir()
    (data_dir.parent / "other" / "datasets").symlink_to(data_dir / "datasets")
    whole = wanted.run(scheduler=scheduler)
    pd.testing.assert_frame_equal(interrupted.curves, whole.curves, check_exact=True)
    assert interrupted.digest == whole.digest
    assert interrupted.runs["mask_sha256"].tolist() == whole.runs["mask_sha256"].tolist()


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(tiny_study, data_dir):
    process = command(data_dir, *RUN)
    wait_for_runs(data_dir, 1, process)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - begun < 30
    assert "finished runs are kept" in err and "Traceback" not in err
    assert store.keys() and all(store.read(key) for key in store.keys())
    assert {file.suffix for file in runs_dir().iterdir()} == {".safetensors"}


def test_running_counts_live_processes_of_this_machine_only(tiny_study, data_dir):
    runs_dir().mkdir()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with notes.announced("tiny", 2):
        (mine,) = runs_dir().glob("running-*.json")
        note = json.loads(mine.read_text())
        killed = runs_dir() / "running-killed.json"
        changes = {
            "killed": {"process": ended.pid},
            "later": {"started": note["started"] - 100},  # another process had its number before
            "elsewhere": {"host": "elsewhere"},
            "huge": {"process": 10**30},
            "negative": {"running": -5},
            "many": {"running": 10**12},
            "endless": {"running": float("inf")},
            "nothing": {"study": None},
        }
        for name, changed in changes.items():
            (runs_dir() / f"running-{name}.json").write_text(json.dumps(note | changed))
        for name, text in {"deep": "[" * 100_000, "number": "9" * 100_000, "x": "{}", "list": "[1]"}.items():
            (runs_dir() / f"running-{name}.json").write_text(text)
        (runs_dir() / f"running-{10**30}.json").symlink_to("running-loop.json")
        (runs_dir() / "running-loop.json").symlink_to(f"running-{10**30}.json")
        (runs_dir() / "running-folder.json").mkdir()
        os.mkfifo(runs_dir() / "running-pipe.json")
        assert notes.running() == {"tiny": 2}
        notes.clean()
        assert mine.exists() and not killed.exists()  # the note of a killed process is swept up
    assert not mine.exists()


def test_global_pruning_and_rewinding_run_too(data_dir, scheduler, monkeypatch):
    """Another network, scope and rewind iteration, through all of it."""
    rule = Pruning("global", linear=0.3, output=0.3)
    recipe = replace(TINY, name="other", pruning=rule, rewind=3, preprocessing="unit")
    other = replace(STUDY, name="other", recipes=(recipe,), grids=(Grid({"ticket": 1, "oneshot": 1}, 1),))
    table = other.run(scheduler=scheduler)
    densities = table.runs.query("arm == 'ticket'")["density"].tolist()
    assert densities == [1.0, (266_200 - 79_860) / 266_200, (186_340 - 55_902) / 266_200]
    assert len(table.runs) == 5 and recipe.model in MODELS


def test_an_error_of_training_is_not_taken_for_a_silent_scheduler(tiny_study, scheduler, monkeypatch):
    def fail(*_):
        raise ValueError("the sum is wrong")

    monkeypatch.setattr(queue, "execute", fail)
    with pytest.raises(ValueError, match="the sum is wrong"):
        complete.train(tiny_study, scheduler=scheduler)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FutureCancelledError("ticket-0", "scheduler-connection-lost"), "the Dask scheduler is gone"),
        (KilledWorker("ticket-0", "tcp://1.2.3.4:5", 3), "the workers that trained ticket-0 were killed"),
    ],
)
def test_lost_workers_and_a_lost_scheduler_are_told(error, says):
    class Lost:
        key = "ticket-0"

        def result(self):
            raise error

    with pytest.raises(LthError, match=says):
        queue._result(Lost())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"workers": 0}, "workers must be a whole number of at least 1, not 0"),
        ({"device": "tpu"}, "unknown device 'tpu': choose one of cpu, cuda"),
        ({"device": "cuda"}, "no CUDA device"),
    ],
)
def test_bad_options_are_refused(tiny_study, options, says, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(LthError, match=says):
        complete.train(tiny_study, **options)
    assert not runs_dir().exists()


def test_training_works_outside_the_main_thread(tiny_study, scheduler):
    """A notebook may call it from a thread, where signal handlers cannot be changed."""
    trained = []
    thread = threading.Thread(target=lambda: trained.append(complete.train(tiny_study, scheduler=scheduler)))
    thread.start()
    thread.join(60)
    assert trained == [6]

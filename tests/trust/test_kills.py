"""Kills at random moments: afterwards everything is as if nothing had happened."""

import os
import random
import signal
import time

import pandas as pd
import pytest
from killed import killed_at
from processes import RUN, command, wait_for_runs

from lth import records
from lth.paths import records_dir
from lth.running import complete
from lth.studies.parameters import study

CLIENT, WORKER = "client", "worker"


@pytest.fixture
def whole(tiny_study, data_dir, scheduler, monkeypatch):
    """The records of a run that nothing interrupts, and the study."""
    wanted = study("tiny", trials=2, iterations=40)
    with monkeypatch.context() as patch:
        patch.setenv("LTH_DATA", str(data_dir.parent / "other"))
        (data_dir.parent / "other").mkdir()
        (data_dir.parent / "other" / "datasets").symlink_to(data_dir / "datasets")
        return wanted, wanted.run(scheduler=scheduler)


def test_killed_clients_and_workers_make_no_difference(whole, data_dir, scheduler, scale, tried):
    if scale == 1:
        pytest.skip("tests of lth.running kill a client once: `make trust` does it again and again")
    wanted, expected = whole
    chance = random.Random(0)
    for _ in range(scale // 2):
        process = command(data_dir, *RUN)
        left = len(list((data_dir / "runs").glob("*.safetensors"))) if (data_dir / "runs").exists() else 0
        if left >= 12:
            for file in chance.sample(sorted((data_dir / "runs").glob("*.safetensors")), 6):
                file.unlink()
        time.sleep(chance.uniform(0.5, 8))
        victim = chance.choice([CLIENT, WORKER])
        if process.poll() is None:
            children = wait_for_runs(data_dir, 0, process)
            target = process.pid if victim == CLIENT or not children else chance.choice(children).pid
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                continue
            tried(f"kills of a {victim}")
        if victim == CLIENT:
            process.communicate(timeout=60)
        else:
            process.communicate(timeout=300)
    complete.train(wanted, scheduler=scheduler)
    found = records.collect("tiny", wanted.runs())
    pd.testing.assert_frame_equal(found.curves, expected.curves, check_exact=True)
    assert found.digest == expected.digest
    assert found.runs["mask_sha256"].tolist() == expected.runs["mask_sha256"].tolist()


def test_killed_publications_leave_the_old_records_or_the_new(tiny_study, scheduler, scale, tried, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    few, more = (study("tiny", arms=arms) for arms in ("ticket", "ticket,reinit"))
    complete.train(more, scheduler=scheduler)
    chance = random.Random(1)
    for _ in range(3 * scale):
        for file in (records_dir() / "tiny").glob(".*") if (records_dir() / "tiny").exists() else ():
            file.unlink()
        for file in (records_dir() / "tiny").glob("*") if (records_dir() / "tiny").exists() else ():
            file.unlink()
        records.publish("tiny", few.runs())
        replace = chance.random() < 0.5
        for _ in range(chance.randint(1, 3)):
            killed_at(chance.randint(0, 12), lambda: records.publish("tiny", more.runs(), replace))  # noqa: B023
            tried("kills of a publication")
            assert len(records.load("tiny").runs) in (3, 6)
        records.publish("tiny", more.runs(), replace)
        assert len(records.load("tiny").runs) == 6
        assert sorted(file.name for file in (records_dir() / "tiny").iterdir()) == [
            "SHA256SUMS", "curves.parquet", "runs.parquet"
        ]  # fmt: skip

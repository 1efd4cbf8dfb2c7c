import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from finished import pretend
from tiny_study import TINY

from lth import records
from lth.errors import LthError
from lth.lottery import TICKET, Chain, next_level
from lth.paths import records_dir
from lth.records import parquet as records_parquet
from lth.records import published, store
from lth.running.worker import finish


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    return tmp_path / "records" / "tiny"


def keep(trial: int = 0, recipe=TINY):
    """Pretend to have trained level 0 of a trial, keep it and return its runs."""
    jobs = next_level(Chain(recipe, trial, 1, {"ticket": 1, "reinit": 2}), TICKET, 0)
    iterations = np.array([0, 4, 8])
    for job in jobs:
        columns = {n: np.array([0.5, 0.25, 0.75]) + job.run.draw / 8 for n in ("val_acc", "test_acc")}
        columns |= {n: np.array([2.0, 0.1 + trial, 0.3], np.float32) for n in published.LOSSES}
        trained = replace(
            pretend(job), curve={"iteration": iterations} | columns | {"train_acc": np.array([0.1, np.nan, 1])}
        )
        store.write(finish(job, trained, "MNIST", "stacked", "cpu", "abc"))
    return [job.run for job in jobs]


def test_publish_and_load(folder):
    runs = keep()
    where, count = records.publish("tiny", runs)
    assert where == folder and count == 3
    assert {file.name for file in folder.iterdir()} == {"curves.parquet", "runs.parquet", "SHA256SUMS"}
    loaded = records.load("tiny")
    assert len(loaded.runs) == 3 and len(loaded.curves) == 9
    assert list(loaded.runs[["arm", "draw"]].itertuples(index=False, name=None)) == [
        ("reinit", 0), ("reinit", 1), ("ticket", 0),
    ]  # fmt: skip
    assert set(loaded.runs["key"]) == {run.key for run in runs} and set(loaded.runs["study"]) == {"tiny"}
    one = loaded.curves.query("arm == 'reinit' and draw == 1")
    assert one["iteration"].tolist() == [0, 4, 8] and one["test_acc"].tolist() == [0.625, 0.375, 0.875]
    assert one["train_acc"].isna().tolist() == [False, True, False]
    assert one["val_loss"].tolist() == np.array([2.0, 0.1, 0.3], np.float32).tolist()
    assert len(loaded.runs.query("arm == 'ticket'")["input_connections"].item()) == 784
    assert loaded.runs.query("arm == 'reinit'")["input_connections"].isna().all()
    assert sorted(loaded.curves) == sorted(
        "study recipe arm trial draw level iteration train_loss train_acc val_loss val_acc test_loss test_acc".split()
    )
    assert not set("density prunable remaining early_stop_iteration mask_sha256 spec engine device seconds versions "
                   "commit time".split()) - set(loaded.runs)  # fmt: skip


def test_a_run_that_diverged_is_published():
    job = next_level(Chain(TINY, 0, 1, {"ticket": 1}), TICKET, 0)[0]
    pretended = pretend(job)
    curve = pretended.curve | {name: np.array([np.nan], np.float32) for name in ("train_loss", "test_loss")}
    curve["val_loss"] = np.array([2.3], np.float32)
    store.write(finish(job, replace(pretended, curve=curve), "MNIST", "stacked", "cpu", ""))
    assert records.publish("tiny", [job.run])[1] == 1
    assert records.load("tiny").curves["test_loss"].isna().all()


def test_published_equals_collected():
    runs = keep()
    collected = records.collect("tiny", runs)
    records.publish("tiny", runs)
    for run in runs:
        store.path(run.key).unlink()  # the published records stand alone
    again = records.collect("tiny", runs)
    pd.testing.assert_frame_equal(again.curves, collected.curves)
    pd.testing.assert_frame_equal(again.runs, collected.runs, check_dtype=False)
    assert again.digest == collected.digest == records.load("tiny").digest


def test_parquet_is_zstandard(folder):
    records.publish("tiny", keep())
    for name in published.FILES:
        column = parquet.ParquetFile(folder / name).metadata.row_group(0).column(0)
        assert column.compression == "ZSTD"


def test_later_trials_are_merged():
    first = keep(0)
    records.publish("tiny", first)
    before = records.load("tiny")
    for run in first:
        store.path(run.key).unlink()
    _, count = records.publish("tiny", first + keep(1))
    after = records.load("tiny")
    assert count == 6 and after.runs["trial"].tolist() == [0, 0, 1, 1, 0, 1]
    old = after.curves[after.curves["trial"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(old, before.curves)
    assert after.digest != before.digest
    assert records.publish("tiny", first)[1] == 6  # once more changes nothing
    assert records.load("tiny").digest == after.digest


def publish_and_die(monkeypatch, runs, renames: int) -> None:
    """Publish, and be killed after so many of its files are renamed."""
    left, rename = [renames], Path.replace

    def killed(self, target):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as until, pytest.raises(KeyboardInterrupt):
        until.setattr(Path, "replace", killed)
        records.publish("tiny", runs)


@pytest.mark.parametrize("renames", [1, 2, 3])
def test_a_kill_while_publishing_leaves_records_that_can_be_read(folder, monkeypatch, renames):
    first = keep(0)
    records.publish("tiny", first)
    second = keep(1)
    publish_and_die(monkeypatch, second, renames)
    loaded = records.load("tiny")
    assert set(loaded.curves["trial"]) == set(loaded.runs["trial"])
    assert len(loaded.runs) == (6 if renames == 3 else 3)
    assert records.publish("tiny", [*first, *second])[1] == 6
    assert len(records.load("tiny").curves) == 18


@pytest.mark.parametrize("renames", [0, 1, 2, 3])
def test_a_kill_in_the_first_publication_is_mended_by_the_next(folder, monkeypatch, renames):
    runs = keep()
    publish_and_die(monkeypatch, runs, renames)
    assert len(records.load_or_empty("tiny").runs) == (3 if renames == 3 else 0)
    assert records.publish("tiny", runs)[1] == 3 and len(records.load("tiny").curves) == 9


@pytest.mark.parametrize("name", [*published.FILES, records_parquet.SUMS])
def test_records_of_which_a_file_is_missing_are_not_taken_for_nothing(folder, name):
    records.publish("tiny", keep(0))
    (folder / name).unlink()
    for ask in (lambda: records.load_or_empty("tiny"), lambda: records.publish("tiny", keep(1))):
        with pytest.raises(LthError, match=f"{name} is missing.: restore it with git, or publish .* --replace"):
            ask()


def test_a_full_disk_is_told_and_what_was_published_stays(folder, monkeypatch):
    first = keep(0)
    records.publish("tiny", first)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(LthError, match="cannot write records in .*No space left on device.: make room"):
        records.publish("tiny", [*first, *keep(1)])
    assert len(records.load("tiny").runs) == 3


def test_collect_gives_exactly_the_runs_asked_for():
    records.publish("tiny", keep(0) + keep(1))
    wanted = keep(1)[:2]
    got = records.collect("tiny", wanted)
    assert set(got.runs["key"]) == {run.key for run in wanted} and len(got.curves) == 6


@pytest.mark.parametrize("name", published.FILES)
def test_a_tampered_file_is_refused(folder, name):
    records.publish("tiny", keep())
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(LthError, match=f"tiny/{name} is not what was published"):
        records.load("tiny")


def test_a_damaged_list_of_checksums_is_refused(folder):
    records.publish("tiny", keep())
    (folder / records_parquet.SUMS).write_text("nonsense\n")
    with pytest.raises(LthError):
        records.load("tiny")


def test_publishing_with_replace_repairs(folder):
    runs = keep()
    records.publish("tiny", runs)
    digest = records.load("tiny").digest
    (folder / "curves.parquet").write_bytes(b"half")
    with pytest.raises(LthError, match="is not what was published"):
        records.publish("tiny", runs)
    assert records.publish("tiny", runs, replace=True)[1] == 3
    assert records.load("tiny").digest == digest


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("curves", lambda frame: frame.assign(test_acc=97.5), "test_acc"),  # percent instead of a fraction
        ("curves", lambda frame: frame.drop(columns="trial"), "trial"),
        ("runs", lambda frame: frame.drop(columns="spec"), "spec"),
        ("runs", lambda frame: frame.assign(spec="no JSON"), "Expecting value"),
        ("runs", lambda frame: frame.assign(spec="{}"), "recipe"),
    ],
)
def test_what_does_not_obey_the_format_is_refused(folder, name, change, says):
    records.publish("tiny", keep())
    change(pd.read_parquet(folder / f"{name}.parquet")).to_parquet(folder / f"{name}.parquet")
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in published.FILES]
    (folder / records_parquet.SUMS).write_text("".join(lines))
    with pytest.raises(LthError, match=f"do not obey the record format.*{says}"):
        records.load("tiny")


def test_two_specifications_under_one_name_are_refused(folder):
    records.publish("tiny", keep())
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    other = keep(1, replace(TINY, iterations=8))
    with pytest.raises(LthError, match="mixes 2 specifications of the recipe 'tiny'.*--replace"):
        records.publish("tiny", other)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before  # nothing written half
    records.publish("tiny", other, replace=True)
    assert records.load("tiny").runs["trial"].unique().tolist() == [1]


def test_two_recipes_of_different_names_are_fine():
    runs = keep() + keep(recipe=replace(TINY, name="unit", preprocessing="unit"))
    assert records.publish("tiny", runs)[1] == 6
    assert set(records.load("tiny").runs["recipe"]) == {"tiny", "unit"}


def test_a_missing_study_is_told_with_those_that_exist():
    with pytest.raises(LthError, match="'tiny'.*published studies: none"):
        records.load("tiny")
    records.publish("tiny", keep())
    with pytest.raises(LthError, match="'tinny'.*published studies: tiny"):
        records.load("tinny")
    (records_dir() / "tiny" / "runs.parquet").unlink()
    with pytest.raises(LthError, match="runs.parquet is missing"):
        records.load("tiny")


def test_nothing_finished_is_told():
    runs = keep()
    for run in runs:
        store.path(run.key).unlink()
    with pytest.raises(LthError, match="no run of the study 'tiny' is finished yet: `lth run tiny`"):
        records.publish("tiny", runs)
    with pytest.raises(LthError, match="'tiny' is incomplete: `lth run tiny`"):
        records.collect("tiny", runs)


def test_only_finished_runs_are_published():
    runs = keep()
    store.path(runs[-1].key).unlink()
    assert records.publish("tiny", runs)[1] == 2


def test_unwritable_records_are_told(folder):
    runs = keep()
    folder.parent.write_text("a file in the place of the folder")
    with pytest.raises(LthError, match="cannot write to .*records"):
        records.publish("tiny", runs)

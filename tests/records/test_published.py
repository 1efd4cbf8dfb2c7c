import hashlib
import json
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from finished import pretend
from killed import killed_at
from tiny_study import TINY

from lth import records
from lth.errors import LthError
from lth.lottery import TICKET, Chain, next_level
from lth.paths import ROOT, records_dir
from lth.records import KEYS, published, schema, store
from lth.records import parquet as records_parquet
from lth.running.worker import finish
from lth.training import COLUMNS


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    return tmp_path / "records" / "tiny"


def keep(trial: int = 0, recipe=TINY, lower: float = 0.0):
    """Pretend to have trained level 0 of a trial with accuracies lower by so much, keep it and return its runs."""
    jobs = next_level(Chain(recipe, trial, 1, {"ticket": 1, "reinit": 2}), TICKET, 0)
    iterations = np.array([0, 4, 8])
    for job in jobs:
        columns = {n: np.array([0.5, 0.25, 0.75]) + job.run.draw / 8 - lower for n in ("val_acc", "test_acc")}
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


@pytest.mark.parametrize("replace_all", [False, True])
def test_a_kill_at_any_step_of_publishing_leaves_the_old_records_or_the_new(folder, monkeypatch, replace_all):
    """Also where the new ones are of another recipe, whose curves would fit the old rows."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    first = keep(0)
    records.publish("tiny", first)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    old = records.load("tiny").digest
    second = keep(0, replace(TINY, iterations=8), lower=0.01) if replace_all else [*first, *keep(1)]
    step, digests = 0, []
    while killed_at(step, lambda: records.publish("tiny", second, replace_all)):
        digests.append(records.load("tiny").digest)
        for file in folder.iterdir():
            file.unlink()
        for name, content in before.items():
            (folder / name).write_bytes(content)
        step += 1
    new = records.load("tiny")
    assert len(new.runs) == (3 if replace_all else 6) and new.digest != old and step >= 10
    assert digests == sorted(digests, key=lambda digest: digest == new.digest)
    assert set(digests) == {old, new.digest}


def test_a_kill_in_the_first_publication_is_mended_by_the_next(folder, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    runs, step, counts = keep(), 0, []
    while killed_at(step, lambda: records.publish("tiny", runs)):
        counts.append(len(records.load_or_empty("tiny").runs))
        assert records.publish("tiny", runs)[1] == 3 and len(records.load("tiny").curves) == 9
        assert {file.name for file in folder.iterdir()} == {*published.FILES, records_parquet.SUMS}
        for file in folder.iterdir():
            file.unlink()
        step += 1
    assert step >= 10 and set(counts) == {0, 3} and counts == sorted(counts)


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
        (
            "runs",
            lambda frame: frame.assign(spec="{}"),
            "key of tiny, reinit, .*is not the SHA-256 of its specification",
        ),
        ("runs", lambda frame: frame.assign(key="0" * 64), "key"),
        ("runs", lambda frame: frame.assign(trial=1), "tiny, reinit, trial 1, .* has 0 for trial in its specification"),
        ("runs", lambda frame: frame.assign(recipe="other"), "has the recipe 'tiny' in its specification"),
        ("runs", lambda frame: frame.assign(versions=1), "versions"),
        ("runs", lambda frame: frame.assign(start_histogram=1.0), "start_histogram.*must be JSON"),
        ("runs", lambda frame: frame.assign(input_connections="[1]"), "must be list of whole numbers"),
        ("runs", lambda frame: frame.drop(columns="device"), "device"),
    ],
)
def test_what_does_not_obey_the_format_is_refused(folder, name, change, says):
    records.publish("tiny", keep())
    change(pd.read_parquet(folder / f"{name}.parquet")).to_parquet(folder / f"{name}.parquet")
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in published.FILES]
    (folder / records_parquet.SUMS).write_text("".join(lines))
    with pytest.raises(LthError, match=f"do not obey the record format.*{says}"):
        records.load("tiny")


def test_the_schema_has_every_column_that_a_run_leaves():
    (run, *_) = keep()
    summary = store.read(run.key).summary
    assert {"study", *summary} == set(schema.RUNS.columns) and len(summary) == 29
    assert {*KEYS, "iteration", *COLUMNS} == set(schema.CURVES.columns)
    assert all(column.description for table in schema.TABLES.values() for column in table.columns.values())


def test_the_format_is_a_list_of_columns():
    told = records.columns()
    assert told[6] == ("curves", "iteration", "whole number", "finished training steps")
    assert [name for table, name, *_ in told if table == "runs"] == list(schema.RUNS.columns)
    assert {word for *_, word, _ in told} <= set(schema.DTYPES)


def test_an_older_table_is_read_with_its_later_columns_empty_and_stays_as_it_is(folder):
    old = ROOT / "data" / "records" / "conv2-reduced"
    shutil.copytree(old, folder.with_name("conv2-reduced"))
    runs = records.load("conv2-reduced").runs
    assert "wrong_test_images" not in pd.read_parquet(old / "runs.parquet")
    assert runs["wrong_test_images"].isna().all() and set(runs) == set(schema.RUNS.columns)
    records.publish("conv2-reduced", [])  # nothing is new
    for name in (*published.FILES, records_parquet.SUMS):
        assert (folder.with_name("conv2-reduced") / name).read_bytes() == (old / name).read_bytes()


def test_images_put_into_a_wrong_class_are_published(folder):
    runs = keep()
    for run, wrong in zip(runs, ([], [3, 17], None), strict=True):
        change_kept(run.key, wrong_test_images=wrong)
    records.publish("tiny", runs)
    loaded = records.load("tiny").runs.set_index("key")["wrong_test_images"]
    assert [None if loaded[run.key] is None else list(loaded[run.key]) for run in runs] == [[], [3, 17], None]


def change_kept(key: str, **changes) -> None:
    """Change the summary of a kept run, as if it had been kept so."""
    kept = store.read(key)
    store.write(replace(kept, summary=kept.summary | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"prunable": '{"fc1.weight": 0}'}, "prunable of .* must give every layer a count above 0"),
        ({"prunable": "[]"}, "prunable"),
        ({"remaining": "{"}, r"remaining of .* cannot be read \(JSONDecodeError"),
        ({"remaining": '{"fc1.weight": 1}'}, "remaining of .* must name the layers of prunable"),
        ({"density": 0.5}, "density of tiny, ticket, trial 0, draw 0, level 0 must be 266200 / 266200"),
        ({"input_connections": [1, 2]}, "input_connections of .* must sum to the first layer's 235200 weights"),
        ({"input_connections": [235201, -1]}, "input_connections"),
        ({"start_histogram": '{"fc1.weight": [235200]}'}, "must have 64 bins that sum to the 235200 weights"),
        ({"start_histogram": json.dumps({"fc9": [0] * 64})}, "start_histogram of .* cannot be read .KeyError: 'fc9'"),
        ({"drift": '[{"iteration": 4}]'}, r"drift of .* must have the iterations \[\]"),
        ({"steps": '[{"iteration": 4}]'}, r"steps of .* must have the iterations \[\]"),
        ({"wrong_test_images": [2, 1]}, "wrong_test_images of .* must be whole numbers in rising order"),
        ({"wrong_test_images": [0.5]}, "wrong_test_images"),
        ({"spec": "{}"}, "key of .* is not the SHA-256 of its specification"),
        ({"arm": "reinit"}, "has 'ticket' for arm in its specification"),
        ({"mask_sha256": "abc"}, "mask_sha256 of .* must be 64 hexadecimal digits"),
        ({"versions": '{"python": "3.11"}'}, "versions of .* must name those of python, torch and numpy"),
        ({"seconds": -1.0}, "seconds of .* must be at least 0, not -1.0"),
        ({"time": "yesterday"}, "time of .* cannot be read"),
        ({"time": "2026-01-01T00:00:00"}, "time of .* must say its time zone"),
        ({"final_test_acc": 97.5}, "final_test_acc"),
        ({"machine": None}, "machine"),
    ],
)
def test_what_a_new_row_holds_must_fit_together(folder, changes, says):
    ticket = keep()[0]
    assert ticket.arm == "ticket"
    change_kept(ticket.key, **changes)
    with pytest.raises(LthError, match=f"records of 'tiny' do not obey the record format: .*{says}"):
        records.publish("tiny", [ticket])
    assert not folder.exists()


def test_drift_must_have_its_measures():
    (ticket, *_) = keep(recipe=replace(TINY, drift_at=(4,)))
    rows = [{"iteration": 4, "fc1.weight": {"scale": 1.0, "moved": float("nan"), "cosine": 0.5}}]
    change_kept(ticket.key, drift=json.dumps(rows))
    assert len(records.collect("tiny", [ticket]).runs) == 1  # training may diverge
    del rows[0]["fc1.weight"]["moved"]
    change_kept(ticket.key, drift=json.dumps(rows))
    with pytest.raises(LthError, match="drift of tiny, .* must give every layer a scale, a moved and a cosine"):
        records.collect("tiny", [ticket])


def test_tables_that_are_loaded_again_are_not_parsed_again_and_cannot_be_spoilt(folder, monkeypatch):
    records.publish("tiny", keep())
    first = records.load("tiny")
    first.runs["arm"] = "spoilt"
    first.curves.loc[0, "test_acc"] = 0.0
    monkeypatch.setattr(published, "_checked", lambda *_: pytest.fail("checked again"))
    again = records.load("tiny")
    assert "spoilt" not in set(again.runs["arm"]) and again.curves.loc[0, "test_acc"] > 0
    with pytest.raises(ValueError, match="read-only"):
        again.runs["input_connections"].dropna().iloc[0][0] = 7
    (folder / "runs.parquet").write_bytes(b"half")
    with pytest.raises(LthError, match="is not what was published"):  # compared every time
        records.load("tiny")


def test_the_cache_follows_what_is_published_and_is_bounded(monkeypatch):
    records.publish("tiny", keep())
    before = records.load("tiny")
    records.publish("tiny", keep(1))
    assert len(records.load("tiny").runs) == 6 != len(before.runs)
    monkeypatch.setattr(published, "MOST_BYTES", 1)
    records.publish("tiny", keep(2))
    assert len(records.load("tiny").runs) == 9 and len(published._cache) == 1


def test_the_book_names_no_column_that_does_not_exist():
    """Of its prose, every item of the lists of columns that is a single word; of its examples, every column used."""
    text = (ROOT / "book" / "reference.md").read_text()
    told = {}
    for table in schema.TABLES:
        prose = re.search(rf"- `{table}.parquet` has one row for each [^:]+: ((?:.|\n  )+)", text)[1]
        prose = prose if table == "runs" else prose.partition(";")[0]
        items = {item.strip() for item in re.split(r",|;|\band\b", prose.rstrip("."))}
        told[table] = {item for item in items if re.fullmatch(r"\w+", item)}
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    told["runs"] |= set(re.findall(r'records\.runs\.groupby\("(\w+)"\)\["(\w+)"\]', code)[0])
    assert {"study", "trial", "iteration"} <= told["curves"]
    assert {"prunable", "machine", "time", "seconds"} <= told["runs"]
    for table, names in told.items():
        assert names <= set(schema.TABLES[table].columns)


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

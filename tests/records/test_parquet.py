"""Tables are published all together or not at all, wherever the program that publishes them is interrupted."""

import os
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet
import pytest
from killed import killed_at

from lth.errors import LthError
from lth.records import parquet

NAMES = ("curves.parquet", "runs.parquet")


@pytest.fixture
def folder(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    place = tmp_path / "records" / "made"
    place.mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # nothing here cuts the power
    return place


def tables(number: int) -> dict[str, arrow.Table]:
    return {name: arrow.table({"x": [number], "y": arrow.array([0.5], arrow.float32())}) for name in NAMES}


def numbers() -> list[int] | None:
    """The numbers in the two published tables; None where nothing is published."""
    if not parquet.exists("made", NAMES):
        return None
    return [file.table(["x"])["x"][0].as_py() for file in parquet.verified("made", NAMES, "studies", "again")]


@pytest.mark.parametrize("before", [None, 1])
def test_a_kill_at_any_step_leaves_the_old_tables_or_the_new(folder, before):
    seen, step = [], 0
    while True:
        for file in folder.iterdir():
            file.unlink()
        if before:
            parquet.write(folder, tables(before))
        if not killed_at(step, lambda: parquet.write(folder, tables(2))):
            break
        seen.append(numbers())
        step += 1
    old, new = before and [before] * 2, [2, 2]
    assert step >= 10 and seen == sorted(seen, key=lambda pair: pair == new)  # first old, then new, never a mixture
    assert seen[0] == old and seen[-1] == new and set(map(str, seen)) == {str(old), str(new)}


def test_a_second_kill_loses_nothing_either(folder):
    for first in range(11):
        for second in range(13):  # there may be files to be renamed first
            for file in folder.iterdir():
                file.unlink()
            parquet.write(folder, tables(1))
            assert killed_at(first, lambda: parquet.write(folder, tables(2)))
            between = numbers()
            if killed_at(second, lambda: parquet.write(folder, tables(3))):
                assert numbers() in (between, [3, 3]), (first, second)
            parquet.write(folder, tables(4))
            assert numbers() == [4, 4] and {file.name for file in folder.iterdir()} == {*NAMES, parquet.SUMS}


def test_damaged_tables_are_replaced_in_one_step_too(folder):
    parquet.write(folder, tables(1))
    (folder / NAMES[0]).write_bytes(b"half")
    with pytest.raises(parquet.NotAsPublished, match="made/curves.parquet is not what was published"):
        numbers()
    step = 0
    while killed_at(step, lambda: parquet.write(folder, tables(2))):
        step += 1
        try:
            assert numbers() == [2, 2]
        except parquet.NotAsPublished as error:
            assert "curves.parquet" in str(error)  # as before
    assert numbers() == [2, 2]


def test_what_is_read_is_what_the_checksums_mean(folder):
    parquet.write(folder, tables(1))
    old = (folder / NAMES[1]).read_bytes()
    parquet.write(folder, tables(2))
    (folder / NAMES[1]).write_bytes(old)  # whole, but of another publication
    with pytest.raises(parquet.NotAsPublished, match="made/runs.parquet is not what was published"):
        numbers()
    (folder / NAMES[1]).unlink()
    with pytest.raises(parquet.NotAsPublished, match="runs.parquet is missing.: restore it with git, or again"):
        numbers()


def test_a_table_that_cannot_be_opened_is_told(folder):
    parquet.write(folder, tables(1))
    (folder / NAMES[0]).unlink()
    (folder / NAMES[0]).mkdir()
    with pytest.raises(
        parquet.NotAsPublished, match="cannot read .*curves.parquet .it is not a file.: make it readable"
    ):
        numbers()


def test_a_full_disk_leaves_the_old_tables_and_no_others(folder, monkeypatch):
    parquet.write(folder, tables(1))

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for place, name in ((pyarrow.parquet, "write_table"), (os, "fsync")):
        with monkeypatch.context() as until, pytest.raises(LthError, match="No space left on device.: make room"):
            until.setattr(place, name, full)
            parquet.write(folder, tables(2))
        assert numbers() == [1, 1] and {file.name for file in folder.iterdir()} == {*NAMES, parquet.SUMS}

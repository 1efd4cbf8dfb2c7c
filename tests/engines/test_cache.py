"""Compiled code that is kept on disk, where the disk is not as it was."""

import errno
import importlib.util
import sys
from pathlib import Path

import pytest
from numba.core import caching

from lth.engines._cache import _Files, cached


def call(folder: Path) -> str:
    """What a new process would find: the result of a compiled function, and how often it was found on disk."""
    spec = importlib.util.spec_from_file_location("function", folder / "function.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["function"] = module  # Numba looks compiled code's module up there
    spec.loader.exec_module(module)
    compiled = cached(module.add)
    return f"{compiled(2, 3)} {sum(compiled.stats.cache_hits.values())}"


@pytest.fixture
def function(tmp_path):
    (tmp_path / "function.py").write_text("def add(a, b):\n    return a + b\n")
    yield tmp_path
    sys.modules.pop("function", None)


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_damaged_files_are_compiled_again(function, suffix):
    assert [call(function), call(function)] == ["5 0", "5 1"]
    (file,) = function.rglob(f"*.{suffix}")
    whole = file.read_bytes()
    half = bytearray(whole)
    half[len(half) // 2] ^= 255
    for content in (b"", whole[:20], whole[:-9], bytes(half), b"\0" * len(whole)):
        file.write_bytes(content)
        assert [call(function), call(function)] == ["5 0", "5 1"]


def test_a_folder_in_the_place_of_a_file_is_no_reason_to_fail(function):
    call(function)
    for suffix in ("nbi", "nbc"):
        (file,) = function.rglob(f"*.{suffix}")
        file.unlink()
        file.mkdir()
        assert call(function) == "5 0"


def test_without_a_folder_to_write_to_every_process_compiles(function, monkeypatch):
    """As in another user's clone, without a home: Numba would raise."""

    def nowhere(*_):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(caching.CacheImpl, "__init__", nowhere)
    assert [call(function), call(function)] == ["5 0", "5 0"]


def test_a_disk_that_is_full_is_no_reason_to_fail(function, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", full)
    assert [call(function), call(function)] == ["5 0", "5 0"]


def test_what_another_numba_has_kept_is_not_even_read(tmp_path, monkeypatch):
    """It may name types that this one has not."""
    (tmp_path / "gone.py").write_text("class Type:\n    pass\n")
    with monkeypatch.context() as before:
        before.syspath_prepend(tmp_path)
        before.setattr("numba.__version__", "0.1")
        import gone

        _Files(str(tmp_path), "function", 1)._save_index({gone.Type: "file"})
        assert _Files(str(tmp_path), "function", 1)._load_index() == {gone.Type: "file"}
    del sys.modules["gone"]
    assert _Files(str(tmp_path), "function", 1)._load_index() == {}


def test_an_index_of_the_first_versions_is_as_good_as_none(tmp_path):
    files = _Files(str(tmp_path), "function", 1)
    files._write(files._index_path, files._dump((files._version, 1, {"types": "file"})))
    assert files._load_index() == {}

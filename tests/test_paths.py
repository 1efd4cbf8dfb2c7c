import os
import re
import subprocess
import sys

import pytest

from lth import paths
from lth.errors import LthError


def git(folder, *arguments) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository of one commit that this library lies in."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "file").write_text("x")
    git(folder, "add", "file")
    git(folder, "commit", "-q", "-m", "x")
    monkeypatch.setattr(paths, "ROOT", folder)
    return folder


def test_the_commit_is_that_of_the_checkout(checkout):
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    assert paths.commit() == commit
    (checkout / "file").write_text("y")
    assert paths.commit() == f"{commit}-dirty"


def test_no_commit_without_git(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert paths.commit() == ""


def test_gits_variables_do_not_lead_to_another_repository(checkout, monkeypatch, tmp_path):
    commit = paths.commit()
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "other")
    for name in ("GIT_DIR", "GIT_COMMON_DIR"):
        with monkeypatch.context() as until:
            until.setenv(name, str(other / ".git"))
            assert paths.commit() == commit
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert paths.commit() == commit


def test_an_archive_unpacked_in_another_repository_has_no_commit(checkout, monkeypatch):
    unpacked = checkout / "lth-0.1.0"
    unpacked.mkdir()
    monkeypatch.setattr(paths, "ROOT", unpacked)
    assert paths.commit() == ""


def test_the_data_folder_is_absolute_and_stays_where_it_was(monkeypatch, tmp_path):
    script = "import os; from lth.paths import data_dir; os.chdir('/'); print(data_dir())"
    environment = os.environ | {"LTH_DATA": "../elsewhere", "PYTHONPATH": str(paths.ROOT)}
    (tmp_path / "here").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        cwd=tmp_path / "here",
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "elsewhere"), done.stderr


def test_an_absolute_data_folder_and_a_home_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    assert paths.data_dir() == tmp_path and paths.records_dir() == tmp_path / "records"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LTH_DATA", "~/data")
    assert paths.data_dir() == tmp_path / "data"
    monkeypatch.setenv("LTH_DATA", "~nobody-of-this-name/data")
    with pytest.raises(LthError, match="names a home folder that does not exist"):
        paths.data_dir()
    monkeypatch.setenv("LTH_DATA", "")
    assert paths.data_dir() == paths.ROOT / "data"


def test_the_processor_is_told_by_its_name_and_its_kind():
    assert re.fullmatch(r".+ \(\w+\)", paths.processor())

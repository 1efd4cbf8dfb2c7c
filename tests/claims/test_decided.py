"""What was decided when, held against git where its history is there."""

import io
import subprocess

import pandas as pd
import pytest

from lth import records
from lth.claims import decided
from lth.paths import ROOT

ROWS = pd.read_csv(decided.FILE, dtype=str, keep_default_na=False).to_dict("records")


def git(*arguments: str) -> bytes:
    """What git says; the test is skipped where there is no history, as in an archive, or only a part of it."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no history: " + done.stderr.decode().strip())
    return done.stdout


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["rule"])
def test_a_rule_is_as_old_as_its_commit(row):
    told = git("show", "--no-patch", "--format=%ct", row["commit"]).decode()
    assert int(told) == pd.Timestamp(row["decided"]).timestamp()
    assert row["file"] in git("show", "--name-only", "--format=", row["commit"]).decode().split()


@pytest.mark.parametrize("row", [row for row in ROWS if row["first"]], ids=lambda row: row["rule"])
def test_replaced_records_began_when_it_is_said(row):
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        pytest.skip("only a part of the history is here")
    path = f"data/records/{row['studies']}/runs.parquet"
    commits = git("log", "--reverse", "--format=%h", "--", path).decode().split()
    if not commits:
        pytest.skip("no history of these records")
    first = pd.read_parquet(io.BytesIO(git("show", f"{commits[0]}:{path}")))
    assert pd.Timestamp(first["time"].min()) == pd.Timestamp(row["first"])


def test_first_records_are_those_of_all_studies_that_are_judged(monkeypatch):
    times = {"a": "2026-01-02T00:00:00+00:00", "b": "2026-01-01T12:00:00+00:00"}
    made = {name: records.Records(name, pd.DataFrame(), pd.DataFrame({"time": [time]})) for name, time in times.items()}
    none = records.Records("none", pd.DataFrame(), pd.DataFrame())
    monkeypatch.setattr(records, "load_or_empty", lambda study: made.get(study, none))
    assert decided._first(["a", "b", "c"], "") == pd.Timestamp(times["b"])
    assert decided._first(["a"], "2026-01-01T00:00:00+00:00") == pd.Timestamp("2026-01-01T00:00:00+00:00")
    assert decided._first(["c"], "") is None


def test_what_is_decided_after_the_first_record_is_not_before_it():
    early, late = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-02")
    assert decided.Decision("", "", early, late).before and decided.Decision("", "", early, None).before
    assert not decided.Decision("", "", late, early).before

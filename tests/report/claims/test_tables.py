import hashlib
import json
import re
import shutil

import pandas as pd
import pyarrow.parquet as parquet
import pytest
from claimed import only, records, table
from executed import NOTEBOOKS, papermill

from lth import records as lth_records
from lth.errors import LthError
from lth.paths import ROOT
from lth.report.claims import rule
from lth.report.claims import tables as claims_tables
from lth.report.sources import evidence, records_of
from lth.report.text import planned_trials
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study

RECORDS = ROOT / "data" / "records" / "lenet"


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The published records of `lenet` in a data folder of its own."""
    folder = tmp_path / "records" / "lenet"
    shutil.copytree(RECORDS, folder)
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    return folder


def change(folder, file, column):
    """Add a little to one number of a published table, as if it had been published so: its checksum is right."""
    frame = parquet.read_table(folder / file).to_pandas()
    frame.loc[len(frame) // 2, column] = frame.loc[len(frame) // 2, column] * 0.999
    parquet.write_table(parquet.ParquetFile(folder / file).schema_arrow.empty_table().from_pandas(frame), folder / file)
    names = ("curves.parquet", "runs.parquet")
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(sums))


def test_the_summary_counts_every_verdict():
    words = pd.DataFrame({"verdict": ["replicated", "inconclusive", "replicated", "not tested"], "narrowly": False})
    assert claims_tables.summary(words) == "2 of 4 claims replicated, 1 inconclusive, 1 not tested"
    words.loc[0, "narrowly"] = True
    assert claims_tables.summary(words).startswith(
        "2 of 4 claims replicated (1 of them within its tolerance only), 1 inc"
    )
    assert claims_tables.summary(words[3:]) == "0 of 1 claims tested"
    assert claims_tables.summary(words[1:2]) == "0 of 1 claims replicated, 1 inconclusive"


def test_estimates_read_as_what_they_mean():
    runs = records(only("ticket", {7}, 0.6, 1.3), only("ticket", {9}, -0.4, 0.0))
    rows = table(runs).set_index("claim")
    sooner, faster, less = (claims_tables.here(rows.loc[name]) for name in ("L1", "L4", "L2"))
    assert re.fullmatch(r"5\d\.\d % earlier \[\d\d\.\d,\xa0\d\d\.\d\]", sooner)
    assert re.fullmatch(r"2\.\d\d × as fast \[\d\.\d\d,\xa0\d\.\d\d\]", faster)
    assert re.fullmatch(r"−0\.\d\d pp \[−0\.\d\d,\xa0−0\.\d\d\]", less)
    assert claims_tables.here(rows.loc["L7-ticket"]) == "at no level"
    slower = claims_tables.here(table(records(only("ticket", {15}, 1.5, 1.0))).set_index("claim").loc["L3-speed"])
    value, low, high = map(float, re.findall(r"\d+\.\d", slower))
    assert "% later" in slower and 40 < low < value < high < 60


def test_what_is_not_tested_has_no_estimate():
    shallow = table(records(levels=3))
    assert set(shallow["verdict"]) == {"not tested"} and {claims_tables.here(row) for _, row in shallow.iterrows()} == {
        "–"
    }
    assert "not tested" in claims_tables.front_table(shallow) and "no records of ticket" in claims_tables.full_table(
        shallow
    )


def test_every_claim_has_a_row_in_every_table():
    found = table(records())
    for text, columns in ((claims_tables.front_table(found), 4), (claims_tables.full_table(found), 8)):
        lines = text.splitlines()
        assert len(lines) == 2 + len(found)
        assert {line.count("|") for line in lines} == {columns + 1}
    tolerances = claims_tables.tolerance_table(rule.table({}))
    for claim in rule.CLAIMS.values():
        assert (f"{claim.id}: {claim.tolerance:g}" in tolerances) == bool(claim.rationale)
    assert claims_tables.word_table().count("\n") == len(claims_tables.WORDS) + 1


def test_the_same_claims_are_judged_by_several_records_side_by_side():
    """Where tickets of the first records are faster and those of the others slower, L1 and L4 part; L5 stays."""
    fast, slow = (records(only("ticket", {7}, factor, 1.0), levels=16) for factor in (0.6, 1.3))
    tables = claims_tables.side_by_side({"as published": fast, "other": slow}, "lenet")
    assert list(tables["other"].index) == ["L1", "L2", "L3-speed", "L3-accuracy", "L4", "L5"]  # no one-shot, no scans
    text = claims_tables.side_table(tables)
    assert text.splitlines()[0] == "| The paper's claim | Claimed | as published | other |"
    l1 = text.splitlines()[2]
    assert l1.startswith("| L1: At level 7") and "earlier [" in l1 and "later [" in l1
    assert l1.endswith(": *not replicated* |") and "replicated* | 3" in l1
    assert claims_tables.side_summary(tables) == "4 of 6 claims have the same verdict with each of them"
    same = {name: tables["other"] for name in ("one", "two")}
    assert claims_tables.side_summary(same) == "6 of 6 claims have the same verdict with each of them"


def test_records_that_judge_nothing_say_so_side_by_side():
    for parts in ({}, {"deep enough": records(levels=7), "shallow": records(levels=3)}):
        tables = claims_tables.side_by_side(parts, "lenet")
        assert "none can be judged" in claims_tables.side_table(tables).splitlines()[2]
        assert claims_tables.side_summary(tables) == "no claim can be judged by these records"


def test_notes_have_minus_signs_where_numbers_are_below_zero():
    fallen = table(records(accuracy=only("ticket", range(16, 26), -0.5, 0.0)))
    (row,) = [row for row in claims_tables.full_table(fallen).splitlines() if row.startswith("| L7-ticket")]
    assert re.search(r"\| at level 16: −0\.\d\d pp \[−0\.\d\d, −0\.\d\d\] \|", row)


def test_what_is_met_within_its_tolerance_only_is_said_in_both_tables():
    rows = table(records(only("ticket", {7}, 0.7, 1.0)))
    lines = [text.splitlines()[2] for text in (claims_tables.front_table(rows), claims_tables.full_table(rows))]
    assert [line.count("within its tolerance only") for line in lines] == [1, 1]
    literally = table(records(only("ticket", {7}, 0.6, 1.0)))
    assert "within its tolerance only" not in claims_tables.full_table(literally).splitlines()[2]


def test_a_range_of_levels_is_told_with_the_effect_inside():
    rows = table(records(only("oneshot", set(range(2, 8)), 0.6, 1.0))).set_index("claim")
    told = claims_tables.here(rows.loc["L8"])
    assert re.match(r"levels 2 to 7; over those claimed \d\d\.\d % earlier \[", told)
    assert claims_tables.here(rows.loc["L9"]).startswith("at no single level; over those claimed ")


def test_verdicts_are_of_studies_that_claims_are_about():
    claims_tables.check_claimed("lenet")
    with pytest.raises(LthError, match="unknown study with claims 'quickstart': choose one of conv2, conv4"):
        claims_tables.check_claimed("quickstart")


def test_only_published_records_are_evidence(copied, monkeypatch):
    assert evidence(STUDIES["lenet"]).digest == records_of(STUDIES["lenet"]).digest
    other = parquet.read_table(copied / "runs.parquet").to_pandas().assign(key="of another")
    monkeypatch.setattr(lth_records, "load_or_empty", lambda _: lth_records.Records("lenet", other, other))
    monkeypatch.setattr(Study, "run", lambda _: pytest.fail("nothing is to be trained"))
    with pytest.raises(LthError, match="no run of the study 'lenet', as it is defined now, is published"):
        evidence(STUDIES["lenet"])


@pytest.mark.parametrize("notebook", ["claims", "comparison"])
def test_no_page_without_its_records(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_DATA", str(tmp_path / "empty"))
    done, _ = papermill(ROOT / "notebooks" / f"{notebook}.ipynb", tmp_path)
    assert done.returncode == 1
    assert "no run of the study 'lenet', as it is defined now, is published" in done.stderr


def test_no_page_from_changed_records(copied, tmp_path):
    content = bytearray((copied / "runs.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (copied / "runs.parquet").write_bytes(content)
    done, _ = papermill(ROOT / "notebooks" / "claims.ipynb", tmp_path)
    assert done.returncode == 1
    assert "data/records/lenet/runs.parquet is not what was published" in done.stderr


def sources(notebook) -> set[str]:
    """The hashes of the records of `lenet` from which a committed notebook was drawn."""
    cells = json.loads(notebook.read_text())["cells"]
    text = json.dumps([cell.get("outputs") for cell in cells])
    return set(re.findall(r"study lenet, records (\w+)", text))


def test_committed_notebooks_show_the_committed_records():
    """`make refresh` after publishing. A changed number is found even where its checksum was changed with it."""
    now = records_of(STUDIES["lenet"]).digest
    drawn = {notebook.stem: sources(notebook) for notebook in NOTEBOOKS}
    assert drawn["claims"] == drawn["comparison"] == drawn["full_length"] == {now}
    assert {stem: found for stem, found in drawn.items() if found - {now}} == {}


def test_a_changed_number_changes_what_the_notebooks_store(copied):
    """Which nbval compares: the hash of the records, or the claims' table."""
    before = lth_records.load("lenet")
    told = claims_tables.full_table(table(before.runs))
    change(copied, "curves.parquet", "test_acc")
    assert lth_records.load("lenet").digest != before.digest
    assert claims_tables.full_table(table(lth_records.load("lenet").runs)) == told
    runs = before.runs.copy()
    runs.loc[runs["level"] == 7, "early_stop_test_acc"] *= 0.999
    assert claims_tables.full_table(table(runs)) != told


def test_planned_trials_are_those_of_the_study():
    assert set(planned_trials(STUDIES["lenet"].grids, ("ticket", "reinit"))) == {"ticket", "reinit"}

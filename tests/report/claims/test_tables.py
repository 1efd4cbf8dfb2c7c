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
from lth.claims import posthoc, rule
from lth.claims.further import FURTHER
from lth.claims.lenet import LENET
from lth.errors import LthError
from lth.paths import ROOT
from lth.report.claims import tables as claims_tables
from lth.report.sources import evidence, records_of
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study

SPEC = json.dumps({"recipe": {"iterations": 12_000}})
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


def told(runs) -> dict[str, list[str]]:
    """The cells of the page's table by claim."""
    lines = claims_tables.verdict_table(posthoc.table(table(runs), runs)).splitlines()[2:]
    return {cells[0]: cells[1:] for cells in ([cell.strip() for cell in line[1:-1].split("|")] for line in lines)}


def test_every_judged_claim_has_a_row():
    rows = told(records())
    assert list(rows) == [claim.id for claim in LENET] and {len(cells) for cells in rows.values()} == {5}


def test_claims_of_later_papers_are_told_with_their_sources():
    runs = pd.concat(
        pd.DataFrame({"recipe": "protocol", "arm": arm, "trial": range(6), "level": level, "spec": SPEC}).assign(
            early_stop_test_acc=accuracy
        )
        for arm, accuracy in (("ticket", [0.98, 0.981] * 3), ("reinit", [0.97, 0.97] * 3))
        for level in (3, 4)
    )
    found = rule.as_table([rule.evaluate(FURTHER[name], runs) for name in ("Z1-reinit", "Z1-constant")])
    judged, missing = (row.strip("| ").split(" | ") for row in claims_tables.later_table(found).splitlines()[2:])
    assert judged[0] == "Z1-reinit" and judged[2].startswith("Zhou et al. 2019") and judged[4:] == ["6", "replicated"]
    assert judged[3].startswith("+1.05 ")
    assert missing[3:] == ["–", "–", "not tested"]


def test_a_repeat_is_told_in_the_direction_in_which_it_lies():
    slower = told(records(only("ticket", {15}, 1.5, 1.0)))["L3-speed"][2]
    least, most = map(float, re.fullmatch(r"(\d+\.\d) to (\d+\.\d)% later", slower).groups())
    assert least < 50 < most
    assert re.fullmatch(r"level \d+ to \d+", told(records())["L7-ticket"][2])


def test_what_is_met_within_its_tolerance_only_is_said():
    within, literally = (told(records(only("ticket", {7}, part, 1.0)))["L1"][1] for part in (0.7, 0.6))
    assert "within its tolerance only" in within and "tolerance" not in literally


def test_tolerances_are_told_with_their_reasons():
    tolerances = claims_tables.tolerance_table(rule.table({}))
    for claim in rule.CLAIMS.values():
        assert (f"{claim.id}: {claim.tolerance:g}" in tolerances) == bool(claim.rationale)


def test_what_is_not_tested_has_no_estimate():
    shallow = table(records(levels=3))
    assert set(shallow["verdict"]) == {"not tested"} and {claims_tables.here(row) for _, row in shallow.iterrows()} == {
        "–"
    }
    assert len(told(records(levels=3))) == 0


def test_a_range_of_levels_is_told_with_the_effect_inside():
    rows = table(records(only("oneshot", set(range(2, 8)), 0.6, 1.0))).set_index("claim")
    eighth = claims_tables.here(rows.loc["L8"])
    assert re.match(r"levels 2 to 7; over those claimed \d\d\.\d % earlier \[", eighth)
    assert claims_tables.here(rows.loc["L9"]).startswith("at no single level; over those claimed ")


def test_what_is_decided_too_late_is_told():
    rows = claims_tables.decided_table().splitlines()[2:]
    assert [row.split("|")[-2].strip() for row in rows].count("no") == 2


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


@pytest.mark.parametrize("notebook", ["claims"])
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
    """The hashes of the records of `lenet` from which a committed notebook's figures were drawn."""
    outputs = [output for cell in json.loads(notebook.read_text())["cells"] for output in cell.get("outputs", ())]
    figures = [output["metadata"]["figure"] for output in outputs if "figure" in output.get("metadata", {})]
    return {
        source["records"] for figure in figures for source in figure.get("sources", ()) if source["study"] == "lenet"
    }


def test_committed_notebooks_show_the_committed_records():
    """`make refresh` after publishing. A changed number is found even where its checksum was changed with it."""
    now = records_of(STUDIES["lenet"]).digest
    drawn = {notebook.stem: sources(notebook) for notebook in NOTEBOOKS}
    assert drawn["claims"] == drawn["certainty"] == {now}
    assert {stem: found for stem, found in drawn.items() if found - {now}} == {}


def test_a_changed_number_changes_what_the_notebooks_store(copied):
    """Which nbval compares: the hash of the records, or the claims' table."""
    before = lth_records.load("lenet")
    before_it = told(before.runs)
    change(copied, "curves.parquet", "test_acc")
    assert lth_records.load("lenet").digest != before.digest
    assert told(lth_records.load("lenet").runs) == before_it
    runs = before.runs.copy()
    runs.loc[runs["level"] == 7, "early_stop_test_acc"] *= 0.999
    assert told(runs) != before_it

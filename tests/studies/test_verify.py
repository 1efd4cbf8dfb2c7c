"""`lth verify`: published records are read for contradictions, and published runs are trained again."""

import re
from dataclasses import replace

import pyarrow as arrow
import pytest
from test_cli import lth, refused  # noqa: F401
from tiny_study import STUDY, TINY

from lth import records
from lth.errors import LthError
from lth.paths import records_dir, runs_dir
from lth.records import audit, parquet
from lth.running import complete, leftovers
from lth.studies import declared
from lth.studies.parameters import study
from lth.studies.retraining import retrain
from lth.studies.study import Grid

CRITERIA = ("snip", "synflow")


@pytest.fixture
def published(tiny_study, scheduler, lth):  # noqa: F811
    wanted = study("tiny", arms="ticket,reinit,random-mask,chain-reinit")
    complete.train(wanted, scheduler=scheduler)
    records.publish("tiny", wanted.runs())
    return wanted


def test_a_published_run_is_trained_again(published, lth):  # noqa: F811
    status, out, err = lth("verify", "tiny", "--arms", "ticket,reinit,random-mask,chain-reinit", "--trial", "0",
                           "--level", "2", "--arm", "random-mask")  # fmt: skip
    assert status == 0, err
    assert out.count("the published mask, the published curve, bit for bit") == 4  # three tickets and the control
    for arm, count in (("ticket", 3), ("reinit", 4), ("chain-reinit", 3)):
        results = list(retrain(published, records.load("tiny"), 0, 2, arm))
        assert len(results) == count and all(one.mask and one.curve for one in results)
        assert results[-1].run == f"tiny, {arm}, trial 0, draw 0, level 2"
    refused(lth("verify", "tiny", "--trial", "5", "--level", "2"), "trial 5 and level 2 is published")
    refused(lth("verify", "tiny", "--trial", "0"), "name a study, alone or with --trial and --level, or ask for --all")
    refused(lth("verify"), "or ask for --all")


def test_what_training_again_does_not_give_is_told(published, lth, monkeypatch):  # noqa: F811
    whole = records.load("tiny")
    curves = whole.curves.copy()
    curves.loc[5, "test_acc"] += 1 / 60
    lying = replace(whole, curves=curves, runs=whole.runs.assign(mask_sha256="0" * 64))
    results = list(retrain(published, lying, 0, 1))
    assert not any(one.mask for one in results)
    first = curves.iloc[5]
    named = f"{first['arm']}, trial {first['trial']}"
    assert all(one.curve for one in results if named not in one.run)
    with pytest.raises(LthError, match="is not published, so that nothing can be compared"):
        list(retrain(published, replace(whole, runs=whole.runs[whole.runs["level"] > 0]), 0, 1))


def test_records_of_other_criteria_starts_and_masks_do_not_contradict_themselves(data_dir, scheduler):
    """Masks from before training, frozen weights, a shared dense network, and masks of another recipe's tickets."""
    snip, synflow = (replace(TINY, name=name, pruning=replace(TINY.pruning, criterion=name)) for name in CRITERIA)
    frozen = replace(TINY, name="frozen", pruning=replace(TINY.pruning, frozen=True))
    found = replace(TINY, name="found", masks_from=replace(TINY, name="noise", corruption="random-labels"))
    recipes = (TINY, found, snip, synflow, frozen)  # the taking one before its lender's later levels
    lent = replace(TINY, name="lent", masks_from=snip)
    grids = (Grid({"ticket": 1, "reinit": 1, "reshuffled-signs": 1, "retrained": 1, "finetuned": 1}, 1),)
    shared = tuple((recipe.name, TINY.name) for recipe in (*recipes[1:], lent))
    wanted = replace(STUDY, recipes=(*recipes, lent), grids=grids, controls_from=1, dense=shared)
    complete.train(wanted, scheduler=scheduler)
    records.publish("tiny", wanted.runs())
    read = records.load("tiny")
    assert len(read.runs) == len(wanted.runs()) == 11 + 5 * 10 and audit.contradictions(read) == []
    results = list(retrain(replace(wanted, recipes=(TINY, found, snip)), read, 0, 2, "reinit"))
    assert all(one.mask and one.curve for one in results)
    assert [one.run.split(",")[0] for one in results].count("found") == 1  # its lender's networks are not published


def test_all_that_is_published_is_looked_through(published, lth, monkeypatch):  # noqa: F811
    monkeypatch.setattr("lth.cli.options.Changes.study", lambda self, name: published)
    status, out, _ = lth("verify", "--all")
    assert status == 0 and out == "tiny: 11 runs, 0 contradictions\n"
    (runs_dir() / "old.corrupt").write_bytes(b"")
    (runs_dir() / ".half.999999999.tmp").write_bytes(b"")
    assert len(leftovers.found()) == 2 and lth("verify", "--all")[1].count("left over: ") == 2
    read = records.load("tiny")
    frames = {"curves.parquet": read.curves.copy(), "runs.parquet": read.runs}
    frames["curves.parquet"].loc[3, "test_acc"] = 0.98765
    parquet.write(
        records_dir() / "tiny",
        {name: arrow.Table.from_pandas(frame, preserve_index=False) for name, frame in frames.items()},
    )
    status, out, err = lth("verify", "--all")
    assert status == 1 and "no multiple of 1/60" in out, err
    assert re.match(r"lth: \d contradictions", err)


def test_trials_that_are_not_published_are_missing(published):
    read = records.load("tiny")
    more = study("tiny", arms="ticket,reinit", trials=3)
    assert declared.missing(read, more.runs()) == ["tiny: 12 runs are missing: tiny, trial 1 (6); tiny, trial 2 (6)"]
    assert declared.others(read, more.runs())[0].startswith("tiny: tiny, chain-reinit, trial 0, draw 0, level 0: it is")
    assert audit.contradictions(read) == []

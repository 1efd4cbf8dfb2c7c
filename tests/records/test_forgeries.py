"""Records that lie: published numbers are changed, with keys and checksums adapted, and the audit names each."""

import hashlib
import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as arrow
import pytest

from lth import records
from lth.errors import LthError
from lth.paths import records_dir
from lth.records import KEYS, audit, parquet
from lth.studies import declared
from lth.studies.parameters import study

SHARE = {"trials": 2, "levels": 4, "arms": "ticket,reinit:3,oneshot,oneshot-reinit,random-mask"}
BOTH = ("ticket", "reinit")


@dataclass
class Tables:
    """The two tables, to be forged."""

    runs: pd.DataFrame
    curves: pd.DataFrame

    def rows(self, **where) -> pd.Series:
        """Which runs have these values."""
        return np.logical_and.reduce([self.runs[name] == value for name, value in where.items()])

    def spec(self, which: pd.Series, change) -> None:
        """Change specifications in place, and adapt their keys."""
        for i in self.runs.index[which]:
            spec = json.loads(self.runs.at[i, "spec"])
            change(spec)
            text = json.dumps(spec, sort_keys=True)
            self.runs.loc[i, ["spec", "key"]] = text, hashlib.sha256(text.encode()).hexdigest()

    def measured(self, **where) -> pd.Series:
        """Which measurements have these values."""
        return np.logical_and.reduce([self.curves[name] == value for name, value in where.items()])


TICKET = {"arm": "ticket", "trial": 1, "draw": 0, "level": 3}


@pytest.fixture(scope="module")
def share() -> Tables:
    """A share of the published study `lenet`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LTH_DATA", raising=False)
        whole = records.load("lenet")
        keys = {run.key for run in study("lenet", **SHARE).runs()}
    runs = whole.runs[whole.runs["key"].isin(keys)]
    return Tables(runs, whole.curves.merge(runs[KEYS], on=KEYS))


@pytest.fixture
def verify(share, monkeypatch, tmp_path):
    """What the audit says of the share after a forgery: contradictions, and what is missing."""
    monkeypatch.setenv("LTH_DATA", str(tmp_path))

    def verified(forge=lambda tables: None) -> tuple[str, str]:
        tables = Tables(share.runs.copy(deep=True).reset_index(drop=True), share.curves.copy())
        forge(tables)
        folder = records_dir() / "lenet"
        folder.mkdir(parents=True, exist_ok=True)
        frames = {"curves.parquet": tables.curves, "runs.parquet": tables.runs}
        parquet.write(folder, {n: arrow.Table.from_pandas(f, preserve_index=False) for n, f in frames.items()})
        runs = study("lenet", **SHARE).runs()
        read = records.load("lenet")
        found = audit.contradictions(read) + declared.others(read, runs)
        return "\n".join(found), "\n".join(declared.missing(read, runs))

    return verified


def change_the_middle_of_a_curve(t):
    t.curves.loc[t.measured(**TICKET, iteration=20_000), "test_acc"] = 0.98765


def change_validation_too_finely(t):
    t.curves.loc[t.measured(**TICKET, iteration=20_000), "val_acc"] += 0.00005


def make_an_accuracy_too_low_for_its_loss(t):
    t.curves.loc[t.measured(**TICKET, iteration=20_000), "test_acc"] = 0.5


def change_an_early_stop_accuracy_in_one_table(t):
    t.runs.loc[t.rows(**TICKET), "early_stop_test_acc"] += 0.0001


def change_a_final_training_accuracy(t):
    t.runs.loc[t.rows(**TICKET), "final_train_acc"] -= 0.0001


def move_an_early_stop(t):
    t.runs.loc[t.rows(**TICKET), "early_stop_iteration"] += 100


def lower_a_loss(t):
    t.curves.loc[t.measured(**TICKET, iteration=20_000), "val_loss"] = 0.001


def drop_a_measurement(t):
    t.curves = t.curves[~t.measured(**TICKET, iteration=20_000)]


def drop_a_curve(t):
    t.curves = t.curves[~t.measured(**TICKET)]


def rename_an_arm(t):
    rows, measured = t.rows(arm="oneshot-reinit"), t.measured(arm="oneshot-reinit")
    t.spec(rows, lambda spec: spec.update(arm="chain-reinit"))
    t.runs.loc[rows, "arm"] = "chain-reinit"
    t.curves.loc[measured, "arm"] = "chain-reinit"


def swap_two_arms_with_their_keys(t):
    swapped = dict(zip(BOTH, reversed(BOTH), strict=True))
    for arm, other in swapped.items():
        t.spec(t.rows(arm=arm, draw=0), lambda spec, other=other: spec.update(arm=other))
    for frame in (t.runs, t.curves):
        first = frame["draw"] == 0
        frame.loc[first, "arm"] = frame.loc[first, "arm"].replace(swapped)


def copy_a_trial(t, new_hashes=True):
    """The runs of trial 0 in the place of those of trial 1."""
    runs = t.runs[t.runs["trial"] == 0].assign(trial=1)
    if new_hashes:
        runs["mask_sha256"] = [hashlib.sha256(text.encode()).hexdigest() for text in runs["mask_sha256"]]
    t.runs = pd.concat([t.runs[t.runs["trial"] == 0], runs], ignore_index=True)
    t.spec(t.runs["trial"] == 1, lambda spec: spec.update(trial=1))
    curves = t.curves[t.curves["trial"] == 0]
    t.curves = pd.concat([curves, curves.assign(trial=1)], ignore_index=True)


def copy_a_trial_and_disturb_its_curves(t):
    copy_a_trial(t)
    copied = t.curves["trial"] == 1
    for part, size in (("test", 10_000), ("val", 5000)):
        t.curves.loc[copied, f"{part}_loss"] *= np.float32(1.001)
        t.curves.loc[copied, f"{part}_acc"] = ((t.curves.loc[copied, f"{part}_acc"] * size).round() - 1) / size
    for name in ("early_stop_test_acc", "final_test_acc"):
        t.runs.loc[t.runs["trial"] == 1, name] -= 0.0001


def number_trials_anew(t):
    for frame in (t.runs, t.curves):
        frame["trial"] = 1 - frame["trial"]
    for trial in (0, 1):
        t.spec(t.rows(trial=trial), lambda spec, trial=trial: spec.update(trial=trial))


def copy_a_draw(t):
    first = t.measured(arm="reinit", trial=1, draw=0, level=2)
    second = t.measured(arm="reinit", trial=1, draw=1, level=2)
    names = [name for name in t.curves if name not in KEYS]
    t.curves.loc[second, names] = t.curves.loc[first, names].to_numpy()
    summary = [name for name in t.runs if name.startswith(("early_stop", "final"))]
    rows = [t.rows(arm="reinit", trial=1, draw=draw, level=2) for draw in (0, 1)]
    t.runs.loc[rows[1], summary] = t.runs.loc[rows[0], summary].to_numpy()


def change_a_mask(t):
    t.runs.loc[t.rows(**TICKET), "mask_sha256"] = "0" * 64


def change_a_random_mask(t):
    t.runs.loc[t.rows(arm="random-mask", trial=0, level=2), "mask_sha256"] = "0" * 64


def give_two_levels_one_mask(t):
    for arm in BOTH:
        other = t.runs.loc[t.rows(arm="ticket", trial=1, level=2), "mask_sha256"].iloc[0]
        t.runs.loc[t.rows(arm=arm, trial=1, level=3), "mask_sha256"] = other


def slip_in_a_run_of_another_recipe(t):
    t.spec(t.rows(**TICKET), lambda spec: spec["recipe"].update(batch_size=50))


def change_the_learning_rate_everywhere(t):
    t.spec(t.runs["trial"] >= 0, lambda spec: spec["recipe"]["optimizer"].update(learning_rate=0.001))


def change_the_seed_everywhere(t):
    t.spec(t.runs["trial"] >= 0, lambda spec: spec.update(root_seed=1))


def change_a_specification_and_not_its_key(t):
    i = t.runs.index[t.rows(**TICKET)][0]
    t.runs.loc[i, "spec"] = t.runs.loc[i, "spec"].replace("1.2e-3", "1e-3").replace("0.0012", "0.001")


def let_times_run_backwards(t):
    t.runs.loc[t.rows(**TICKET), "time"] = t.runs.loc[t.rows(arm="ticket", trial=1, level=1), "time"].iloc[0]


def date_a_run_into_the_future(t):
    t.runs.loc[t.rows(arm="ticket", trial=1, level=4), "time"] = "2999-01-01T00:00:00+00:00"


def leave_fewer_weights(t):
    i = t.runs.index[t.rows(**TICKET)][0]
    left = json.loads(t.runs.loc[i, "remaining"])
    left["fc2.weight"] -= 1
    prunable = json.loads(t.runs.loc[i, "prunable"])
    t.runs.loc[i, ["remaining", "density"]] = json.dumps(left), sum(left.values()) / sum(prunable.values())


def bring_back_an_input(t):
    i = t.runs.index[t.rows(**TICKET)][0]
    counts = t.runs.at[i, "input_connections"].copy()
    before = t.runs.loc[t.rows(**TICKET | {"level": 2}), "input_connections"].iloc[0]
    more = before[0] + 1 - counts[0]
    counts[counts.argmax()] -= more
    counts[0] += more
    t.runs.at[i, "input_connections"] = counts


def move_where_weights_start(t):
    i = t.runs.index[t.rows(**TICKET)][0]
    histogram = json.loads(t.runs.at[i, "start_histogram"])
    bins = histogram["fc1.weight"]
    bins[0], bins[32] = bins[0] + 50, bins[32] - 50
    t.runs.at[i, "start_histogram"] = json.dumps(histogram)


def claim_other_images(t):
    t.runs["data"] = "MNIST (image copy)"


def make_up_a_commit(t):
    t.runs.loc[t.rows(**TICKET), "commit"] = "trust me"


NAMED = {
    change_the_middle_of_a_curve: "a test_acc is no multiple of 1/10000",
    change_validation_too_finely: "a val_acc is no multiple of 1/5000",
    make_an_accuracy_too_low_for_its_loss: "a test_loss is less than its test_acc allows",
    change_an_early_stop_accuracy_in_one_table: "its early_stop_test_acc is .* in its curve",
    change_a_final_training_accuracy: "its final_train_acc is .* in its curve",
    move_an_early_stop: "its early_stop_iteration is .* in its curve",
    lower_a_loss: "is less than its val_acc allows|its early_stop_iteration is",
    drop_a_measurement: "it is not measured at the iterations of its recipe",
    drop_a_curve: "it has no curve",
    rename_an_arm: "it is not a run that the study declares",
    swap_two_arms_with_their_keys: "it borrows its mask, and says what only its lender says",
    copy_a_trial: "it has the measurements of",
    copy_a_trial_and_disturb_its_curves: "it does not start where the seed of its trial says",
    number_trials_anew: "it does not start where the seed of its trial says",
    copy_a_draw: "it has the measurements of .* draw 0",
    change_a_mask: "it has another mask than",
    change_a_random_mask: "its random mask is not the one of its stream",
    give_two_levels_one_mask: "it has the mask of lenet, ticket, trial 1, draw 0, level 2",
    slip_in_a_run_of_another_recipe: "not a run that the study declares|mixes 2 specifications",
    change_the_learning_rate_everywhere: "it is not a run that the study declares",
    change_the_seed_everywhere: "it does not start where the seed of its trial says",
    change_a_specification_and_not_its_key: "is not the SHA-256 of its specification",
    let_times_run_backwards: "too soon after lenet, ticket, trial 1, draw 0, level 2",
    date_a_run_into_the_future: "it was finished in the future",
    leave_fewer_weights: "it has not as many weights left as its level says",
    bring_back_an_input: "an input has more weights than in",
    move_where_weights_start: "weights of fc1.weight start where none did",
    claim_other_images: "it is on MNIST .image copy., and its specification is on MNIST",
    make_up_a_commit: "its commit is none",
}


def test_what_is_published_does_not_contradict_itself(verify):
    assert verify() == ("", "")


@pytest.mark.parametrize("forge", NAMED, ids=lambda forge: forge.__name__)
def test_a_forgery_is_named(verify, forge):
    try:
        found, _ = verify(forge)
    except LthError as error:  # refused when it is read
        found = str(error)
    assert re.search(NAMED[forge], found), found


def drop_a_trial(t):
    t.runs, t.curves = t.runs[t.runs["trial"] == 0], t.curves[t.curves["trial"] == 0]


def drop_some_runs(t):
    t.runs = t.runs[~t.rows(arm="reinit", draw=2, trial=0)]
    t.curves = t.curves[~t.measured(arm="reinit", draw=2, trial=0)]


@pytest.mark.parametrize(("forge", "says"), [(drop_a_trial, "trial 1 .32."), (drop_some_runs, "lenet, trial 0 .5.")])
def test_what_is_dropped_is_missed(verify, forge, says):
    assert re.search(says, verify(forge)[1])


def change_the_middle_of_a_curve_by_whole_images(t):
    t.curves.loc[t.measured(**TICKET, iteration=20_000), "test_acc"] += 0.0007


def change_an_early_stop_accuracy_in_both_tables(t):
    stop = t.runs.loc[t.rows(**TICKET), "early_stop_iteration"].iloc[0]
    t.runs.loc[t.rows(**TICKET), "early_stop_test_acc"] += 0.0005
    t.curves.loc[t.measured(**TICKET, iteration=stop), "test_acc"] += 0.0005


def change_the_mask_of_a_pair(t):
    for arm in BOTH:
        t.runs.loc[t.rows(arm=arm, trial=1, level=3), "mask_sha256"] = "0" * 64


def shorten_the_time(t):
    t.runs.loc[t.rows(**TICKET), "seconds"] /= 2


ONLY_BY_TRAINING = (
    change_the_middle_of_a_curve_by_whole_images,
    change_an_early_stop_accuracy_in_both_tables,
    change_the_mask_of_a_pair,
    shorten_the_time,
)


@pytest.mark.parametrize("forge", ONLY_BY_TRAINING, ids=lambda forge: forge.__name__)
def test_what_only_training_again_could_find(verify, forge):
    """An honest list: where a check learns to name one of these, it moves up."""
    assert verify(forge) == ("", "")

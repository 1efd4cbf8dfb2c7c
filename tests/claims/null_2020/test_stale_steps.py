import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest

from lth.claims.null_2020 import stale_steps
from lth.claims.null_2020.stale_steps import ACCOUNTS, PARTS, WHOLE, judge, judge_part, reached, recipe, shifts, speeds
from lth.statistics.bootstrap import MissingRecords
from lth.studies.catalogue import STUDIES

KEY = {"study": "mechanism", "draw": 0}


def curve(reaches: float, **key):
    """A validation accuracy that rises from 0.1 by 0.85 in `reaches` iterations, measured every 200."""
    iterations = np.arange(0, 12_001, 200)
    return [KEY | key | {"iteration": i, "val_acc": min(0.1 + 0.85 * i / reaches, 0.99)} for i in iterations]


def made(times: dict[str, float], trials: int = 5, noise: float = 0.02) -> pd.DataFrame:
    """Curves of recipes whose tickets reach 95 % about so many times as early, at levels 1 to 3; others are wild."""
    generator, rows = np.random.default_rng(1), []
    for trial in range(trials):
        slower = np.exp(generator.normal(0, 0.3))  # of all recipes of a trial alike
        for name, arm, level in itertools.product(times, ("ticket", "reinit"), range(5)):
            reaches = 1000 * slower * (1 + level / 10) * (times[name] if arm == "reinit" else 1)
            reaches *= np.exp(noise * generator.standard_normal())
            reaches = reaches if level in (1, 2, 3) else 300 if arm == "ticket" else 9000
            rows += curve(reaches, recipe=name, arm=arm, trial=trial, level=level)
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def parts_with(**times):
    """The verdict on each part where small weights leave 1.7 times as early and the whole carried optimizer 1.2."""
    named = {recipe("", ""): 1.7, recipe(WHOLE, ""): 1.2}
    named |= {recipe(part, ""): times[part.replace("-", "_")] for part in PARTS}
    table = speeds(made(named))
    return {part: judge_part(part, "", table).verdict for part in PARTS}


def test_the_recipes_and_trials_are_those_of_the_study():
    study = STUDIES["mechanism"]
    names = {each.name for each in study.recipes}
    for background, part in itertools.product(stale_steps.BACKGROUNDS, ("", WHOLE, *PARTS)):
        assert recipe(part, background) in names
    assert study.levels == max(stale_steps.LEVELS) and study.trials == stale_steps.TRIALS


def test_accuracy_is_reached_between_measurements():
    rows = curve(500, recipe="a", arm="ticket", trial=0, level=1) + curve(
        90_000, recipe="b", arm="ticket", trial=0, level=1
    )
    rows += [KEY | {"recipe": "c", "arm": "ticket", "trial": 0, "level": 1, "iteration": i, "val_acc": acc}
             for i, acc in ((0, 0.1), (200, 0.97), (400, 0.5), (600, 0.99))]  # fmt: skip
    found = reached(pd.DataFrame(rows).sample(frac=1, random_state=0)).droplevel(
        ["study", "arm", "trial", "draw", "level"]
    )
    assert found["a"] == pytest.approx(400 + 200 * (0.95 - 0.78) / (0.99 - 0.78))
    assert math.isnan(found["b"]) and found["c"] == pytest.approx(200 * 0.85 / 0.87)  # the first time counts


def test_speed_is_a_mean_of_logarithms_over_the_judged_levels():
    rows = []
    for level, (ours, theirs) in enumerate([(400, 9000), (400, 800), (400, 1600), (400, 400), (9000, 400)]):
        for arm, reaches in (("ticket", ours), ("reinit", theirs)):
            rows += curve(reaches, recipe="a", arm=arm, trial=0, level=level)
    table = speeds(pd.DataFrame(rows))
    assert table["speed", "a"][0] == pytest.approx((math.log(2) + math.log(4)) / 3)
    assert table["ticket", "a"][0] == pytest.approx(math.log(400))
    never = (
        rows
        + curve(90_000, recipe="b", arm="ticket", trial=0, level=1)
        + curve(400, recipe="b", arm="reinit", trial=0, level=1)
    )
    assert math.isnan(speeds(pd.DataFrame(never))["speed", "b"][0])


def test_a_part_keeps_the_lead_or_loses_it():
    found = parts_with(carried_moments=1.2, carried_steps=1.7, shuffled_moments=1.45)
    assert found["carried-moments"] == "lost" and found["carried-steps"] == "kept"
    midway = parts_with(carried_moments=1.3, carried_steps=1.6, shuffled_moments=1.0)
    assert midway == {"carried-moments": "lost", "carried-steps": "kept", "shuffled-moments": "lost"}


def test_few_or_scattered_trials_tell_nothing():
    times = {recipe("", ""): 1.7, recipe(WHOLE, ""): 1.2, recipe(PARTS[0], ""): 1.2}
    assert judge_part(PARTS[0], "", speeds(made(times, trials=3))).verdict == "cannot be told"
    assert judge_part(PARTS[0], "", speeds(made(times, trials=4))).verdict == "lost"
    assert judge_part(PARTS[0], "", speeds(made(times, noise=0.9))).verdict == "cannot be told"
    with pytest.raises(MissingRecords, match="small-weights\\+carried-steps"):
        judge_part("carried-steps", "", speeds(made(times)))


def test_each_account_is_supported_by_its_own_pattern_alone():
    for account, pattern in ACCOUNTS.items():
        words = judge(dict(zip(PARTS, pattern, strict=True)))
        assert words[account] == "supported" and list(words.values()).count("supported") == 1
    unknown = judge(dict(zip(PARTS, ("cannot be told", "kept", "lost"), strict=True)))
    assert list(unknown.values()) == ["contradicted", "cannot be told", "contradicted"]


def test_shifts_say_which_arm_moves():
    """The control with the whole optimizer is 1.7 / 1.2 times as early as without, the ticket as early."""
    found = shifts(WHOLE, "", speeds(made({recipe("", ""): 1.7, recipe(WHOLE, ""): 1.2})))
    assert found["reinit"].below(0) and found["reinit"].value == pytest.approx(math.log(1.2 / 1.7), abs=0.05)
    assert found["ticket"].value == pytest.approx(0, abs=0.05)


def test_steps_are_pooled_over_layers_by_survivors_and_told_in_learning_rates():
    spec = json.dumps({"recipe": {"optimizer": {"learning_rate": 0.01}}})
    remaining = json.dumps({"fc1.weight": 3, "fc1.bias": 7, "fc2.weight": 1})
    row = {"iteration": 10, "train_loss": 2.0, "val_loss": 2.1, "fc1.weight": 0.01, "fc2.weight": 0.05}
    run = {"recipe": "a", "arm": "ticket", "trial": 0, "level": 1, "spec": spec, "remaining": remaining}
    runs = pd.DataFrame([run | {"steps": json.dumps([row])}, run | {"level": 0, "steps": json.dumps([row])}])
    (found,) = stale_steps.steps(runs).to_dict("records")
    assert found["step"] == pytest.approx(math.sqrt((3 * 1 + 25) / 4)) and found["val_loss"] == 2.1
    for lacking in (runs.assign(steps=None), runs.drop(columns="steps")):
        with pytest.raises(MissingRecords, match="single steps"):
            stale_steps.steps(lacking)

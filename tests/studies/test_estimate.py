"""How long runs may take."""

import pytest

from lth.lottery import Chain
from lth.recipes import RECIPES
from lth.records import glance
from lth.studies import estimate, parameters
from lth.studies.catalogue import STUDIES


def test_published_runs_judge_what_they_took_themselves():
    study = STUDIES["ticket-frozen"]
    took = glance.runs("ticket-frozen")
    runs = [run for _, spec in took.values() if (run := study.run_of(spec))]
    assert estimate.seconds(runs, "ticket-frozen") == pytest.approx(sum(seconds for seconds, _ in took.values()))
    assert len(runs) == len(took)


def test_half_the_iterations_take_half_the_time():
    whole, half = (parameters.study("lenet", trials=1, iterations=count).runs() for count in (50_000, 25_000))
    assert estimate.seconds(half, "lenet") == pytest.approx(estimate.seconds(whole, "lenet") / 2)


def test_other_fully_connected_networks_are_judged_by_lenet_and_no_others():
    quick = parameters.study("quickstart").runs()
    assert 0 < estimate.seconds(quick, "one's own") == estimate.seconds(quick, "lenet")
    (deep, *_) = Chain(RECIPES["resnet18"], 0, 1, (("ticket", 1),)).runs()
    assert estimate.seconds([deep], "one's own") is None

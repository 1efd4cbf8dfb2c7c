"""The examples of CONTRIBUTING.md run as they stand, and what they add is used."""

import re

import pytest
import torch

import lth
from lth.claims import posthoc, rule
from lth.claims.paper import CLAIMS
from lth.claims.words import VERDICTS
from lth.criteria import CRITERIA
from lth.datasets import catalogue, loading
from lth.paths import ROOT
from lth.report.claims import figure

SHORT = lth.RECIPES["lenet"].but(
    batch_size=20, iterations=20, validation_size=20, eval_every=10, train_eval_every=20, train_eval_size=20
)


def example(heading: str) -> str:
    """The code below a heading of CONTRIBUTING.md."""
    section = (ROOT / "CONTRIBUTING.md").read_text().split(f"## How to add {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall("```python\n(.*?)```", section, re.S))


@pytest.fixture
def added():
    """A namespace in which examples run; what they register is forgotten afterwards."""
    registries = (CRITERIA, lth.ARMS, catalogue.DATA_SETS)
    before = [dict(registry) for registry in registries]
    yield {"lth": lth, "__name__": "example"}
    for registry, kept in zip(registries, before, strict=True):
        registry.clear()
        registry.update(kept)


def noise() -> lth.Data:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (80, 1, 28, 28), dtype=torch.uint8, generator=generator)
    labels = torch.arange(80) % 10
    return lth.Data(train=(images, labels), test=(images, labels), name="noise")


@pytest.mark.parametrize("heading", ["a criterion", "an arm", "a network", "a data set", "a claim", "a page"])
def test_an_example_has_fewer_than_ten_lines(heading):
    assert len([line for line in example(heading).splitlines() if line.strip()]) < 10


def test_a_criterion(added):
    exec(example("a criterion"), added)
    recipe = SHORT.but(pruning=lth.Pruning(criterion="same-sign"))
    runs = lth.find_tickets("fc-20", noise(), recipe, levels=1, progress=False).runs
    plain = lth.find_tickets("fc-20", noise(), SHORT, levels=1, progress=False).runs
    assert set(runs["mask_sha256"]) != set(plain["mask_sha256"])


def test_an_arm(added):
    exec(example("an arm"), added)
    runs = lth.find_tickets("fc-20", noise(), SHORT, levels=1, arms="ticket,signs", progress=False).runs
    masks = runs.set_index(["arm", "level"])["mask_sha256"]
    assert masks["signs", 1] == masks["ticket", 1]


def test_a_network(added):
    exec(example("a network"), added)
    runs = lth.find_tickets(added["Net"], noise(), SHORT, levels=1, progress=False).runs
    assert set(runs["prunable"]) == {'{"1.weight": 39200, "3.weight": 500}'}


def test_a_data_set(added):
    exec(example("a data set"), added)
    recipe = loading.shaped(SHORT.but(dataset="letters"))
    assert recipe.classes == 26
    with pytest.raises(lth.LthError, match="Letters is not in"):
        loading.load(recipe, torch.Generator())


def test_a_claim(added, monkeypatch):
    exec(example("a claim"), added)
    claim = added["claim"]
    monkeypatch.setitem(CLAIMS, claim.id, claim)
    runs = lth.records.load("lenet").runs
    rows = rule.table({"lenet": runs}).set_index("claim")
    assert rows.loc["L10", "verdict"] in VERDICTS and rows.loc["L10", "n"] == 20
    assert rows.loc["L10", "claimed"] == "no difference (±0.1 pp)"
    drawn = figure.forest(posthoc.table(rows.reset_index(), runs), runs)
    assert "L10 ticket, dense, 51.3%" in set(drawn["row"])


def test_a_page(added):
    parameters, setup = re.split(r"\n(?=import lth\.report)", example("a page"))
    added["In"] = ["", parameters, setup]
    exec(parameters, added)
    exec(setup, added)
    assert added["page"].default and added["page"].study.trials == 20
    with pytest.raises(lth.LthError, match="no longer show what my_page.ipynb says, 'a thousand trials'"):
        added["page"].expects("a thousand trials", added["page"].study.trials > 1000)

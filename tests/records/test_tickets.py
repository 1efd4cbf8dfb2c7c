"""Tickets to take away: what is published of a chain, and what others can do with it."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from test_cli import lth, refused  # noqa: F401
from torch import nn
from torch.nn import functional as F

import lth as library
from lth import pruning, records
from lth.datasets import loading
from lth.errors import LthError
from lth.paths import tickets_dir
from lth.records import store, tickets
from lth.running import complete
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study


@pytest.fixture(params=[0, 3], ids=["from the start", "rewound"])
def chain(request, tiny_study, scheduler, monkeypatch):
    """The kept runs of a chain of three levels; a rewound one keeps where it starts."""
    recipe = replace(tiny_study.recipes[0], rewind=request.param, iterations=60)
    study = replace(tiny_study, recipes=(recipe,))
    monkeypatch.setitem(STUDIES, "tiny", study)
    complete.train(study, scheduler=scheduler)
    (one,) = study.chains()
    return [store.read(one.run("ticket", level).key) for level in range(3)]


def test_a_ticket_is_what_the_chain_had(chain):
    file = tickets.write("tiny", 0, chain, keep=[2])
    assert file == tickets_dir() / "tiny" / "trial-0.parquet" and tickets.published("tiny") == [0]
    for level, run in enumerate(chain):
        ticket = library.ticket("tiny", trial=0, level=level)
        assert pruning.digest(ticket.masks) == run.summary["mask_sha256"] and ticket.density == run.summary["density"]
        start = pruning.apply(run.masks, chain[0].rewound)
        assert all(torch.equal(value, start[name]) for name, value in ticket.start.items())
        if level == 1:
            assert ticket.trained is None
            with pytest.raises(LthError, match="trained weights of level 1 are not published"):
                ticket.network(trained=True)
        else:
            assert all(torch.equal(value, run.weights[name]) for name, value in ticket.trained.items())
        net = ticket.network()
        assert all(torch.equal(value, start[name]) for name, value in net.state_dict().items())


def test_the_file_is_small(chain):
    size = tickets.write("tiny", 0, chain).stat().st_size
    numbers = sum(value.numel() for value in chain[0].weights.values())
    again = 4 * numbers * (chain[0].summary["spec"].find('"rewind": 0') < 0)  # the start, where no seed gives it
    assert size < 4 * numbers + again + 60_000


def test_an_exported_ticket_trains_in_plain_pytorch(chain, lth, tmp_path):  # noqa: F811
    tickets.write("tiny", 0, chain, keep=[2])
    folder = tmp_path / "taken"
    status, out, err = lth("export", "tiny", "--trial", "0", "--level", "2", "--to", str(folder))
    assert status == 0 and out == f"{folder}\n", err
    assert {file.name for file in folder.iterdir()} == {
        "start.pt", "mask.pt", "trained.pt", "ticket.safetensors", "README.md"
    }  # fmt: skip
    start, mask = torch.load(folder / "start.pt", weights_only=True), torch.load(folder / "mask.pt", weights_only=True)
    flat = load_file(folder / "ticket.safetensors")
    assert all(torch.equal(flat[f"start.{name}"], value) for name, value in start.items())

    net = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))
    net.load_state_dict(dict(zip(net.state_dict(), start.values(), strict=True)))
    masks = dict(zip((0, 2, 4), mask.values(), strict=True))
    recipe = STUDIES["tiny"].recipes[0]
    trial = loading.load(recipe, STUDIES["tiny"].runs()[0].split())
    x, labels = trial.images.floats(trial.train).flatten(1), trial.images.labels[trial.train]
    optimizer = torch.optim.Adam(net.parameters(), recipe.optimizer.learning_rate)
    torch.manual_seed(0)
    for _ in range(recipe.iterations):
        batch = torch.randint(len(x), (recipe.batch_size,))
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), labels[batch]).backward()
        optimizer.step()
        for place, kept in masks.items():
            net[place].weight.data *= kept
    test = trial.test.floats(slice(None)).flatten(1)
    accuracy = (net(test).argmax(1) == trial.test.labels).float().mean().item()
    assert abs(accuracy - chain[2].summary["final_test_acc"]) < 0.15  # 60 images, other batches
    assert chain[2].summary["mask_sha256"] in (folder / "README.md").read_text()
    refused(lth("export", "tiny", "--to", str(folder)), "is there already and not an empty folder")


def test_what_is_not_what_was_published_is_refused(chain, lth):  # noqa: F811
    refused(lth("export", "tiny"), "no ticket of 'tiny', trial 0, is published: .* trials none")
    file = tickets.write("tiny", 0, chain)
    tickets.write("tiny", 1, chain)  # the list holds both
    refused(lth("export", "tiny", "--level", "3"), "has the levels 0 to 2, not 3")
    refused(lth("export", "tiny", "--trial", "2"), "published are the trials 0, 1")
    refused(lth("export", "tiny", "--trial", "-1"), "trial must be a whole number of at least 0")
    whole = file.read_bytes()
    file.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    refused(lth("export", "tiny"), "trial-0.parquet is not what was published")
    lying = [replace(run, summary=run.summary | {"mask_sha256": "0" * 64}) for run in chain]
    tickets.write("tiny", 0, lying)
    with pytest.raises(LthError, match="the mask in .* is not the one that was published"):
        library.ticket("tiny", 0, 1)
    with pytest.raises(LthError, match="from level 0 on, without a gap"):
        tickets.write("tiny", 0, chain[1:])


def test_tickets_are_published_when_they_are_trained_again(chain, lth):  # noqa: F811
    of: Study = STUDIES["tiny"]
    records.publish("tiny", of.runs())
    status, out, err = lth("verify", "tiny", "--trial", "0", "--level", "2", "--keep")
    assert status == 0 and out.splitlines()[-1] == str(tickets_dir() / "tiny" / "trial-0.parquet"), err
    assert json.loads(library.ticket("tiny", 0, 2).summary["spec"])["level"] == 2
    refused(lth("verify", "tiny", "--keep"), "--keep publishes tickets that are trained again")

import json
from typing import ClassVar

import pytest
import torch
from own import SHORT, Net, clouds, initial_times_final, pictures
from torch import nn

import lth
from lth import pruning
from lth.errors import LthError
from lth.lottery import walk
from lth.studies.own import find_tickets

DATA = clouds()


def find(**changes):
    return find_tickets(**{"network": Net, "data": DATA, "recipe": SHORT, "levels": 2, "progress": False} | changes)


def test_tickets_of_ones_own_network_and_tensors():
    records = find(arms="ticket,reinit:2,random-mask", trials=2)
    runs = records.runs
    assert runs["arm"].value_counts().to_dict() == {"reinit": 12, "ticket": 6, "random-mask": 4}
    counts = runs[(runs["arm"] == "ticket") & (runs["trial"] == 0)]["remaining"].map(json.loads).tolist()
    assert counts[0] == {"hidden.weight": 600, "out.weight": 90}
    assert counts[1] == {"hidden.weight": 480, "out.weight": 81}  # 20 % of the layer, 10 % of the output
    assert set(runs["engine"]) == {"stacked"} and set(runs["data"]) == {"clouds"}
    assert records.curves.groupby(["arm", "trial", "draw", "level"])["iteration"].max().eq(40).all()
    tickets = runs[runs["arm"] == "ticket"].set_index(["trial", "level"])["mask_sha256"]
    fresh = runs[runs["arm"] == "reinit"]
    assert all(tickets[run["trial"], run["level"]] == run["mask_sha256"] for _, run in fresh.iterrows())
    assert runs["final_test_acc"].mean() > 0.65  # chance: a third


def test_the_same_question_twice_has_the_same_answer_and_leaves_pytorch_as_it_was():
    torch.set_flush_denormal(False)  # other tests of this process may have left it on
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(2)
    first, second = find(levels=1), find(levels=1)
    assert torch.get_num_threads() == 2 and torch.equal(torch.get_rng_state(), state)
    torch.set_num_threads(threads)
    assert first.curves.equals(second.curves) and first.runs["key"].equals(second.runs["key"])
    assert (torch.full((), 2.0**-140) * 1.0).item() > 0  # denormals are not flushed any more


@pytest.mark.parametrize(
    ("network", "layers"),
    [("fc-12-8", ["fc1.weight", "fc2.weight", "fc3.weight"]), ("lenet", ["fc1.weight", "fc2.weight", "fc3.weight"])],
)
def test_networks_by_name_take_shape_and_classes_from_bytes(network, layers):
    data = pictures()
    records = find(network=network, data=data, levels=1)
    sizes = json.loads(records.runs["prunable"].iloc[0])
    assert list(sizes) == layers and sizes["fc1.weight"] % (3 * 8 * 8) == 0
    assert sizes["fc3.weight"] in (8 * 2, 100 * 2)
    assert set(records.runs["engine"]) <= {"dense", "sparse"}
    assert json.loads(records.runs["spec"].iloc[0])["recipe"]["preprocessing"] == "l2"


def test_a_criterion_decides_what_is_pruned():
    recipe = SHORT.but(pruning=lth.Pruning(criterion=initial_times_final))
    seen = {}
    own, magnitude = find(recipe=recipe, levels=1), find(levels=1)
    assert set(own.runs["mask_sha256"]) != set(magnitude.runs["mask_sha256"])
    assert not set(own.runs["key"]) & set(magnitude.runs["key"])
    spec = json.loads(own.runs["spec"].iloc[0])["recipe"]
    assert spec["pruning"]["criterion"] == "own:initial_times_final"
    assert {name for name, _ in spec["sources"]} == {"criterion", "data", "network"} and not seen


def test_a_criterion_may_ask_for_gradients():
    def sensitivity(weights, masks, *, start, gradients):
        slopes = gradients(start)
        return {name: (slopes[name] * start[name]).abs() for name in masks}

    assert len(find(recipe=SHORT.but(pruning=lth.Pruning(criterion=sensitivity)), levels=1).runs) == 4


def test_other_data_or_another_text_of_a_network_is_another_key():
    keys = [
        find(levels=1, arms="ticket", network=network, data=data).runs["key"].iloc[0]
        for network in (Net, lambda: nn.Sequential(nn.Linear(20, 3)))
        for data in (DATA, lth.Data(train=DATA.train, test=(DATA.test[0] + 1, DATA.test[1]), name="clouds"))
    ]
    assert len(set(keys)) == 4


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(20, 20), nn.Linear(20, 20), nn.Linear(20, 3)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.c(self.b(self.a(x)))


class Named(Net):
    prunable: ClassVar = {"hidden.weight": "linear"}


class Misnamed(Net):
    prunable: ClassVar = {"hiden.weight": "linear"}


def broken():
    raise RuntimeError("no such file")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"network": Net()}, "class or function that makes an nn.Module, or a name, not Net"),
        ({"network": lambda: 3}, "must be an nn.Module, not int"),
        ({"network": broken}, "could not be made: RuntimeError: no such file"),
        ({"network": lambda: nn.Sequential(nn.ReLU())}, "no weights to prune.*nn.Linear or nn.Conv2d.*`prunable`"),
        ({"network": lambda: nn.Linear(21, 3)}, "does not take images of 20"),
        ({"network": lambda: nn.Linear(20, 4)}, "must give 3 logits for each image, but for 2 images it gives 2x4"),
        ({"network": Tied}, "weights a.weight and b.weight are one"),
        ({"network": Misnamed}, "no parameter 'hiden.weight'.*hidden.weight"),
        ({"network": "fc-0"}, "unknown model 'fc-0'.*fc-500-200"),
        ({"data": "mnits"}, "'mnits'.*mnist, fashion-mnist, cifar10"),
        ({"data": DATA.train}, "lth.Data or the name of a data set, not tuple"),
        ({"recipe": "lnet"}, "'lnet'.*lenet, conv2"),
        ({"recipe": 3}, "lth.Recipe or a name, not int"),
        ({"recipe": lth.RECIPES["lenet"]}, "validation size .* at most 240, not 5000"),
        ({"recipe": SHORT.but(batch_size=300)}, "leave a batch of 300 of the 300"),
        ({"recipe": SHORT.but(pruning=lth.Pruning(criterion="magnitud"))}, "'magnitud'.*magnitude"),
        ({"recipe": SHORT.but(augment=True)}, "only images can be flipped and cropped, not inputs of 20"),
        ({"arms": "tickets"}, "'tickets'.*ticket, reinit"),
        ({"levels": 0}, "levels must be .* at least 1, not 0"),
        ({"trials": 1.5}, "trials must be a whole number"),
        ({"engine": "dense"}, "'dense' trains fully connected nets"),
        ({"levels": 40}, "ask for at most"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(changes, says):
    with pytest.raises(LthError, match=says) as refused:
        find(**changes)
    assert "\n" not in str(refused.value)


def wrong_shape(weights, masks, *, start, gradients):
    return {name: weights[name][0] for name in masks}


def not_a_number(weights, masks, *, start, gradients):
    return {name: weights[name] * float("nan") for name in masks}


def meddling(weights, masks, *, start, gradients):
    return {name: weights[name].zero_() for name in masks}


def forgetful(weights, masks, *, start, gradients):
    return {}


@pytest.mark.parametrize(
    ("criterion", "says"),
    [
        (wrong_shape, r"wrong_shape must score hidden.weight with a tensor of shape \(30, 20\), not shape \(20,\)"),
        (not_a_number, "not_a_number gave NaN for weights in hidden.weight"),
        (meddling, "meddling changed the weights"),
        (forgetful, "forgetful must score hidden.weight .* not NoneType"),
    ],
)
def test_a_criterion_that_does_not_score_is_told(criterion, says):
    with pytest.raises(LthError, match=says):
        find(recipe=SHORT.but(pruning=lth.Pruning(criterion=criterion)), levels=1)


def test_weights_to_prune_can_be_named():
    records = find(network=Named, levels=1, arms="ticket")
    assert json.loads(records.runs["remaining"].iloc[1]) == {"hidden.weight": 480}


def test_an_arm_of_ones_own_is_one_row():
    def sign(beginning):
        """The ticket's signs, fresh sizes."""
        fresh = beginning.fresh()
        return {name: value.abs() * beginning.rewound[name].sign() for name, value in fresh.items()}

    arm = lth.arms.add(lth.Arm("signs", mask="ticket", start=sign, label="ticket's signs, fresh sizes", short="signs"))
    try:
        records = find(arms="ticket,signs", levels=1)
        runs = records.runs.set_index(["arm", "level"])
        assert runs.loc[("signs", 1), "mask_sha256"] == runs.loc[("ticket", 1), "mask_sha256"]
        assert json.loads(runs.loc[("signs", 0), "spec"])["arm_is"]["source"] == arm.source != ""
        chain = lth.lottery.Chain(SHORT, 0, 1, {"ticket": 1, "signs": 1})
        starts = {}
        for job, _ in walk(chain, lambda job: starts.setdefault(job.run, trained(job))):
            if job.run.arm == "signs":
                ticket = next(
                    start for run, start in starts.items() if (run.arm, run.level) == ("ticket", job.run.level)
                )
                for name in job.masks:
                    assert torch.equal(job.weights[name].sign(), ticket.rewound[name].sign() * job.masks[name])
        with pytest.raises(LthError, match="there is an arm 'ticket' already"):
            lth.arms.add(lth.Arm("ticket", mask="own", start="fresh", label="", short=""))
    finally:
        del lth.ARMS["signs"]


def trained(job):
    """As if training changed nothing."""
    return lth.training.Trained({}, pruning.apply(job.masks, job.weights), job.weights, 0.0)

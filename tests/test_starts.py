"""What lies between a ticket's start and fresh weights keeps exactly what its name says."""

import pytest
import torch
from tiny_study import TINY

from lth import pruning
from lth.arms import ARMS
from lth.lottery import TICKET, Chain, Left, next_level
from lth.models import initialise, skeleton
from lth.starts import STARTS

NET = skeleton(TINY)
WEIGHTS = ("fc1.weight", "fc2.weight", "fc3.weight")


@pytest.fixture(scope="module")
def jobs():
    """The jobs of level 2, by arm, after training that left random weights."""
    arms = {name: 1 for name, arm in ARMS.items() if arm.mask == "ticket"}
    chain = Chain(TINY, 0, 2, arms)
    dense = next_level(chain, TICKET, 0)[0]
    left = Left(initialise(NET, torch.Generator().manual_seed(5)), dense.weights, dense.masks)
    level_1 = next_level(chain, TICKET, 1, left, left)[0]
    ended = pruning.apply(level_1.masks, initialise(NET, torch.Generator().manual_seed(6)))
    before = Left(ended, {}, level_1.masks)
    found = {job.run.arm: job for job in next_level(chain, TICKET, 2, left, before)}
    return found | {"ended": ended, "dense": dense}


def inside(jobs, arm):
    """What an arm starts from where the ticket has weights, by layer."""
    return {name: jobs[arm].weights[name][jobs["ticket"].masks[name]] for name in WEIGHTS}


def test_all_have_the_tickets_mask_and_its_biases_and_draw_from_streams_of_their_own(jobs):
    of = {name: job for name, job in jobs.items() if name in ARMS}
    assert len(of) == 15
    for job in of.values():
        assert pruning.digest(job.masks) == pruning.digest(jobs["ticket"].masks)
        assert all((job.weights[name][~mask] == 0).all() for name, mask in job.masks.items())
    starts = [job.weights["fc1.weight"].numpy().tobytes() for name, job in of.items() if name != "retrained"]
    assert len(set(starts)) == len(starts)


def test_sizes_and_signs_are_those_that_the_name_says(jobs):
    ticket = inside(jobs, "ticket")
    for arm, signs, sizes in (("ticket-signs", True, False), ("ticket-sizes", False, True)):
        for name, value in inside(jobs, arm).items():
            fresh = initialise(NET, jobs[arm].run.stream("initialisation"))[name][jobs["ticket"].masks[name]]
            assert torch.equal(value.sign(), (ticket if signs else {name: fresh})[name].sign())
            assert torch.equal(value.abs(), (ticket if sizes else {name: fresh})[name].abs())
            assert not torch.equal(value, ticket[name]) and not torch.equal(value, fresh)


def test_final_signs_are_those_that_training_gave(jobs):
    for name, value in inside(jobs, "final-signs").items():
        ended = jobs["ended"][name][jobs["ticket"].masks[name]]
        assert torch.equal(value.sign(), ended.sign()) and not torch.equal(value.abs(), ended.abs())
        assert not torch.equal(value.sign(), inside(jobs, "ticket")[name].sign())


def test_a_reshuffle_moves_survivors_among_each_other_within_their_layer(jobs):
    ticket = inside(jobs, "ticket")
    for name, value in inside(jobs, "reshuffled").items():
        assert torch.equal(value.sort().values, ticket[name].sort().values) and not torch.equal(value, ticket[name])
    for name, value in inside(jobs, "reshuffled-signs").items():
        assert torch.equal(value.abs().sort().values, ticket[name].abs().sort().values)
        assert torch.equal(value.sign(), ticket[name].sign()) and not torch.equal(value, ticket[name])


def test_one_size_is_the_standard_deviation_of_the_layer_with_the_signs_of_the_name(jobs):
    ticket = inside(jobs, "ticket")
    for arm, keeps in (("constant-signs", True), ("constant", False)):
        for name, value in inside(jobs, arm).items():
            size = jobs["dense"].weights[name].std()
            assert torch.allclose(value.abs(), size.expand_as(value))
            assert torch.equal(value.sign(), ticket[name].sign()) == keeps


@pytest.mark.parametrize("dose", [0.5, 1, 2, 3])
def test_noise_has_the_dose_in_standard_deviations_of_initial_weights(jobs, dose):
    for name in ("fc1.weight", "fc2.weight"):
        added = inside(jobs, f"noise-{dose:g}")[name] - inside(jobs, "ticket")[name]
        sigma = (2 / sum(jobs["dense"].weights[name].shape)) ** 0.5
        assert float(added.std()) == pytest.approx(dose * sigma, rel=0.05)
        assert float(added.mean()) == pytest.approx(0, abs=5 * dose * sigma / len(added) ** 0.5)


def test_the_others_go_on_from_the_trained_weights_or_again_with_another_order(jobs):
    for name, value in inside(jobs, "finetuned").items():
        assert torch.equal(value, jobs["ended"][name][jobs["ticket"].masks[name]])
    for name, value in inside(jobs, "retrained").items():
        assert torch.equal(value, inside(jobs, "ticket")[name])
    orders = [jobs[arm].start().order.initial_seed() for arm in ("ticket", "retrained")]
    assert orders[0] != orders[1]


def test_every_arm_of_the_library_has_a_start_that_is_there():
    assert {arm.start for arm in ARMS.values()} == set(STARTS)

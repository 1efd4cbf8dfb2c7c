"""How to check your own replication: what every run of a lottery ticket experiment must have done, a test a mistake.

Each check takes the runs of a pipeline, as tests/made/pipeline.py watched them. This project's pipeline passes it; with
that mistake switched on (lth.studies.deviations, and MORE below), the same pipeline fails it.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from pipeline import EPOCH, SMALL, Hooked, deviating, pipeline, small_world, watch
from torch import nn
from torch.nn.utils import prune

from lth.pruning import density
from lth.studies.deviations import DEVIATIONS, PARTS

OWN_CHAIN = ("ticket", "chain-reinit", "other-ticket")  # the arms that are pruned by weights of their own
LENGTH = 24  # iterations of every run: they end within an epoch
ASKED = replace(SMALL, iterations=LENGTH)
PAIR = {"ticket": 1, "reinit": 1}
MORE: dict[str, Callable[[], dict]] = {  # mistakes that are no switch of a recipe: pipelines that make them
    # The "random" arm is a winning ticket of another draw.
    "ticket-control": lambda: pipeline(ASKED, {"ticket": 1, "other-ticket": 1}, (1, 2)),
    # Training goes on to the end of the epoch in which it should have ended.
    "over-length": lambda: pipeline(ASKED, PAIR, (1, 2), watch=functools.partial(watch, past=-LENGTH % EPOCH)),
    # Pruning scores an attribute that only a forward pass brings up to date, and there is none after the last step.
    "stale-scores": lambda: pipeline(ASKED, PAIR, (1, 2), watch=functools.partial(watch, engine=Hooked)),
}


@pytest.fixture(scope="module")
def runs_with(tmp_path_factory, tiny_files):
    """The runs of the pipeline with a mistake ("" for none): tickets and controls of levels 0 to 2, interrupted once.

    The names of all runs are the same, so each pipeline has a data folder of its own.
    """

    @functools.cache
    def watched(mistake: str) -> dict:
        with small_world(tmp_path_factory.mktemp("pipeline"), tiny_files):
            return MORE[mistake]() if mistake in MORE else deviating(*filter(None, [mistake]), iterations=LENGTH)

    return watched


def controls(runs):
    return {level: run for (arm, level), run in runs.items() if arm != "ticket"}


def tickets(runs):
    return {level: run for (arm, level), run in runs.items() if arm == "ticket"}


def check_fresh_optimizer(runs):
    for run in runs.values():
        assert run.began.steps == 0
        for values in (*run.began.first.values(), *run.began.second.values()):
            assert not values.any()


def check_initial_scale(runs):
    """The survivors of fresh weights, and all of the dense net's, have the standard deviation of Gaussian Glorot."""
    for (arm, level), run in runs.items():
        if level == 0 or "reinit" in arm:  # a ticket's survivors are chosen by their size
            for name, mask in run.job.masks.items():
                if mask.dim() > 1:
                    sigma, n = math.sqrt(2 / sum(mask.shape)), int(mask.sum())
                    assert run.trail[0][name][mask].std().item() == pytest.approx(sigma, rel=5 / math.sqrt(2 * n))


def check_only_weights_are_pruned(runs):
    """At every level the counts are those of weights alone, and no bias of a class is held at 0."""
    for (_, level), run in runs.items():
        left = {"fc1.weight": 784 * 30, "fc2.weight": 30 * 20, "fc3.weight": 20 * 10}
        for _ in range(level):
            left = {n: c - round({"fc3.weight": 0.2}.get(n, 0.4) * c) for n, c in left.items()}
        assert {name: int(mask.sum()) for name, mask in run.job.masks.items()} == left
        assert density(run.job.masks) == sum(left.values()) / 24_320
        assert run.trail[-1]["fc3.bias"].all()


def check_control(runs):
    for level, control in controls(runs).items():
        ticket = tickets(runs)[level]
        for name, mask in ticket.job.masks.items():
            assert torch.equal(mask, control.job.masks[name])
            if mask.dim() > 1:  # biases start at 0
                ours, theirs = ticket.trail[0][name][mask], control.trail[0][name][mask]
                assert torch.isclose(ours, theirs, rtol=1e-3).float().mean() < 0.1
        other = controls(runs)[level - 1 if level else 1]
        assert not torch.equal(control.trail[0]["fc3.weight"][-1], other.trail[0]["fc3.weight"][-1])


def check_control_is_no_ticket(runs):
    """No control goes back to where an earlier level of it started, as a ticket does."""
    for level, control in controls(runs).items():
        for before in range(level):
            for name, mask in control.job.masks.items():
                if mask.dim() > 1:  # biases start at 0
                    ours, earlier = control.trail[0][name][mask], controls(runs)[before].trail[0][name][mask]
                    assert torch.isclose(ours, earlier, rtol=1e-3).float().mean() < 0.1


def check_length(runs):
    """As many steps as were asked for, and the last measurement right after the last of them."""
    for run in runs.values():
        assert len(run.trail) - 1 == run.trained.curve["iteration"][-1] == run.job.run.recipe.iterations == LENGTH


def check_measured_often(runs):
    for run in runs.values():
        iterations = run.trained.curve["iteration"].tolist()
        gaps = [after - before for before, after in pairwise(iterations)]
        assert iterations[0] == 0 and max(gaps) < min(EPOCH, 101)


def check_inputs(runs):
    """What the network sees is what the recipe of LeNet says: each image divided by its L2 norm."""
    for run in runs.values():
        for images in (run.data.images, run.data.test):
            seen, raw = images.floats(slice(None)).flatten(1), images.pixels.flatten(1).double()
            expected = (raw / raw.norm(dim=1, keepdim=True)).float()
            torch.testing.assert_close(seen, expected, rtol=1e-6, atol=0)


def check_rewound(runs, k=0):
    """Bit by bit: the survivors are those of the dense run after its step k, the others are 0, nothing else changes."""
    at_k = runs["ticket", 0].trail[k]
    for run in tickets(runs).values():
        if run.place != ("ticket", 0):
            for name, value in run.trail[0].items():
                mask = run.job.masks.get(name, torch.ones(value.shape, dtype=torch.bool))
                assert torch.equal(value[mask], at_k[name][mask]) and not value[~mask].any()


def check_same_split(runs):
    validation = runs["ticket", 0].data.validation
    for run in runs.values():
        assert torch.equal(run.data.validation, validation)
        assert not set(run.data.train.tolist()) & set(validation.tolist())


def check_scores(runs):
    """What a level removes is no larger than what it leaves, in the weights after the very last step before it."""
    for (arm, level), run in runs.items():
        if arm in OWN_CHAIN and level:
            before = runs[arm, level - 1]
            for name, mask in run.job.masks.items():
                size, removed = before.trail[-1][name].abs(), before.job.masks[name] & ~mask
                assert not (mask & ~before.job.masks[name]).any()
                assert size[mask].min() >= size[removed].max()


def check_resumed(runs):
    """The process that made levels 0 and 1 is gone; the ticket of level 2 starts where that of level 1 did."""
    before, after = runs["ticket", 1], runs["ticket", 2]
    for name, value in after.trail[0].items():
        mask = after.job.masks.get(name, torch.ones(value.shape, dtype=torch.bool))
        assert torch.equal(value[mask], before.trail[0][name][mask])


CHECKS = {  # by the mistake that each of them is to find
    "carried-optimizer": check_fresh_optimizer,
    "small-weights": check_initial_scale,
    "pruned-biases": check_only_weights_are_pruned,
    "chain-control": check_control,
    "epoch-measurements": check_measured_often,
    "standard-inputs": check_inputs,
    "late-rewind": check_rewound,
    "unpaired-split": check_same_split,
    "lagging-scores": check_scores,
    "lost-weights": check_resumed,
    "ticket-control": check_control_is_no_ticket,
    "over-length": check_length,
    "stale-scores": check_scores,
}
ALSO_FOUND = {
    "lost-weights": {"late-rewind"},  # weights of a new draw are not those of iteration k either
    "ticket-control": {"chain-control"},  # a ticket of another draw has masks of its own
    "lagging-scores": {"stale-scores"},  # two ways to score what is one step old
    "stale-scores": {"lagging-scores"},
}


def passes(check, runs) -> bool:
    try:
        check(runs)
    except AssertionError:
        return False
    return True


def finds(mistake: str, runs_with) -> None:
    """This project's pipeline passes the check for this mistake; the one that makes it does not."""
    CHECKS[mistake](runs_with(""))
    with pytest.raises(AssertionError):
        CHECKS[mistake](runs_with(mistake))


def test_every_run_starts_with_a_fresh_optimizer(runs_with):
    """Adam's moments and its step count are 0 before the first step of every run, at every level."""
    finds("carried-optimizer", runs_with)


def test_initial_weights_have_the_scale_the_paper_states(runs_with):
    """The standard deviation of each layer's fresh weights is that of Gaussian Glorot, within five standard errors."""
    finds("small-weights", runs_with)


def test_biases_are_not_pruned_and_density_counts_weights_only(runs_with):
    """The counts of every level are those of weights alone, and no bias is held at 0."""
    finds("pruned-biases", runs_with)


def test_the_control_has_the_tickets_mask_and_fresh_weights(runs_with):
    """At every level ticket and control have the same mask, bit for bit, and unrelated weights."""
    finds("chain-control", runs_with)


def test_validation_loss_is_measured_more_often_than_once_an_epoch(runs_with):
    """From iteration 0 to the last, no two measurements are an epoch or more than 100 iterations apart."""
    finds("epoch-measurements", runs_with)


def test_inputs_are_preprocessed_as_the_recipe_says(runs_with):
    """The numbers that enter the network are those that the recipe's preprocessing gives."""
    finds("standard-inputs", runs_with)


def test_tickets_are_rewound_to_exactly_the_weights_of_iteration_k(runs_with):
    """Every ticket starts from the dense run's weights after step k, to the bit; for k = 0, from its first weights."""
    finds("late-rewind", runs_with)


def test_ticket_and_control_share_the_split(runs_with):
    """All runs of a trial stop early by the same validation images, of which none is trained on."""
    finds("unpaired-split", runs_with)


def test_scores_are_those_of_the_final_weights(runs_with):
    """What is removed has the smallest weights after the last step, not after the one before."""
    finds("lagging-scores", runs_with)


def test_resuming_restores_the_original_weights_to_the_bit(runs_with):
    """A ticket that is made after an interruption starts from the same weights as those made before it."""
    finds("lost-weights", runs_with)


def test_the_control_is_not_itself_a_ticket(runs_with):
    """A random arm that goes through the ticket's procedure is a ticket of another draw, and no control."""
    finds("ticket-control", runs_with)


def test_no_run_is_longer_than_was_asked_for(runs_with):
    """Training ends after the stated iteration, not at the end of the epoch in which it lies."""
    finds("over-length", runs_with)


def test_scores_do_not_wait_for_a_forward_pass(runs_with):
    """What is scored are the weights that the last step left, whether or not something was measured after it."""
    finds("stale-scores", runs_with)


def test_measuring_after_the_last_step_hides_that_scores_are_stale(tmp_path, tiny_files):
    """As the 2020 report's program measured once an epoch, its scores were those of the final weights after all."""

    class Measured(Hooked):
        def weights(self, replica):
            self.evaluate("validation")
            return super().weights(replica)

    with small_world(tmp_path / "data", tiny_files):
        check_scores(pipeline(ASKED, PAIR, watch=functools.partial(watch, engine=Measured)))


def test_torchs_pruning_scores_what_the_last_forward_pass_saw():
    """So that a step after it is missed unless something is measured before pruning: the mistake "stale-scores"."""
    for measured, kept in ((False, [False, True]), (True, [True, False])):
        layer = nn.Linear(2, 1, bias=False)
        prune.identity(layer, "weight")
        with torch.no_grad():
            layer.weight_orig.copy_(torch.tensor([[1.0, 2.0]]))
            layer(torch.ones(1, 2))
            layer.weight_orig.copy_(torch.tensor([[2.0, 1.0]]))  # a step of an optimizer
            if measured:
                layer(torch.ones(1, 2))
        prune.l1_unstructured(layer, "weight", amount=1)
        assert layer.weight_mask[0].bool().tolist() == kept


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_carried_optimizer_is_found_as_well(part, runs_with):
    """Moments without their step count, or the other way round, are no fresh optimizer."""
    with pytest.raises(AssertionError):
        check_fresh_optimizer(runs_with(part))


def test_the_rewound_weights_are_told_from_those_a_step_later(runs_with):
    """The check for k = 1 finds that k = 0 is not it, and the other way round."""
    check_rewound(runs_with("late-rewind"), k=1)
    assert not passes(functools.partial(check_rewound, k=1), runs_with(""))


@pytest.mark.parametrize("mistake", [*DEVIATIONS, *MORE])
def test_each_mistake_fails_its_own_check_and_passes_all_others(mistake, runs_with):
    """So a failed check names the mistake, and a switch changes what it names and nothing else."""
    failed = {name for name, check in CHECKS.items() if not passes(check, runs_with(mistake))}
    assert failed == {mistake} | ALSO_FOUND.get(mistake, set())


def test_all_mistakes_are_checked():
    assert CHECKS.keys() == DEVIATIONS.keys() | MORE.keys()

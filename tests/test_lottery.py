from dataclasses import replace
from functools import partial

import pytest
import torch
from tiny_study import TINY

from lth import lottery, pruning
from lth.arms import ARMS
from lth.datasets import loading
from lth.engines.stacked import Stacked
from lth.errors import LthError
from lth.lottery import TICKET, Chain, Left, left, next_level, walk
from lth.models import initialise, skeleton
from lth.recipes import Pruning
from lth.runs import stream
from lth.training import Trained, train

LEVELS = 3
EVERY_ARM = {arm: 2 for arm in ARMS} | {"ticket": 1}
NET = skeleton(TINY)


def numbers(job, purpose: int) -> torch.Generator:
    run = job.run
    return torch.Generator().manual_seed(1000 * purpose + 100 * list(ARMS).index(run.arm) + 10 * run.draw + run.level)


def pretend(job) -> Trained:
    """Training without training: random last weights and, for k > 0, random weights of iteration k."""
    last, early = (pruning.apply(job.masks, initialise(NET, numbers(job, purpose))) for purpose in (1, 2))
    return Trained({}, last, early if job.run.recipe.rewind else job.weights, 0.0)


def chain(rewind: int = 0, trial: int = 0, draws=EVERY_ARM, **changes) -> Chain:
    return Chain(replace(TINY, rewind=rewind, **changes), trial, LEVELS, draws)


def walked(of: Chain, train_one=pretend) -> dict:
    """{(arm, draw, level): (job, what training left)} of a whole chain."""
    return {(job.run.arm, job.run.draw, job.run.level): (job, trained) for job, trained in walk(of, train_one)}


def same_on(mask, a, b) -> bool:
    return torch.equal(a[mask], b[mask])


def starts_at(job, weights) -> bool:
    """Whether the job starts bit-identical to `weights` on its mask and at 0 elsewhere."""
    return all(
        same_on(job.masks[n], value, weights[n]) and (value[~job.masks[n]] == 0).all()
        if n in job.masks
        else torch.equal(value, weights[n])
        for n, value in job.weights.items()
    )


@pytest.fixture(scope="module")
def rewound_to_0():
    return walked(chain())


@pytest.fixture(scope="module")
def rewound_to_5():
    return walked(chain(rewind=5))


def test_every_run_is_trained_once_and_in_order():
    trained = [job.run for job, _ in walk(chain(), pretend)]
    assert len(trained) == len(set(trained)) and set(trained) == set(chain().runs())
    for head in chain().heads():
        levels = [run.level for run in trained if run in chain().following(head)]
        assert levels == sorted(levels)
    counts = {arm: sum(run.arm == arm for run in chain().runs()) for arm in ARMS}
    assert counts == {
        "ticket": 4, "reinit": 8, "random-mask": 6, "oneshot": 6, "oneshot-reinit": 6, "chain-reinit": 8,
        "other-ticket": 8,
    } | {arm.name: 8 for arm in ARMS.values() if arm.mask == "ticket" and arm.name != "ticket"}  # fmt: skip


def test_the_dense_net_starts_from_the_trials_own_initialisation(rewound_to_0):
    original = initialise(NET, stream(0, 0, "initialisation"))
    job, _ = rewound_to_0["ticket", 0, 0]
    assert all(torch.equal(job.weights[name], original[name]) for name in original)
    assert pruning.density(job.masks) == 1
    other = walked(chain(trial=1, draws={"ticket": 1}))["ticket", 0, 0][0]
    assert not torch.equal(other.weights["fc1.weight"], original["fc1.weight"])


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_ticket_starts_bit_identical_to_the_original_weights(rewound_to_0, level):
    original = rewound_to_0["ticket", 0, 0][0].weights
    job, _ = rewound_to_0["ticket", 0, level]
    assert starts_at(job, original) and pruning.density(job.masks) < 0.81**level


@pytest.mark.parametrize("level", [1, 2, 3])
def test_with_rewinding_it_starts_from_the_dense_runs_weights_after_step_k(rewound_to_5, level):
    dense_job, dense = rewound_to_5["ticket", 0, 0]
    job, _ = rewound_to_5["ticket", 0, level]
    assert starts_at(job, dense.rewound) and not starts_at(job, dense_job.weights)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_masks_come_from_the_weights_of_the_level_before(rewound_to_5, level):
    before, trained = rewound_to_5["ticket", 0, level - 1]
    job, _ = rewound_to_5["ticket", 0, level]
    for name, rate in (("fc1.weight", 0.2), ("fc2.weight", 0.2), ("fc3.weight", 0.1)):
        old, new, size = before.masks[name], job.masks[name], trained.weights[name].abs()
        assert int(old.sum()) - int(new.sum()) == round(rate * int(old.sum()))
        assert not (new & ~old).any()
        assert size[new].min() >= size[old & ~new].max()


@pytest.mark.parametrize("level", [0, 1, 3])
def test_reinit_has_the_tickets_masks_and_fresh_weights(rewound_to_5, level):
    ticket, _ = rewound_to_5["ticket", 0, level]
    drawn = [rewound_to_5["reinit", draw, level][0] for draw in (0, 1)]
    for job in drawn:
        assert pruning.digest(job.masks) == pruning.digest(ticket.masks)
        assert starts_at(job, initialise(NET, job.run.stream("initialisation")))
    everything = [ticket, *drawn, rewound_to_5["reinit", 0, 2][0]]
    assert len({job.weights["fc1.weight"].abs().sum().item() for job in everything}) == 4


@pytest.mark.parametrize("level", [1, 3])
def test_random_masks_keep_counts_and_the_original_weights(rewound_to_5, level):
    ticket, _ = rewound_to_5["ticket", 0, level]
    _, dense = rewound_to_5["ticket", 0, 0]
    drawn = [rewound_to_5["random-mask", draw, level][0] for draw in (0, 1)]
    for job in drawn:
        assert pruning.remaining(job.masks) == pruning.remaining(ticket.masks)
        assert starts_at(job, dense.rewound)
    assert len({pruning.digest(job.masks) for job in (ticket, *drawn)}) == 3


@pytest.mark.parametrize("level", [1, 3])
def test_oneshot_is_pruned_once_from_the_dense_net(rewound_to_5, level):
    _, dense = rewound_to_5["ticket", 0, 0]
    job, _ = rewound_to_5["oneshot", 0, level]
    ticket, _ = rewound_to_5["ticket", 0, level]
    assert pruning.remaining(job.masks) == pruning.remaining(ticket.masks)
    for name, mask in job.masks.items():
        assert dense.weights[name][mask].abs().min() >= dense.weights[name][~mask].abs().max()
    assert starts_at(job, dense.rewound)
    fresh, _ = rewound_to_5["oneshot-reinit", 1, level]
    assert pruning.digest(fresh.masks) == pruning.digest(job.masks)
    assert starts_at(fresh, initialise(NET, fresh.run.stream("initialisation")))
    assert (pruning.digest(job.masks) == pruning.digest(ticket.masks)) == (level == 1)


@pytest.mark.parametrize("draw", [0, 1])
def test_chain_reinit_prunes_its_own_weights_and_starts_afresh(rewound_to_5, draw):
    for level in range(LEVELS + 1):
        job, _ = rewound_to_5["chain-reinit", draw, level]
        assert starts_at(job, initialise(NET, job.run.stream("initialisation")))
        if level:
            before, trained = rewound_to_5["chain-reinit", draw, level - 1]
            expected = pruning.prune(
                trained.weights, before.masks, {"fc1.weight": "linear", "fc2.weight": "linear", "fc3.weight": "output"},
                Pruning(),
            )  # fmt: skip
            assert pruning.digest(job.masks) == pruning.digest(expected)
    digests = {
        pruning.digest(rewound_to_5[arm, d, 2][0].masks)
        for arm, d in (("ticket", 0), ("chain-reinit", 0), ("chain-reinit", 1))
    }
    assert len(digests) == 3


def test_a_ticket_of_another_draw_goes_back_to_it_at_every_level_whatever_the_rewind_iteration(rewound_to_5):
    jobs = [rewound_to_5["other-ticket", 0, level][0] for level in range(LEVELS + 1)]
    draw = initialise(NET, jobs[0].run.stream("initialisation"))
    assert all(starts_at(job, draw) for job in jobs)
    assert not starts_at(rewound_to_5["ticket", 0, 0][0], draw)
    assert not starts_at(rewound_to_5["other-ticket", 1, 1][0], draw)
    assert pruning.digest(jobs[2].masks) != pruning.digest(rewound_to_5["ticket", 0, 2][0].masks)


def test_each_job_has_its_own_data_order_and_a_fresh_optimizer(rewound_to_0):
    jobs = [job for job, _ in rewound_to_0.values()]
    starts = [job.start() for job in jobs]
    assert all(s.moments is None for s in starts)
    seeds = [s.order.initial_seed() for s in starts] + [s.augmentation.initial_seed() for s in starts]
    assert len(set(seeds)) == 2 * len(jobs)
    assert jobs[0].start().order.initial_seed() == seeds[0] and jobs[0].start().order is not starts[0].order


def test_controls_do_not_shift_the_ticket(rewound_to_0):
    """The same ticket is found whatever else is asked for."""
    alone = walked(chain(draws={"ticket": 1}))
    for place, (job, _) in alone.items():
        other = rewound_to_0[place][0]
        assert pruning.digest(job.masks) == pruning.digest(other.masks)
        assert torch.equal(job.weights["fc1.weight"], other.weights["fc1.weight"])


def test_too_deep_a_chain_is_refused_before_anything_is_trained():
    deep = Chain(TINY, 0, 60, {"ticket": 1})
    with pytest.raises(LthError, match="ask for at most"):
        next(walk(deep, pretend))


def trainer(trial):
    def train_one(job):
        return train(job.run.recipe, [trial], [job.start()], partial(Stacked, device="cpu"))[0]

    return train_one


@pytest.mark.parametrize("k", [3, 5])
def test_iteration_k_is_that_of_an_independent_run_of_k_steps(data_dir, k):
    """k = 3 lies between measurements. A run that ends after k steps has the same streams, hence the same weights."""
    trial = loading.load(TINY, stream(0, 0, "split"))
    only_tickets = chain(rewind=k, draws={"ticket": 1})
    (ticket,) = next_level(only_tickets, TICKET, 0)
    (short,) = next_level(chain(iterations=k, draws={"ticket": 1}), TICKET, 0)
    ended = trainer(trial)(short).weights
    before = left(ticket, trainer(trial)(ticket))
    (rewound,) = next_level(only_tickets, TICKET, 1, before, before)
    assert starts_at(rewound, ended)
    assert not starts_at(rewound, ticket.weights)


def test_two_walks_of_the_same_chain_agree_bit_for_bit(data_dir):
    trial = loading.load(TINY, stream(0, 0, "split"))
    draws = {"ticket": 1, "reinit": 1}
    one, two = (walked(replace(chain(draws=draws), levels=1), trainer(trial)) for _ in range(2))
    for place, (job, trained) in one.items():
        other_job, other = two[place]
        assert pruning.digest(job.masks) == pruning.digest(other_job.masks)
        assert all(torch.equal(trained.weights[n], other.weights[n]) for n in trained.weights)
        for name, column in trained.curve.items():
            assert column.tobytes() == other.curve[name].tobytes()


def test_global_random_state_is_untouched():
    before = torch.get_rng_state()
    walked(chain(draws=EVERY_ARM))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("head", [TICKET, ("chain-reinit", 0)])
def test_the_order_in_which_tensors_were_kept_does_not_matter(head):
    """Files keep them by name; a digest goes by depth, and published records hold digests."""
    biased = chain(pruning=replace(TINY.pruning, biases=True), draws={"ticket": 1, "oneshot": 1, "chain-reinit": 1})
    biased = replace(biased, draws=(("ticket", 1), ("oneshot", 1 if head == TICKET else 0), ("chain-reinit", 1)))
    dense = next_level(biased, head, 0)[0]
    before = left(dense, pretend(dense))
    backwards = Left(*(dict(reversed(part.items())) for part in (before.weights, before.rewound, before.masks)))
    for job, other in zip(
        next_level(biased, head, 1, before, before), next_level(biased, head, 1, backwards, backwards), strict=True
    ):
        assert pruning.digest(job.masks) == pruning.digest(other.masks) and list(job.weights) == list(other.weights)


def test_masks_may_come_from_the_tickets_of_another_recipe():
    """On other data, for example; the weights are the same draw, and go back to it."""
    source = replace(TINY, name="source", corruption="random-labels")
    taking = chain(draws={"ticket": 1, "reinit": 1}, masks_from=source)
    trained = list(walk(taking, pretend))
    by = {(job.run.recipe.name, job.run.arm, job.run.level): job for job, _ in trained}
    assert set(by) == {
        (*of, level) for level in range(4) for of in (("source", "ticket"), ("tiny", "ticket"), ("tiny", "reinit"))
    }
    alone = walked(Chain(source, 0, LEVELS, {"ticket": 1}))
    for level in range(LEVELS + 1):
        found, used = by["source", "ticket", level], by["tiny", "ticket", level]
        assert found.run == alone["ticket", 0, level][0].run
        assert pruning.digest(found.masks) == pruning.digest(alone["ticket", 0, level][0].masks)
        assert (
            pruning.digest(used.masks)
            == pruning.digest(found.masks)
            == pruning.digest(by["tiny", "reinit", level].masks)
        )
        assert starts_at(used, initialise(NET, stream(0, 0, "initialisation")))
        assert used.start().order.initial_seed() == found.start().order.initial_seed()  # paired


def test_recipes_that_differ_in_pruning_may_share_a_dense_network_and_controls_begin_at_level_1():
    other = replace(TINY, name="other", pruning=Pruning(criterion="movement"))
    sharing = replace(Chain(other, 0, LEVELS, {"ticket": 1, "reinit": 1}), dense=TINY, controls_from=1)
    assert {(run.arm, run.level) for run in sharing.runs()} == {(a, n) for a in ("ticket", "reinit") for n in (1, 2, 3)}
    heads = [sharing.head_run(TICKET, level).recipe.name for level in range(3)]
    assert heads == ["tiny", "other", "other"]
    alone = walked(Chain(other, 0, LEVELS, {"ticket": 1, "reinit": 1}))
    for job, _ in walk(sharing, pretend):
        same_place = alone[job.run.arm, job.run.draw, job.run.level][0]
        assert pruning.digest(job.masks) == pruning.digest(same_place.masks)
    controls = replace(chain(draws={"ticket": 1, "reinit": 1, "chain-reinit": 1}), controls_from=1)
    first = {
        arm: min(run.level for run in controls.runs() if run.arm == arm) for arm in ("ticket", "reinit", "chain-reinit")
    }
    assert first == {"ticket": 0, "reinit": 1, "chain-reinit": 0}


def test_frozen_weights_start_where_the_dense_network_did():
    frozen = walked(chain(draws={"ticket": 1, "reinit": 1}, pruning=Pruning(frozen=True)))
    for level in (1, 2):
        job, _ = frozen["ticket", 0, level]
        assert torch.equal(job.weights["fc1.weight"], frozen["ticket", 0, 0][0].weights["fc1.weight"])
        assert not job.masks["fc1.weight"].all()


def test_draws_of_a_chain_of_its_own_differ():
    first, second = (next_level(chain(), ("chain-reinit", draw), 0)[0] for draw in (0, 1))
    assert not torch.equal(first.weights["fc1.weight"], second.weights["fc1.weight"])
    assert isinstance(first, lottery.Job)

"""Do the engines agree on what the study measures? Many short runs each, paired with those of a plain PyTorch loop.

Two float32 programs that sum in another order cannot be asked for the same run. Sooner or later a pre-activation of
1e-8 falls on the other side of a ReLU's kink, Adam makes a step of full size out of a gradient that is nothing but
rounding, and the runs part, as far as two data orders would. So each step is compared elsewhere (test_dense,
test_sparse, test_convolutions, test_stacked), and here the means over runs are: early-stop iteration and accuracy.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from reference import CLASSES, SIZES, images
from torch.nn import functional as F

from lth import pruning
from lth.data import Images, TrialData
from lth.engines.convolutions import Convolutions
from lth.engines.dense import Dense
from lth.engines.sparse import Sparse
from lth.engines.stacked import Stacked
from lth.models import build_model, initialise, skeleton
from lth.recipes import RECIPES, Optimizer
from lth.training import Start, early_stop, train

RUNS, BOUND = 24, 3.0  # pairs, standard errors
MEASURED = ("early-stop iteration", "validation loss", "test accuracy")
RECIPE = replace(
    RECIPES["lenet"],
    model="fc-" + "-".join(map(str, SIZES[1:-1])),
    shape=(1, 1, SIZES[0]),
    classes=SIZES[-1],
    optimizer=Optimizer("adam", 2e-2),
    batch_size=12,
    iterations=200,
    eval_every=10,
    train_eval_every=200,
)


def numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noisy(source: Images) -> Images:
    """A third of the labels are random, so that training overfits early."""
    wrong = torch.rand(len(source), generator=numbers(2)) < 1 / 3
    random = torch.randint(CLASSES, (len(source),), generator=numbers(3))
    return replace(source, labels=torch.where(wrong, random, source.labels))


def trial(seed: int) -> TrialData:
    order = torch.randperm(360, generator=numbers(seed))
    return TrialData("small", noisy(images(360, 0)), images(300, 1), order[160:], order[:160], order[160:200])


def start(seed: int) -> Start:
    """A ticket with two fifths of its weights."""
    net = skeleton(RECIPE)
    masks = {n: torch.rand(m.shape, generator=numbers(seed)) < 0.4 for n, m in pruning.full_masks(net).items()}
    return Start(pruning.apply(masks, initialise(net, numbers(seed))), masks, numbers(seed), numbers(seed))


class Plain:
    """One run as most would write it (lth.training.Engine), and with the mistakes that some make."""

    def __init__(self, recipe, data, starts, mistake=""):
        self.recipe, (self.data,), (self.start,), self.mistake = recipe, data, starts, mistake
        self.net = build_model(recipe)
        self.net.load_state_dict(self.start.weights)
        self.optimizer = torch.optim.Adam(self.net.parameters(), recipe.optimizer.learning_rate)
        if mistake == "no bias correction":
            for p in self.net.parameters():
                state = {"exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
                self.optimizer.state[p] = {"step": torch.tensor(1e6)} | state

    def advance(self, indices, iteration):
        losses = []
        for rows in indices[0]:
            loss = F.cross_entropy(self.net(self.data.images.floats(rows)), self.data.images.labels[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            for name, mask in self.start.masks.items() if self.mistake != "masks dropped" else ():
                self.net.get_parameter(name).data *= mask
        return np.array([np.mean(losses)])

    @torch.no_grad()
    def evaluate(self, part):
        source = self.data.test if part == "test" else self.data.images
        rows = torch.arange(len(source)) if part == "test" else getattr(self.data, part)
        logits, labels = self.net(source.floats(rows)), source.labels[rows]
        return np.array([F.cross_entropy(logits, labels)]), np.array([(logits.argmax(1) == labels).double().mean()])

    def weights(self, replica):
        return {name: value.clone() for name, value in self.net.state_dict().items()}

    def moments(self, replica):
        return None


def measure(engine, together: int = 1) -> np.ndarray:
    """MEASURED for every run, shape (RUNS, 3); so many of them trained side by side."""
    rows = []
    for first in range(0, RUNS, together):
        seeds = range(first, first + together)
        for done in train(RECIPE, [trial(s) for s in seeds], [start(s) for s in seeds], engine):
            stop = early_stop(done.curve)
            rows.append([done.curve[name][stop] for name in ("iteration", "val_loss", "test_acc")])
    return np.array(rows)


def errors_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """For each of MEASURED, the mean paired difference in standard errors; 0 where no pair differs."""
    differences = one - other
    error = differences.std(0, ddof=1) / np.sqrt(len(differences))
    return np.abs(differences.mean(0)) / np.maximum(error, np.abs(one).mean(0) * 1e-5)


@pytest.fixture(scope="module")
def plain():
    return measure(Plain)


@pytest.mark.parametrize(
    ("engine", "together"),
    [(Dense, 1), (Sparse, 1), (Convolutions, 1), (Stacked, 1), (Stacked, RUNS)],
    ids=["dense", "sparse", "convolutions", "one", "stack"],
)
def test_engines_agree_with_plain_pytorch_over_many_runs(plain, engine, together):
    runs = measure(engine, together)
    assert plain[:, 0].std() > 0 and plain[:, 0].max() < RECIPE.iterations  # early stops happen, at various times
    assert (errors_apart(plain, runs) < BOUND).all()
    # The comparison is sharp: even a shift by half a standard deviation of a single run would be seen.
    assert ((plain - runs).std(0, ddof=1) / np.sqrt(RUNS) * BOUND < plain.std(0, ddof=1) / 2).all()


@pytest.mark.parametrize("mistake", ["no bias correction", "masks dropped"])
def test_a_broken_engine_is_told_apart(plain, mistake):
    runs = measure(lambda *args: Plain(*args, mistake))
    assert (errors_apart(plain, runs) > BOUND).any()

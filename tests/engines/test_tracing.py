"""What the engine for sparse convolutions reads in a network, and what it does not know."""

import pytest
import torch
from convolved import Residual, Stack
from torch import nn
from torch.nn import functional as F

from lth.engines._tracing import Layer, trace
from lth.errors import LthError
from lth.models import skeleton
from lth.recipes import RECIPES


def told(net, shape=(3, 9, 9)):
    """The steps in order: a layer by its weight and what follows it, anything else by what it does."""
    lines = []
    for step in trace(net, shape)[1]:
        if isinstance(step, Layer):
            parts = (step.norm, "sum" if step.other else "", "relu" if step.relu else "")
            lines.append(" ".join([step.weight.removesuffix(".weight"), *filter(None, parts)]))
        else:
            lines.append(step.what)
    return lines


def test_a_stack():
    assert told(Stack()) == ["0 relu", "2 3 relu", "pool", "6 7", "9", "11 12 relu", "14"]  # flattened already


def test_sums_wait_for_both_of_their_sides():
    assert told(Residual()) == [
        "conv norm relu", "a relu", "b sum relu", "c norm_c relu", "d norm_d", "s norm_s sum relu", "average", "fc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "layers", "sums", "others"),
    [
        ("conv2", 5, 0, ["pool", "flatten"]),
        ("resnet18", 22, 9, ["average"]),
        ("vgg19", 17, 0, 4 * ["pool"] + ["average"]),
    ],
)
def test_the_networks_of_table_1(name, layers, sums, others):
    _, steps, logits = trace(skeleton(RECIPES[name]), (3, 32, 32))
    read = [step for step in steps if isinstance(step, Layer)]
    assert (len(read), sum(bool(layer.other) for layer in read), logits.shape) == (layers, sums, (10, 1, 1))
    assert [step.what for step in steps if not isinstance(step, Layer)] == others


def net(forward, **layers):
    made = type("Net", (nn.Module,), {"forward": forward})()
    for name, layer in layers.items():
        made.add_module(name, layer)
    return made


def conv(inputs=3, outputs=4, stride=1, **options):
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, **options)


def averaged(self, x):
    return self.a(x).mean((2, 3))


FC = nn.Linear(4, 2)
UNKNOWN = {
    r"the layer a \(ConvTranspose2d": net(lambda s, x: s.b(s.a(x).mean((2, 3))), a=nn.ConvTranspose2d(3, 4, 3), b=FC),
    r"the layer a \(Conv2d.*padding_mode": net(averaged, a=conv(padding_mode="reflect")),
    r"the layer a \(Conv2d.*groups=2": net(averaged, a=nn.Conv2d(4, 4, 3, groups=2)),
    r"the layer d \(Dropout": net(lambda s, x: s.d(s.a(x)).mean((2, 3)), a=conv(), d=nn.Dropout()),
    r"the operation .*sigmoid": net(lambda s, x: torch.sigmoid(s.a(x)).mean((2, 3)), a=conv()),
    r"the operation mean\(\(1, 2\),\)": net(lambda s, x: s.a(x).mean((1, 2)), a=conv()),
    r"the operation flatten\(\)": net(lambda s, x: s.a(x).flatten(), a=conv()),
    r"the operation .*\(3, None, 0, 1, False, False\)": net(
        lambda s, x: F.max_pool2d(s.a(x), 3).mean((2, 3)), a=conv()
    ),
    r"the layer a used twice": net(lambda s, x: s.a(F.relu(s.a(x))).mean((2, 3)), a=conv(4)),
    r"the layer n \(BatchNorm2d.*at its place": net(
        lambda s, x: s.n(F.relu(s.a(x))).mean((2, 3)), a=conv(), n=nn.BatchNorm2d(4)
    ),
    r"the layer n \(BatchNorm2d.*affine=False": net(
        lambda s, x: s.n(s.a(x)).mean((2, 3)), a=conv(), n=nn.BatchNorm2d(4, affine=False)
    ),
    r"a ReLU that does not follow": net(lambda s, x: s.a(F.relu(x)).mean((2, 3)), a=conv()),
    r"a sum that does not follow": net(lambda s, x: s.a(x + x).mean((2, 3)), a=conv()),
    r"a sum of shapes": net(lambda s, x: (s.a(x) + s.b(x)).mean((2, 3)), a=conv(), b=nn.Conv2d(3, 4, 1, padding=1)),
    r"convolutions of different strides": net(
        lambda s, x: s.c(s.b(x).mean((2, 3))) + s.a(x).mean((2, 3)), a=conv(), b=conv(stride=2), c=nn.Linear(4, 4)
    ),
    r"networks that put out \(4, 9, 9\)": net(lambda s, x: s.a(x), a=conv()),
    r"the parameter b.weight at its place": net(averaged, a=conv(), b=FC),
    r"networks of several outputs": net(lambda s, x: (s.a(x), x), a=conv()),
    r"what the network does": net(lambda s, x: s.a(x) if x.sum() > 0 else x, a=conv()),
    r"the layer b \(Linear.*on a feature map": net(lambda s, x: s.b(s.a(x)), a=conv(), b=nn.Linear(9, 2)),
}


@pytest.mark.parametrize(("message", "made"), UNKNOWN.items(), ids=UNKNOWN)
def test_what_is_not_known(message, made):
    with pytest.raises(LthError, match=f"does not know {message}.*: choose auto or stacked"):
        trace(made, (4, 9, 9) if "groups=2" in message or "twice" in message else (3, 9, 9))


def test_what_is_known():
    known = net(
        lambda s, x: s.b(torch.flatten(s.a(F.max_pool2d(F.relu(s.c(x)), 2)), 1)),
        c=conv(),
        a=nn.AdaptiveAvgPool2d(1),
        b=FC,
    )
    assert told(known) == ["c relu", "pool", "average", "b"]
    known = net(lambda s, x: s.b(s.a(x).mean(dim=[-2, -1])), a=conv(), b=FC)
    assert told(known) == ["a", "average", "b"]

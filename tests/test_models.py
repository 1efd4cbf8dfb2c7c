import math
from dataclasses import replace

import pytest
import torch

import lth
from lth.errors import LthError
from lth.models import build_model, initialise, prunable, skeleton
from lth.recipes import RECIPES

# Prunable weights by hand from Table 1: 3×3 convolutions, fully connected layers; of ResNet-18 without its shortcuts.
COUNTS = {
    "lenet": 784 * 300 + 300 * 100 + 100 * 10,
    "conv2": 9 * (3 * 64 + 64 * 64) + 64 * 16 * 16 * 256 + 256 * 256 + 2560,
    "conv4": 9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128) + 128 * 8 * 8 * 256 + 256 * 256 + 2560,
    "conv6": 2_261_184,
    "resnet18": 9 * (3 * 16 + 6 * 16**2 + 16 * 32 + 5 * 32**2 + 32 * 64 + 5 * 64**2) + 640,
    "vgg19": 9 * (3 * 64 + 64**2 + 64 * 128 + 128**2 + 128 * 256 + 3 * 256**2 + 256 * 512 + 7 * 512**2) + 5120,
}


def sizes(name: str) -> dict[str, int]:
    return {key: p.numel() for key, p in skeleton(RECIPES[name]).named_parameters()}


@pytest.mark.parametrize("name", RECIPES)
def test_prunable_weights(name):
    count = sizes(name)
    assert sum(count[key] for key in prunable(skeleton(RECIPES[name]))) == COUNTS[name]


def test_published_sizes():
    assert COUNTS["lenet"] == 266_200 and COUNTS["conv2"] == 4_300_992 and COUNTS["conv4"] == 2_425_024
    assert COUNTS["vgg19"] == 20_024_000
    shortcuts = sum(n for key, n in sizes("resnet18").items() if "shortcut.0" in key)
    assert shortcuts == 16 * 32 + 32 * 64
    assert COUNTS["resnet18"] + shortcuts == 270_896  # [FC] section 4: 271K


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_never_pruned(name):
    net = skeleton(RECIPES[name])
    kinds = prunable(net)
    parameters = dict(net.named_parameters())
    for key in parameters.keys() - kinds.keys():
        assert "shortcut" in key or parameters[key].dim() == 1  # biases and BatchNorm
    assert not any("shortcut" in key or "norm" in key or key.endswith("bias") for key in kinds)
    for key, kind in kinds.items():
        assert (kind == "convolution") == (parameters[key].dim() == 4)
    last = list(kinds)[-1]
    assert [key for key, kind in kinds.items() if kind == "output"] == [last] and parameters[last].shape[0] == 10


def test_biases_may_be_prunable_beside_their_weights():
    kinds = prunable(skeleton(RECIPES["conv2"]), biases=True)
    assert list(kinds.items())[:2] == [("features.0.weight", "convolution"), ("features.0.bias", "convolution")]
    assert list(kinds.items())[-2:] == [("head.fc3.weight", "output"), ("head.fc3.bias", "output")]
    assert len(kinds) == 10
    deep = skeleton(RECIPES["resnet18"])  # its convolutions have no biases; BatchNorm's are none of a layer's
    assert prunable(deep, biases=True).keys() - prunable(deep).keys() == {"fc.bias"}


def test_depths():
    depth = {name: list(prunable(skeleton(recipe)).values()) for name, recipe in RECIPES.items()}
    assert depth["lenet"] == ["linear", "linear", "output"]
    for name, convolutions in (("conv2", 2), ("conv4", 4), ("conv6", 6)):
        assert depth[name] == ["convolution"] * convolutions + ["linear", "linear", "output"]
    assert depth["resnet18"] == ["convolution"] * 19 + ["output"]
    assert depth["vgg19"] == ["convolution"] * 16 + ["output"]


@pytest.mark.parametrize("name", RECIPES)
def test_forward_gives_ten_logits(name):
    shape = (2, 1, 28, 28) if name == "lenet" else (2, 3, 32, 32)
    net = skeleton(RECIPES[name])  # shapes alone, on the meta device
    assert net(torch.empty(shape, device="meta")).shape == (2, 10)


@pytest.mark.parametrize("name", ["lenet", "conv6", "resnet18"])
def test_gaussian_glorot_and_zero_biases(name):
    weights = initialise(skeleton(RECIPES[name]), torch.Generator().manual_seed(3))
    for key, value in weights.items():
        if value.dim() == 1:
            ones = key.endswith("running_var") or (key.endswith("weight"))
            assert torch.equal(value, torch.full_like(value, float(ones)))
        elif value.dim() > 1:
            fan_out, fan_in, *kernel = value.shape
            sigma = math.sqrt(2 / ((fan_in + fan_out) * math.prod(kernel)))
            n = value.numel()
            assert value.std().item() == pytest.approx(sigma, rel=5 / math.sqrt(2 * n))  # five standard errors
            assert abs(value.mean().item()) < 5 * sigma / math.sqrt(n)
            if n > 10_000:  # 4.55 % of a Gaussian, none of a uniform distribution
                assert (value.abs() > 2 * sigma).double().mean().item() == pytest.approx(0.0455, rel=0.15)


def test_lenet_standard_deviations():
    weights = initialise(skeleton(RECIPES["lenet"]), torch.Generator().manual_seed(0))
    stds = [weights[f"fc{i}.weight"].std().item() for i in (1, 2, 3)]
    assert stds == pytest.approx([0.043, 0.071, 0.135], rel=0.05)


def test_build_model_is_public_and_seeded():
    lenet = RECIPES["lenet"]
    net, again = lth.build_model(lenet), build_model(lenet, torch.Generator().manual_seed(0))
    other = build_model(lenet, torch.Generator().manual_seed(1))
    assert torch.equal(net.fc1.weight, again.fc1.weight) and not torch.equal(net.fc1.weight, other.fc1.weight)
    assert net.fc1.weight.requires_grad and net.fc1.weight.device.type == "cpu"
    assert net(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_lenet_computes_relu_layers():
    net = build_model(RECIPES["lenet"])
    x = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    hidden = x.reshape(4, 784)
    for layer in (net.fc1, net.fc2):
        hidden = (hidden @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(net(x), hidden @ net.fc3.weight.T + net.fc3.bias)


def test_global_random_state_is_untouched():
    before = torch.get_rng_state()
    build_model(RECIPES["resnet18"])
    assert torch.equal(torch.get_rng_state(), before)


def test_unknown_model_is_refused():
    with pytest.raises(LthError, match="'lenet5'.*lenet, conv2"):
        skeleton(replace(RECIPES["lenet"], model="lenet5"))

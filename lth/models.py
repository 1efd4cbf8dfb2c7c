"""The networks of Table 1 and those of one's own, and which of their weights may be pruned.

Source: Frankle & Carbin (arXiv 1803.03635), Figure 2 and appendices G to I: Gaussian Glorot weights, zero biases.
"""

import math
import re
from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn import functional as F

from lth.errors import LthError
from lth.recipes import Recipe

Weights = dict[str, torch.Tensor]  # every parameter and buffer of a network by its name
Masks = dict[str, torch.Tensor]  # bool, True where the weight of that name survives


class FullyConnected(nn.Module):
    """Linear layers fc1, fc2, … with ReLU between them; sizes run from the inputs to the classes."""

    def __init__(self, *sizes: int):
        super().__init__()
        self.depth = len(sizes) - 1
        for i in range(self.depth):
            self.add_module(f"fc{i + 1}", nn.Linear(sizes[i], sizes[i + 1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, channels, height, width) → logits (n, classes)."""
        x = x.flatten(1)
        for i in range(1, self.depth):
            x = F.relu(getattr(self, f"fc{i}")(x))
        return getattr(self, f"fc{self.depth}")(x)


class Conv(nn.Module):
    """Conv-2/4/6: pairs of 3×3 convolutions, each pair followed by 2×2 max-pooling, then fc 256, 256, classes."""

    def __init__(self, *widths: int, shape: tuple[int, ...] = (3, 32, 32), classes: int = 10):
        super().__init__()
        channels, height, across = shape
        layers: list[nn.Module] = []
        for width in widths:
            for inputs in (channels, width):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            channels = width
        self.features = nn.Sequential(*layers)
        left = (height // 2 ** len(widths)) * (across // 2 ** len(widths))
        self.head = FullyConnected(channels * left, 256, 256, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, channels, height, width) → logits (n, classes)."""
        return self.head(self.features(x))


class VGG19(nn.Module):
    """VGG-19 for CIFAR-10: 2×64, 2×128, 4×256, 4×512, 4×512 with pooling between, BatchNorm, average pooling."""

    def __init__(self, shape: tuple[int, ...] = (3, 32, 32), classes: int = 10):
        super().__init__()
        channels = shape[0]
        layers: list[nn.Module] = []
        for depth, width in ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)):
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, channels, height, width) → logits (n, classes)."""
        return self.fc(self.features(x).mean((2, 3)))


class Block(nn.Module):
    """A residual block: two 3×3 convolutions; a 1×1 convolution on the shortcut where the shape changes."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        stride = width // inputs
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride > 1:
            convolution = nn.Conv2d(inputs, width, 1, stride, bias=False)
            convolution.never_pruned = True  # type: ignore[assignment]  # ([FC] section 4)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, inputs, height, width) → (n, width, height / stride, width / stride)."""
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


class ResNet18(nn.Module):
    """What [FC] call ResNet-18, elsewhere ResNet-20: 16, 3×[16, 16], 3×[32, 32], 3×[64, 64], average pooling."""

    def __init__(self, shape: tuple[int, ...] = (3, 32, 32), classes: int = 10):
        super().__init__()
        self.conv = nn.Conv2d(shape[0], 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        widths = (16, 16, 16, 32, 32, 32, 64, 64, 64)
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip((16, *widths), widths, strict=False)))
        self.fc = nn.Linear(64, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, channels, height, width) → logits (n, classes)."""
        return self.fc(self.blocks(F.relu(self.norm(self.conv(x)))).mean((2, 3)))


# By name: what makes the network for images of a shape (channels, height, width) and a number of classes.
MODELS: dict[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "lenet": lambda shape, classes: FullyConnected(math.prod(shape), 300, 100, classes),
    "conv2": lambda shape, classes: Conv(64, shape=shape, classes=classes),
    "conv4": lambda shape, classes: Conv(64, 128, shape=shape, classes=classes),
    "conv6": lambda shape, classes: Conv(64, 128, 256, shape=shape, classes=classes),
    "resnet18": ResNet18,
    "vgg19": VGG19,
}
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
FULLY_CONNECTED = re.compile(r"fc(-[1-9][0-9]{0,4})+")  # any widths, such as fc-500-200


def skeleton(recipe: Recipe) -> nn.Module:
    """The recipe's network: the library's without storage for weights (on the meta device), one's own as it is made.

    LthError where its name is unknown, and where what makes it fails or makes no nn.Module.
    """
    if callable(recipe.model):
        return _own(recipe.model)
    with torch.device("meta"):
        if FULLY_CONNECTED.fullmatch(recipe.model):
            widths = map(int, recipe.model.split("-")[1:])
            return FullyConnected(math.prod(recipe.shape), *widths, recipe.classes)
        if recipe.model not in MODELS:
            raise LthError(
                f"unknown model {recipe.model!r}: choose one of {', '.join(MODELS)}, fully connected layers of any "
                f"widths such as fc-500-200, or give what makes an nn.Module"
            )
        return MODELS[recipe.model](recipe.shape, recipe.classes)


def _own(make: Callable[[], nn.Module]) -> nn.Module:
    """What one's own class or function makes."""
    try:
        with torch.random.fork_rng(devices=[]):  # what it draws is the same every time, and shifts no other stream
            torch.manual_seed(0)
            net = make()
    except Exception as error:  # whatever another's code raises
        raise LthError(f"the network could not be made: {type(error).__name__}: {error}") from error
    if not isinstance(net, nn.Module):
        raise LthError(
            f"a network must be an nn.Module, not {type(net).__name__}: give a class or function that makes one"
        )
    if lazy := [name for name, parameter in net.named_parameters() if nn.parameter.is_lazy(parameter)]:
        raise LthError(f"the network's {lazy[0]} has no size yet: give the sizes instead of using lazy layers")
    return net


def build_model(recipe: Recipe, generator: torch.Generator | None = None) -> nn.Module:
    """The recipe's network with Gaussian Glorot weights drawn from `generator` (seed 0 where none is given)."""
    model = skeleton(recipe)
    weights = initialise(model, generator or torch.Generator().manual_seed(0), recipe.initial_std)
    if any(parameter.is_meta for parameter in model.parameters()):
        model = model.to_empty(device="cpu")
    model.load_state_dict(weights)
    return model


def initialise(model: nn.Module, generator: torch.Generator, std: float | None = None) -> Weights:
    """Fresh parameters and buffers for `model`: weights from N(0, 2 / (fan in + fan out)), zero biases ([FC] app. G).

    Where `std` is given, every weight has that standard deviation instead. BatchNorm starts at scale 1, mean 0 and
    variance 1. In a network of one's own everything but weights (parameters of two or more dimensions) and biases keeps
    the value that its constructor gave it: buffers, scales, slopes. One that starts otherwise has a method
    `initialise(generator)` that returns a tensor for every name of its state_dict.
    """
    parameters, state = dict(model.named_parameters()), model.state_dict()
    own = getattr(model, "initialise", None)
    if callable(own):
        given = own(generator)
        if not isinstance(given, dict) or {n: v.shape for n, v in given.items()} != {
            n: v.shape for n, v in state.items()
        }:
            raise LthError(f"the network's `initialise` must return a tensor for each of {', '.join(state)}")
        return given
    weights = {}
    for name, value in state.items():
        fresh = torch.zeros(value.shape, dtype=value.dtype)
        if name in parameters and value.dim() > 1 and std is not None:
            nn.init.normal_(fresh, 0, std, generator=generator)
        elif name in parameters and value.dim() > 1:
            nn.init.xavier_normal_(fresh, generator=generator)
        elif value.is_meta and name.endswith(("weight", "running_var")):
            fresh.fill_(1)
        elif not value.is_meta and not (name in parameters and name.endswith("bias")):
            fresh = value.detach().clone()
        weights[name] = fresh
    return weights


def misfit(given: object, like: Weights) -> tuple[str, tuple[int, ...], str] | None:
    """The first name of `like` for which `given` has no tensor of its shape: name, shape, and what is there instead."""
    for name, value in like.items():
        tensor = given.get(name) if isinstance(given, dict) else None
        if not isinstance(tensor, torch.Tensor):
            return name, tuple(value.shape), type(tensor).__name__
        if tensor.shape != value.shape:
            return name, tuple(value.shape), f"shape {tuple(tensor.shape)}"
    return None


def prunable(model: nn.Module, biases: bool = False) -> dict[str, str]:
    """The kind (convolution, linear or output) of every weight that may be pruned, in order of depth.

    These are the weights of convolutions and linear layers, the last of which is the output. Biases, BatchNorm and
    layers marked `never_pruned` (residual shortcuts, [FC] section 4) are not among them, unless `biases` asks for the
    first. A network of one's own can name its weights instead: an attribute `prunable`, such as {"fc1.weight":
    "linear"}. The weights of other modules (embeddings, recurrent layers, and the projections of nn.MultiheadAttention
    into queries, keys and values) are pruned only where they are named so.

    LthError where there is nothing to prune, or where a name or kind is not known.
    """
    named = getattr(model, "prunable", None)
    if named is not None and not isinstance(named, Mapping):
        raise LthError(f"`prunable` must map weights to kinds, such as {{'fc1.weight': 'linear'}}, not {named!r}")
    kinds = _by_type(model) if named is None else dict(named)
    parameters = dict(model.named_parameters())
    for name, kind in kinds.items():
        if name not in parameters:
            raise LthError(f"the network has no parameter {name!r} to prune: choose among {', '.join(parameters)}")
        if kind not in ("convolution", "linear", "output"):
            raise LthError(f"unknown kind {kind!r} of the weights {name}: choose convolution, linear or output")
    if not kinds:
        raise LthError(
            "the network has no weights to prune: it needs an nn.Linear or nn.Conv2d, or an attribute `prunable` "
            "that names its weights, as those of embeddings, attention and recurrent layers"
        )
    if biases:
        pairs = [(weight, f"{weight.removesuffix('weight')}bias", kind) for weight, kind in kinds.items()]
        kinds = {name: kind for weight, bias, kind in pairs for name in (weight, bias) if name in parameters}
    return kinds


def _by_type(model: nn.Module) -> dict[str, str]:
    """The weights of linear layers and convolutions; the linear layer that is registered last is the output."""
    layers = {name: m for name, m in model.named_modules() if not getattr(m, "never_pruned", False)}
    linear = [name for name, module in layers.items() if isinstance(module, nn.Linear)]
    kinds = {
        name: "convolution" if isinstance(m, CONVOLUTIONS) else "linear"
        for name, m in layers.items()
        if isinstance(m, (*CONVOLUTIONS, nn.Linear))
    }
    if linear:
        kinds[linear[-1]] = "output"
    return {f"{name}.weight" if name else "weight": kind for name, kind in kinds.items()}

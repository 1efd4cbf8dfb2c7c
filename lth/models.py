"""The networks of Table 1, and which of their weights may be pruned.

Source: Frankle & Carbin (arXiv 1803.03635), Figure 2 and appendices G to I: Gaussian Glorot weights, zero biases.
"""

import torch
from torch import nn
from torch.nn import functional as F

from lth.errors import check_choice
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
    """Conv-2/4/6: pairs of 3×3 convolutions, each pair followed by 2×2 max-pooling, then fc 256, 256, 10."""

    def __init__(self, *widths: int):
        super().__init__()
        channels, layers = 3, []
        for width in widths:
            for inputs in (channels, width):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            channels = width
        self.features = nn.Sequential(*layers)
        side = 32 // 2 ** len(widths)
        self.head = FullyConnected(channels * side * side, 256, 256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, 32, 32) → logits (n, 10)."""
        return self.head(self.features(x))


class VGG19(nn.Module):
    """VGG-19 for CIFAR-10: 2×64, 2×128, 4×256, 4×512, 4×512 with pooling between, BatchNorm, average pooling."""

    def __init__(self):
        super().__init__()
        channels, layers = 3, []
        for depth, width in ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)):
            if channels > 3:
                layers.append(nn.MaxPool2d(2))
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, 32, 32) → logits (n, 10)."""
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
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


class ResNet18(nn.Module):
    """What [FC] call ResNet-18, elsewhere ResNet-20: 16, 3×[16, 16], 3×[32, 32], 3×[64, 64], average pooling."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        widths = (16, 16, 16, 32, 32, 32, 64, 64, 64)
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip((16, *widths), widths, strict=False)))
        self.fc = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, 32, 32) → logits (n, 10)."""
        return self.fc(self.blocks(F.relu(self.norm(self.conv(x)))).mean((2, 3)))


MODELS = {
    "lenet": lambda: FullyConnected(784, 300, 100, 10),
    "conv2": lambda: Conv(64),
    "conv4": lambda: Conv(64, 128),
    "conv6": lambda: Conv(64, 128, 256),
    "resnet18": ResNet18,
    "vgg19": VGG19,
}


def skeleton(recipe: Recipe) -> nn.Module:
    """The recipe's network without storage for its weights (on the meta device)."""
    check_choice("model", recipe.model, MODELS)
    with torch.device("meta"):
        return MODELS[recipe.model]()


def build_model(recipe: Recipe, generator: torch.Generator | None = None) -> nn.Module:
    """The recipe's network with Gaussian Glorot weights drawn from `generator` (seed 0 where none is given)."""
    model = skeleton(recipe).to_empty(device="cpu")
    model.load_state_dict(initialise(model, generator or torch.Generator().manual_seed(0), recipe.initial_std))
    return model


def initialise(model: nn.Module, generator: torch.Generator, std: float | None = None) -> Weights:
    """Fresh parameters and buffers for `model`: weights from N(0, 2 / (fan in + fan out)), zero biases ([FC] app. G).

    Where `std` is given, every weight has that standard deviation instead. BatchNorm starts at scale 1, mean 0 and
    variance 1.
    """
    weights = {}
    for name, value in model.state_dict().items():
        fresh = torch.zeros(value.shape, dtype=value.dtype)
        if value.dim() > 1 and std is None:
            nn.init.xavier_normal_(fresh, generator=generator)
        elif value.dim() > 1:
            nn.init.normal_(fresh, 0, std, generator=generator)
        elif name.endswith(("weight", "running_var")):
            fresh.fill_(1)
        weights[name] = fresh
    return weights


def prunable(model: nn.Module, biases: bool = False) -> dict[str, str]:
    """The kind (convolution, linear or output) of every weight that may be pruned, in order of depth.

    Biases, BatchNorm and residual shortcuts are never pruned ([FC] section 4), unless `biases` asks for the first; the
    last linear layer is the output.
    """
    kinds = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and "shortcut" not in name:
            kinds[f"{name}.weight"] = "convolution"
        elif isinstance(module, nn.Linear):
            kinds[f"{name}.weight"] = "linear"
    kinds[next(reversed(kinds))] = "output"
    if biases:
        names = dict(model.named_parameters())
        pairs = ((name, name.removesuffix("weight") + "bias", kind) for name, kind in kinds.items())
        kinds = {n: kind for weight, bias, kind in pairs for n in (weight, bias) if n in names}
    return kinds

"""Small networks with convolutions, runs of them, and the plain masked PyTorch loop that engines are compared with."""

from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional as F

from lth import pruning
from lth.data import Images, TrialData, augment, draw
from lth.models import build_model, initialise, skeleton
from lth.recipes import RECIPES, Optimizer, Recipe
from lth.training import Masks, Start, Weights

torch.set_num_threads(1)
ADAM = Optimizer("adam", 2e-4, milestones=(30,))
DECAY = Optimizer("adam", 2e-4, weight_decay=1e-2)
SGD = Optimizer("sgd", 1e-3, momentum=0.9, weight_decay=1e-2, milestones=(30,))
CLASSES = 4


class Stack(nn.Sequential):
    """All that a stack may have: strides, paddings, kernels of several sizes, biases or BatchNorm, pooling."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 20, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(20, 6, (1, 3), padding=(0, 1), bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, stride=2, padding=1),
            nn.BatchNorm2d(8, momentum=0.3, eps=1e-3),
            nn.Identity(),
            nn.Conv2d(8, 5, 2),
            nn.Flatten(),
            nn.Linear(5, 12),
            nn.BatchNorm1d(12),
            nn.ReLU(),
            nn.Linear(12, CLASSES),
        )


class Residual(nn.Module):
    """Sums on both kinds of shortcut, and an average."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.a, self.b = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.c, self.d = nn.Conv2d(8, 16, 3, 2, padding=1, bias=False), nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.norm_c, self.norm_d, self.norm_s = (nn.BatchNorm2d(16) for _ in range(3))
        self.s = nn.Conv2d(8, 16, 1, 2, bias=False)
        self.fc = nn.Linear(16, CLASSES)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        x = torch.relu(self.b(F.relu(self.a(x))) + x)
        inner = self.norm_c(self.c(x)).relu()
        x = F.relu(self.norm_s(self.s(x)) + self.norm_d(self.d(inner)))
        return self.fc(x.mean((2, 3)))


@dataclass(frozen=True)
class Case:
    """One run to take: recipe, data, start, and the positions of its batches (1, steps, batch)."""

    recipe: Recipe
    data: TrialData
    masks: Masks
    indices: torch.Tensor

    @property
    def start(self) -> Start:
        weights = initialise(skeleton(self.recipe), numbers(0))
        flat = {name: values for name, values in weights.items() if values.dim() == 1}
        weights |= {name: v + torch.rand(v.shape, generator=numbers(1)) / 5 for name, v in flat.items()}
        return Start(pruning.apply(self.masks, weights), self.masks, numbers(2), numbers(3))

    def run(self, engine, steps: int):
        """The engine after so many steps, and its mean training loss."""
        stack = engine(self.recipe, [self.data], [self.start])
        return stack, float(stack.advance(self.indices[:, :steps], 0)[0])


def numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, side: int, seed: int) -> Images:
    pixels = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=numbers(seed))
    labels = torch.randint(0, CLASSES, (count,), generator=numbers(seed + 1))
    return Images(pixels, labels, torch.full((1, 1, 1, 1), 1 / 255), torch.full((1, 3, 1, 1), -0.5))


def case(model, side: int, batch: int, density: float, optimizer: Optimizer = ADAM, augmented: bool = False) -> Case:
    """50 steps on noise; weights are masked at random."""
    recipe = replace(
        RECIPES["lenet"], model=model, shape=(3, side, side), classes=CLASSES, batch_size=batch, optimizer=optimizer,
        augment=augmented,
    )  # fmt: skip
    full = pruning.full_masks(skeleton(recipe))
    masks = {name: torch.rand(mask.shape, generator=numbers(4)) < density for name, mask in full.items()}
    order = torch.randperm(200, generator=numbers(5))
    data = TrialData("noise", images(200, side, 6), images(70, side, 8), order[50:], order[:50], order[50:90])
    return Case(recipe, data, masks, data.train[torch.randint(150, (1, 50, batch), generator=numbers(9))])


def train(run: Case, steps: int, dtype: torch.dtype = torch.float64) -> tuple[Weights, float]:
    """Weights, buffers and mean training loss of plain PyTorch: masks multiplied in after a step."""
    net, start, o = build_model(run.recipe), run.start, run.recipe.optimizer
    net.load_state_dict(start.weights)
    net = net.to(dtype).train()
    if o.name == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), o.learning_rate, o.momentum, weight_decay=o.weight_decay)
    else:
        optimizer = torch.optim.Adam(net.parameters(), o.learning_rate, weight_decay=o.weight_decay)
    kinds = draw(tuple(run.indices.shape[1:]), start.augmentation)
    total, source = 0.0, run.data.images
    for step, chosen in enumerate(run.indices[0, :steps]):
        optimizer.param_groups[0]["lr"] = o.learning_rate_at(step)
        pixels = augment(source.pixels[chosen], kinds[step]) if run.recipe.augment else source.pixels[chosen]
        loss = F.cross_entropy(net(pixels * source.scale.to(dtype) + source.shift.to(dtype)), source.labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name, mask in run.masks.items():
                net.get_parameter(name).mul_(mask)
        total += loss.item()
    return {name: value.detach() for name, value in net.state_dict().items()}, total / steps


@torch.no_grad()
def measure(run: Case, weights: Weights, part: str) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of plain PyTorch in float64."""
    net = build_model(run.recipe)
    net.load_state_dict(weights)
    net, source = net.double().eval(), run.data.test if part == "test" else run.data.images
    chosen = torch.arange(len(source)) if part == "test" else getattr(run.data, part)
    logits = net(source.pixels[chosen] * source.scale.double() + source.shift.double())
    labels = source.labels[chosen]
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()

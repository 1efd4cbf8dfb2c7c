"""The truth that engines are compared with: a plain masked PyTorch loop, and small runs to compare on."""

from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from lth.data import Images, TrialData
from lth.models import FullyConnected, initialise
from lth.recipes import RECIPES, Optimizer, Recipe
from lth.training import Masks, Moments, Start, Weights

torch.set_num_threads(1)  # a second thread only waits on nets this small, and on a busy machine it waits long

SIDE, CLASSES = 6, 4
SIZES = (SIDE * SIDE, 20, 10, CLASSES)


@dataclass(frozen=True)
class Case:
    """One run to take: recipe, data, start, and the batches of its steps (positions, (1, steps, batch))."""

    recipe: Recipe
    data: TrialData
    start: Start
    indices: torch.Tensor

    def run(self, engine, steps: int):
        """The engine after so many steps, and its mean training loss."""
        stack = engine(self.recipe, [self.data], [self.start])
        return stack, float(stack.advance(self.indices[:, :steps], 0)[0])


def images(count: int, seed: int, per_image: bool = True, channels: int = 1) -> Images:
    """`count` images, three quarters black, whose brightest quarter tells the class: learnable in some steps.

    Each has a scale of its own, or (per_image=False) each channel has a scale and a shift.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=generator)
    shape = (count, channels, SIDE, SIDE // channels)
    pixels = torch.randint(1, 120, shape, generator=generator) * (torch.rand(shape, generator=generator) < 0.25)
    block = SIDE * SIDE // CLASSES
    for image, label in zip(pixels.view(count, -1), labels, strict=True):
        image[label * block : label * block + 4] += 100
    pixels = pixels.to(torch.uint8)
    if per_image:
        norms = pixels.double().flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        return Images(pixels, labels, (1 / norms).float(), torch.zeros(1, channels, 1, 1))
    scale = torch.linspace(1 / 90, 1 / 60, channels).view(1, -1, 1, 1)
    return Images(pixels, labels, scale, -0.4 - torch.arange(float(channels)).view(1, -1, 1, 1) / 8)


def case(density: float = 1.0, steps: int = 50, batch: int = 12, moments: bool = False, **kinds) -> Case:
    """A run on small images; its weights are masked at random (biases are not), a stale Adam comes along if asked."""
    generator = torch.Generator().manual_seed(3)
    recipe = replace(RECIPES["lenet"], batch_size=batch, optimizer=Optimizer("adam", 5e-3, milestones=(30,)))
    data = images(200, 0, **kinds)
    order = torch.randperm(200, generator=generator)
    data = TrialData("small", data, images(90, 1, **kinds), order[70:], order[:70], order[70:150])
    net = FullyConnected(*SIZES)
    weights = initialise(net, generator)
    masks = {}
    if density < 1:
        masks = {name: torch.rand(w.shape, generator=generator) < density for name, w in weights.items() if w.dim() > 1}
    stale = None
    if moments:
        first = {name: torch.randn(w.shape, generator=generator) / 100 for name, w in weights.items()}
        stale = Moments(first, {name: m.square() + 1e-4 for name, m in first.items()}, 700)
    start = Start(weights, {}, torch.Generator(), torch.Generator(), stale)
    indices = data.train[torch.randint(130, (1, steps, batch), generator=generator)]
    return remask(Case(recipe, data, start, indices), masks)


def remask(run: Case, masks: Masks) -> Case:
    """The same run with these masks."""
    weights = {name: w * masks[name] if name in masks else w for name, w in run.start.weights.items()}
    return replace(run, start=replace(run.start, weights=weights, masks=masks))


def train(run: Case, steps: int, dtype: torch.dtype = torch.float64) -> tuple[Weights, float]:
    """Weights and mean training loss of plain PyTorch: nn.Module, torch.optim.Adam, masks multiplied after a step."""
    net = _net(run, run.start.weights, dtype)
    optimizer = torch.optim.Adam(net.parameters())
    stale = run.start.moments
    for name, parameter in net.named_parameters() if stale else ():
        mask = run.start.masks.get(name, torch.ones(parameter.shape))
        first, second = (part[name].to(dtype) * mask for part in (stale.first, stale.second))
        optimizer.state[parameter] = {"step": torch.tensor(float(stale.steps)), "exp_avg": first, "exp_avg_sq": second}
    total = 0.0
    for step, batch in enumerate(run.indices[0, :steps]):
        optimizer.param_groups[0]["lr"] = run.recipe.optimizer.learning_rate_at(step)
        loss = F.cross_entropy(net(_inputs(run.data.images, batch, dtype)), run.data.images.labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name, parameter in net.named_parameters():
                parameter.mul_(run.start.masks.get(name, 1))
        total += loss.item()
    return {name: value.detach() for name, value in net.named_parameters()}, total / steps


@torch.no_grad()
def measure(run: Case, weights: Weights, part: str) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of plain PyTorch in float64."""
    net = _net(run, weights, torch.float64)
    source = run.data.test if part == "test" else run.data.images
    chosen = torch.arange(len(source.labels)) if part == "test" else getattr(run.data, part)
    logits, labels = net(_inputs(source, chosen, torch.float64)), source.labels[chosen]
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()


def distance(a: Weights, b: Weights) -> float:
    """The largest ‖a − b‖ / ‖b‖ over the parameters, in float64."""
    return max(float((a[name].double() - b[name]).norm() / b[name].double().norm().clamp(min=1e-3)) for name in b)


def _net(run: Case, weights: Weights, dtype: torch.dtype) -> FullyConnected:
    net = FullyConnected(*SIZES).to(dtype)
    net.load_state_dict({name: value.to(dtype) for name, value in weights.items()})
    return net


def _inputs(source: Images, chosen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    scale = source.scale if len(source.scale) == 1 else source.scale[chosen]
    return source.pixels[chosen] * scale.to(dtype) + source.shift.to(dtype)

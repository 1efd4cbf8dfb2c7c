"""Training as people write it: eager PyTorch, default optimizer, masks multiplied in after every step."""

from collections.abc import Iterable, Iterator
from itertools import islice

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Subset

from lth.data import TrialData
from lth.datasets._torchvision import torchvision_datasets
from lth.models import build_model
from lth.paths import datasets_dir
from lth.recipes import Recipe
from lth.training import Start, batches

EVALUATION_BATCH = 1000
Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]


class Plain:
    """A masked net, its optimizer, endless training batches, and the parts to measure, each as batches."""

    def __init__(self, recipe: Recipe, start: Start, training: Iterator, parts: list[Batches]):
        self.net, self.training, self.parts = build_model(recipe), training, parts
        self.net.load_state_dict(start.weights)
        self.masks = {name: mask.float() for name, mask in start.masks.items()}
        o, parameters = recipe.optimizer, self.net.parameters()
        if o.name == "adam":
            self.optimizer = torch.optim.Adam(parameters, o.learning_rate)
        else:
            self.optimizer = torch.optim.SGD(parameters, o.learning_rate, o.momentum, weight_decay=o.weight_decay)

    def advance(self, steps: int) -> None:
        """Take so many training iterations."""
        self.net.train()
        for images, labels in islice(self.training, steps):
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.net(images), labels)
            loss.backward()
            self.optimizer.step()
            with torch.no_grad():
                for name, parameter in self.net.named_parameters():
                    if name in self.masks:
                        parameter.mul_(self.masks[name])

    @torch.no_grad()
    def measure(self) -> list[tuple[float, float]]:
        """Mean loss and accuracy of every part."""
        self.net.eval()
        return [self._measure(part) for part in self.parts]

    def _measure(self, part: Batches) -> tuple[float, float]:
        loss = correct = count = 0
        for images, labels in part:
            logits = self.net(images)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(1) == labels).sum().item()
            count += len(labels)
        return loss / count, correct / count


def with_dataloader(recipe: Recipe, trial: TrialData, start: Start) -> Plain:
    """Images that torchvision hands out one by one, collected by a DataLoader without workers: one core."""
    training, test = (_items(recipe, train) for train in (True, False))
    loader = DataLoader(Subset(training, trial.train.tolist()), recipe.batch_size, shuffle=True, drop_last=True)
    validation = Subset(training, trial.validation.tolist())
    return Plain(recipe, start, _endless(loader), [DataLoader(part, EVALUATION_BATCH) for part in (validation, test)])


def on_tensors(recipe: Recipe, trial: TrialData, start: Start) -> Plain:
    """All images as one float tensor in memory, batches picked by index."""
    images, test = (part.floats(slice(None)) for part in (trial.images, trial.test))
    labels, order = trial.images.labels, batches(trial.train, recipe.batch_size, start.order)
    training = ((images[chosen], labels[chosen]) for chosen in order)
    validation = list(_pieces(images[trial.validation], labels[trial.validation]))
    return Plain(recipe, start, training, [validation, list(_pieces(test, trial.test.labels))])


def _items(recipe: Recipe, train: bool):
    """The data set as torchvision has it, with the recipe's default preprocessing, an image at a time."""
    datasets = torchvision_datasets()
    from torchvision import transforms

    def l2(image: torch.Tensor) -> torch.Tensor:
        return image / image.norm()

    if (recipe.dataset, recipe.preprocessing) != ("mnist", "l2"):
        raise NotImplementedError(f"{recipe.dataset} with preprocessing {recipe.preprocessing}")
    transform = transforms.Compose([transforms.ToTensor(), l2])
    return datasets.MNIST(datasets_dir(), train=train, transform=transform)


def _endless(loader: DataLoader) -> Iterator:
    while True:
        yield from loader


def _pieces(images: torch.Tensor, labels: torch.Tensor) -> Batches:
    return zip(images.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True)

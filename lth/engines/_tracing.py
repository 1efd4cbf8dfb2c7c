"""What a network computes, as the few steps that the engine for sparse convolutions knows."""

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

from lth.errors import LthError

FUNCTIONS = {  # and methods, by what they do
    **dict.fromkeys((F.relu, torch.relu, "relu", "relu_"), "relu"),
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), "add"),
    **dict.fromkeys((torch.flatten, "flatten"), "flatten"),
    **dict.fromkeys((torch.mean, "mean"), "average"),
    F.max_pool2d: "pool",
}
ARGUMENTS: dict[str, list[list]] = {  # where there are some, those that are known
    "flatten": [[1]],
    "average": [[(2, 3)], [[2, 3]], [(-2, -1)], [[-2, -1]]],
    "pool": [[size, stride, 0, 1, False, False] for size in (2, (2, 2)) for stride in (None, size)],
}
Shape = tuple[int, int, int]  # channels, height, width; numbers without a place have height and width 1


@dataclass(eq=False)
class Value:
    """What a step leaves for others."""

    shape: Shape


@dataclass(eq=False)
class Layer:
    """A convolution (or linear layer, where everything has height and width 1) and what follows it at once."""

    source: Value
    weight: str
    bias: str | None
    kernel: tuple[int, int]
    stride: int
    padding: tuple[int, int]
    shape: Shape  # of its output
    norm: str | None = None  # the BatchNorm that follows
    epsilon: float = 0.0
    momentum: float = 0.0  # of running statistics
    other: Value | None = None  # what is added to it then
    relu: bool = False
    target: Value | None = None  # None: more may follow

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters."""
        norm = [f"{self.norm}.weight", f"{self.norm}.bias"] if self.norm else []
        return [self.weight, *([self.bias] if self.bias else []), *norm]


@dataclass(eq=False)
class Reshape:
    """2×2 max-pooling ("pool"), the mean of each channel ("average"), or a row for each number ("flatten")."""

    what: str
    source: Value
    target: Value


Step = Layer | Reshape


def trace(net: nn.Module, shape: tuple[int, ...]) -> tuple[Value, list[Step], Value]:
    """The images, the steps in order, and the logits of a network that takes images of a shape.

    LthError where it does what the engine does not know.
    """
    try:
        graph = fx.symbolic_trace(net)
    except Exception as error:  # whatever another's code raises when it is not given numbers
        raise _unknown(f"what the network does ({error})") from error
    images, steps, logits = _Reader(graph, shape).read()
    layers = [step for step in steps if isinstance(step, Layer)]
    if not layers or logits.shape[1:] != (1, 1):
        raise _unknown(f"networks that put out {logits.shape}")
    for value in {layer.source for layer in layers}:
        if len({layer.stride for layer in layers if layer.source is value}) > 1:
            raise _unknown("convolutions of different strides on one feature map")
    used = {name for layer in layers for name in layer.parameters}
    if others := [name for name, _ in net.named_parameters() if name not in used]:
        raise _unknown(f"the parameter {others[0]} at its place")
    return images, steps, logits


def _unknown(what: str) -> LthError:
    """The error for what the engine does not know."""
    return LthError(f"the sparse engine does not know {what}: choose auto or stacked")


def _pair(value: Any) -> tuple:
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


class _Reader:
    """Reads a traced network node by node; a Layer stays open for as long as what follows can be part of it."""

    def __init__(self, graph: fx.GraphModule, shape: tuple[int, ...]):
        self.graph, self.shape = graph, shape
        self.found: dict[fx.Node, Value | Layer] = {}
        self.steps: list[Step] = []
        self.used: set[str] = set()

    def read(self) -> tuple[Value, list[Step], Value]:
        """The images, the steps, the logits."""
        if len(self.shape) not in (1, 3):
            raise _unknown(f"images of shape {self.shape}")
        shape = self.shape if len(self.shape) == 3 else (self.shape[0], 1, 1)
        images = Value(shape)
        for node in self.graph.graph.nodes:
            if node.op == "placeholder":
                if images in self.found.values():
                    raise _unknown("networks of several inputs")
                self.found[node] = images
            elif node.op == "output":
                (result,) = node.args
                if not isinstance(result, fx.Node) or result not in self.found:
                    raise _unknown("networks of several outputs")
                return images, self.steps, self._closed(self.found[result])
            elif node.op != "get_attr" and node.users:
                self.found[node] = self._read(node)
                if isinstance(self.found[node], Layer) and len(node.users) > 1:
                    self._closed(self.found[node])
        raise _unknown("a network without output")

    def _read(self, node: fx.Node) -> Value | Layer:
        """What a node makes of what is before it."""
        sources = [self.found[a] for a in node.args if isinstance(a, fx.Node) and a in self.found]
        if not sources:
            raise _unknown(f"{node.target}")
        if node.op == "call_module":
            return self._module(str(node.target), self.graph.get_submodule(str(node.target)), sources[0])
        rest: list[Any] = [a for a in node.args if not isinstance(a, fx.Node)]
        rest += [value for name, value in node.kwargs.items() if name != "inplace"]
        what = FUNCTIONS.get(node.target, "")
        if not what or rest not in ARGUMENTS.get(what, [[]]) or len(sources) != 1 + (what == "add"):
            raise _unknown(f"the operation {node.target}{tuple(rest)}")
        if what == "add":
            return self._sum(*sources)
        return self._relu(sources[0]) if what == "relu" else self._reshape(what, sources[0])

    def _module(self, name: str, module: nn.Module, source: Value | Layer) -> Value | Layer:
        """What a module of PyTorch makes."""
        if isinstance(module, nn.Conv2d):
            return self._convolution(name, module, self._closed(source))
        if isinstance(module, nn.Linear):
            return self._linear(name, module, self._closed(source))
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            return self._norm(name, module, source)
        if isinstance(module, nn.ReLU):
            return self._relu(source)
        what = (
            "pool" if _pools(module) else "flatten" if _flattens(module) else "average" if _averages(module) else None
        )
        if what is None and not isinstance(module, nn.Identity):
            raise _unknown(f"the layer {name} ({module})")
        return self._reshape(what, source) if what else source

    def _convolution(self, name: str, module: nn.Conv2d, source: Value) -> Layer:
        stride, padding = _pair(module.stride), module.padding
        plain = module.dilation == (1, 1) and module.groups == 1 and module.padding_mode == "zeros"
        if not plain or isinstance(padding, str) or stride not in ((1, 1), (2, 2)):
            raise _unknown(f"the layer {name} ({module})")
        kernel = _pair(module.kernel_size)
        sizes = ((n + 2 * p - k) // stride[0] + 1 for n, p, k in zip(source.shape[1:], padding, kernel, strict=True))
        shape = (module.out_channels, *sizes)
        return self._layer(name, module, source, kernel, stride[0], padding, shape)  # type: ignore[arg-type]

    def _linear(self, name: str, module: nn.Linear, source: Value) -> Layer:
        if source.shape[1:] != (1, 1):
            raise _unknown(f"the layer {name} ({module}) on a feature map")
        return self._layer(name, module, source, (1, 1), 1, (0, 0), (module.out_features, 1, 1))

    def _layer(
        self,
        name: str,
        module: nn.Module,
        source: Value,
        kernel: tuple[int, int],
        stride: int,
        padding: tuple[int, int],
        shape: Shape,
    ) -> Layer:
        if name in self.used:
            raise _unknown(f"the layer {name} used twice")
        self.used.add(name)
        bias = f"{name}.bias" if module.bias is not None else None
        return Layer(source, f"{name}.weight", bias, kernel, stride, padding, shape)

    def _norm(self, name: str, module: nn.BatchNorm1d | nn.BatchNorm2d, source: Value | Layer) -> Layer:
        usual = module.affine and module.track_running_stats and module.momentum is not None
        fits = isinstance(source, Layer) and source.target is None and not source.other and not source.relu
        if not usual or not fits or source.norm or name in self.used:  # type: ignore[union-attr]
            raise _unknown(f"the layer {name} ({module}) at its place")
        assert isinstance(source, Layer)
        self.used.add(name)
        source.norm, source.epsilon, source.momentum = name, module.eps, float(module.momentum)  # type: ignore[arg-type]
        return source

    def _relu(self, source: Value | Layer) -> Value:
        if not isinstance(source, Layer) or source.target is not None:
            raise _unknown("a ReLU that does not follow a convolution or linear layer")
        source.relu = True
        return self._closed(source)

    def _sum(self, a: Value | Layer, b: Value | Layer) -> Layer:
        last, other = (a, b) if isinstance(a, Layer) and a.target is None and not a.other else (b, a)
        if not isinstance(last, Layer) or last.target is not None or last.other or last is other:
            raise _unknown("a sum that does not follow a convolution or linear layer")
        last.other = self._closed(other)
        if last.other.shape != last.shape:
            raise _unknown(f"a sum of shapes {last.shape} and {last.other.shape}")
        return last

    def _reshape(self, what: str, source: Value | Layer) -> Value:
        value = self._closed(source)
        channels, height, width = value.shape
        if what != "pool" and (height, width) == (1, 1):
            return value
        shapes = {"pool": (channels, height // 2, width // 2), "average": (channels, 1, 1)}
        target = Value(shapes.get(what, (channels * height * width, 1, 1)))
        self.steps.append(Reshape(what, value, target))
        return target

    def _closed(self, found: Value | Layer) -> Value:
        """What others may read: a Layer that is still open ends here."""
        if isinstance(found, Value):
            return found
        if found.target is None:
            found.target = Value(found.shape)
            self.steps.append(found)
        return found.target


def _pools(module: nn.Module | None) -> bool:
    """Whether it is 2×2 max-pooling."""
    if not isinstance(module, nn.MaxPool2d) or module.return_indices or module.ceil_mode:
        return False
    return all(_pair(v) == pair for v, pair in ((module.kernel_size, (2, 2)), (module.stride, (2, 2)))) and all(
        _pair(v) == pair for v, pair in ((module.padding, (0, 0)), (module.dilation, (1, 1)))
    )


def _flattens(module: nn.Module | None) -> bool:
    return isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1)


def _averages(module: nn.Module | None) -> bool:
    return isinstance(module, nn.AdaptiveAvgPool2d) and _pair(module.output_size) == (1, 1)

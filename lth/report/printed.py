"""What the paper prints of its networks and the recipes do not hold: [FC] Figure 2."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Printed:
    """One network: its name, its convolutions and its fully connected layers, and how many weights it has."""

    name: str
    convolutions: str
    fully_connected: str
    weights: str


NETWORKS = {
    "lenet": Printed("Lenet", "", "300, 100, 10", "266K"),
    "conv2": Printed("Conv-2", "64, 64, pool", "256, 256, 10", "4.3M"),
    "conv4": Printed("Conv-4", "64, 64, pool; 128, 128, pool", "256, 256, 10", "2.4M"),
    "conv6": Printed("Conv-6", "64, 64, pool; 128, 128, pool; 256, 256, pool", "256, 256, 10", "1.7M"),
    "resnet18": Printed("Resnet-18", "16, 3×[16, 16], 3×[32, 32], 3×[64, 64]", "avg-pool, 10", "274K"),
    "vgg19": Printed("VGG-19", "2×64 pool, 2×128 pool, 4×256 pool, 4×512 pool, 4×512", "avg-pool, 10", "20.0M"),
}

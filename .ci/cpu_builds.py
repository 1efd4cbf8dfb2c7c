"""What to tell pip so that PyTorch comes without CUDA's gigabytes where no card could use them.

`make` passes on what this prints: nothing, or the index of PyTorch's CPU builds. They carry the pinned version with a
suffix (2.13.0+cpu), which pip prefers; whatever that index lacks comes from where it came before.
"""

import platform
import shutil
import subprocess
import sys
import threading
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

CPU_BUILDS = "https://download.pytorch.org/whl/cpu"
NVIDIA, DISPLAY = "0x10de", "0x03"  # a maker and a class of PCI devices
DRIVERS = ("proc/driver/nvidia", "dev/nvidiactl", "usr/lib/wsl/lib/libcuda.so.1")


def has_card(root: Path = Path("/")) -> bool:
    """Whether the machine has an NVIDIA card, or its driver, which a container or WSL may show alone."""
    if any((root / driver).exists() for driver in DRIVERS):
        return True
    for vendor in (root / "sys/bus/pci/devices").glob("*/vendor"):
        if vendor.read_text().strip() == NVIDIA and (vendor.parent / "class").read_text().startswith(DISPLAY):
            return True
    return False


def has_own_index(settings: str) -> bool:
    """Whether `pip config list` names an index: whoever has chosen where packages come from decides alone."""
    names = {line.split("=")[0].rpartition(".")[2] for line in settings.splitlines()}
    return bool(names & {"index-url", "extra-index-url", "no-index"})


def answers(index: str, seconds: float = 2.0) -> bool:
    """Whether the index has PyTorch and says so in time; looking up its name, which cannot be cut short, included."""
    found = []

    def ask() -> None:
        try:
            with urlopen(f"{index}/torch/", timeout=seconds) as page:
                found.append(page.status)
        except (OSError, HTTPException, ValueError):
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return bool(found)


def main(index: str = CPU_BUILDS) -> None:
    """Print pip's option, and for the user a line about it."""
    if platform.system() != "Linux" or has_card() or shutil.which("nvidia-smi"):
        return
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    if has_own_index(subprocess.run(pip, capture_output=True, text=True, check=False).stdout):
        return
    if answers(index):
        print(f"No NVIDIA card: PyTorch comes as its CPU build, without CUDA's gigabytes ({index}).", file=sys.stderr)
        print(f"--extra-index-url {index}")


if __name__ == "__main__":
    main(*sys.argv[1:])

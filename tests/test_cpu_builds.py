"""The set-up takes PyTorch's CPU builds where no card could use others, and where nobody has said otherwise."""

import contextlib
import importlib.util
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from lth.paths import ROOT

SPEC = importlib.util.spec_from_file_location("cpu_builds", ROOT / ".ci" / "cpu_builds.py")
cpu_builds = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(cpu_builds)


@contextlib.contextmanager
def index(status: int = 200, wait: float = 0.0):
    """The address of an index that answers with this status, after so many seconds."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(wait)
            with contextlib.suppress(OSError):  # whoever asked is gone
                self.send_response(status if self.path == "/cpu/torch/" else 404)
                self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/cpu"
        server.shutdown()


@pytest.fixture
def bare(monkeypatch):
    """A Linux machine without a card, on which pip has been told nothing."""
    monkeypatch.setattr(cpu_builds.platform, "system", lambda: "Linux")
    monkeypatch.setattr(cpu_builds, "has_card", lambda: False)
    monkeypatch.setattr(cpu_builds.shutil, "which", lambda _: None)
    monkeypatch.setattr(cpu_builds.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=""))


def test_an_index_that_answers_is_named_to_pip_and_to_the_user(bare, capsys):
    with index() as address:
        cpu_builds.main(address)
    out, err = capsys.readouterr()
    assert out == f"--extra-index-url {address}\n"
    assert err.count("\n") == 1 and address in err


def test_without_an_answer_in_time_everything_is_as_before(bare, capsys):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens there
        cpu_builds.main(f"http://127.0.0.1:{unused.getsockname()[1]}/cpu")
    with index(status=503) as address:
        cpu_builds.main(address)
    cpu_builds.main("no address at all")
    begun = time.monotonic()
    with index(wait=30) as address:
        cpu_builds.main(address)
    assert time.monotonic() - begun < 10
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("system", lambda: "Darwin"), ("has_card", lambda: True), ("which", lambda _: "/usr/bin/nvidia-smi")],
)
def test_another_system_and_a_card_are_left_alone(bare, name, value, monkeypatch, capsys):
    place = {"system": cpu_builds.platform, "which": cpu_builds.shutil}.get(name, cpu_builds)
    monkeypatch.setattr(place, name, value)
    with index() as address:
        cpu_builds.main(address)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        ("", False),
        (":env:.timeout='9'\nglobal.find-links='/wheels'\nglobal.cert='/extra-index-url=1'\n", False),
        (":env:.index-url='https://mirror/simple'\n", True),
        (":env:.extra-index-url='https://download.pytorch.org/whl/cu130'\n", True),
        ("global.timeout='9'\nuser.extra-index-url='file:///a file:///b'\n", True),
        ("install.no-index='1'\n", True),
    ],
)
def test_whoever_has_told_pip_of_an_index_decides_alone(bare, settings, own, monkeypatch, capsys):
    monkeypatch.setattr(cpu_builds.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=settings))
    with index() as address:
        cpu_builds.main(address)
    assert bool(capsys.readouterr().out) != own


@pytest.mark.parametrize("setting", ["PIP_INDEX_URL=https://x/", "PIP_EXTRA_INDEX_URL=https://x/", "PIP_NO_INDEX=1"])
def test_what_pip_lists_is_read_so(setting, monkeypatch):
    name, _, value = setting.partition("=")
    for other in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")  # no files of this machine
    pip = [cpu_builds.sys.executable, "-m", "pip", "config", "list"]
    before = subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv(name, value)
    after = subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    assert not cpu_builds.has_own_index(before) and cpu_builds.has_own_index(after)


@pytest.mark.parametrize(
    ("vendor", "kind", "card"),
    [("0x10de", "0x030200", True), ("0x10de", "0x020000", False), ("0x1002", "0x030000", False)],
)
def test_a_card_is_a_display_of_nvidia(vendor, kind, card, tmp_path):
    device = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    (device / "class").write_text(f"{kind}\n")
    assert cpu_builds.has_card(tmp_path) == card
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidiactl").touch()
    assert cpu_builds.has_card(tmp_path)


PYTHON = """#!/bin/bash
case "$*" in
-c*) ;;
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
.ci/cpu_builds.py) echo --extra-index-url https://builds ;;
*) echo "$@" ;;
esac
"""


def test_make_hands_pip_what_is_printed(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    asked = ["make", "--silent", ".venv/.ready", f"PYTHON={python}"]
    said = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.startswith("-m pip install ") and said.endswith(
        " -c constraints.txt --extra-index-url https://builds\n"
    )

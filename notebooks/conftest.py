"""How nbval runs these notebooks: in kernels set up as for the book, or not at all, from copies executed for the book.

pytest --nbval notebooks                            executes every notebook and compares
pytest --nbval notebooks --executed book/results    compares with the copies that papermill has executed: `make test`
"""

from collections import deque
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from execute import isolate, transport
from jupyter_client.manager import KernelManager
from nbval import kernel, plugin


class Executed:
    """Answers nbval as a kernel would that executes a notebook, from a copy that has been executed."""

    def __init__(self, copy: Path):
        self.copy = copy
        self.cells = iter([cell for cell in nbformat.read(copy, as_version=4).cells if cell.cell_type == "code"])
        self.messages: deque[dict] = deque()

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> str:
        """Go on to the cell with this source, and have what it left ready to be read."""
        cell = next((cell for cell in self.cells if cell.source == source), None)
        if cell is None:
            raise RuntimeError(f"{self.copy} was executed from another version of the notebook: run `make book`")
        for output in cell.outputs:
            self.messages.append({"msg_type": output.output_type, "content": output})
        self.messages.append({"msg_type": "status", "content": {"execution_state": "idle"}})
        return "the copy"

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        """The next message of the cell."""
        return self.messages.popleft() | {"parent_header": {"msg_id": "the copy"}}

    def await_reply(self, message: str, timeout: float | None = None) -> None:
        """There is nothing to wait for."""

    def is_alive(self) -> bool:
        """Until its notebook ends."""
        return True

    def stop(self) -> None:
        """There is nothing to stop."""


def compare_only(notebook: plugin.IPyNbFile) -> None:
    """Set a notebook up as nbval does, with its executed copy in the place of a kernel."""
    folder = notebook.config.rootpath / notebook.config.getoption("executed")
    notebook.kernel = Executed(folder / notebook.path.name)
    notebook.setup_sanitize_files()


def pytest_addoption(parser):
    """Where the executed copies are."""
    parser.addoption("--executed", metavar="DIR", help="compare with the executed copies in DIR; nothing is executed")


def pytest_configure(config):
    """Have nbval start its kernels as execute.py does, or none."""
    if config.getoption("executed"):
        plugin.IPyNbFile.setup = compare_only
        return
    folder = TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    isolate(folder.name)
    kernel.KernelManager = lambda **options: KernelManager(**options, **transport(folder.name))

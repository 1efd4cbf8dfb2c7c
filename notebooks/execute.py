"""Execute notebooks with papermill at their default parameters.

python notebooks/execute.py NAME ...             in place, to be committed: `make refresh`
python notebooks/execute.py NAME ... --to DIR    copies, for the book: `make book`
"""

import argparse
import logging
from pathlib import Path

import nbformat
import papermill

HERE = Path(__file__).resolve().parent


def execute(path: Path) -> nbformat.NotebookNode:
    """The executed notebook without papermill's and Jupyter's notes on when and how long, which make diffs noisy."""
    # A kernel whose machine trains beside it can be late with its output: the default of 4 seconds is short.
    notebook = papermill.execute_notebook(path, None, cwd=HERE, progress_bar=False, iopub_timeout=120)
    notebook.metadata.pop("papermill")
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for name in ("execution", "papermill"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    return notebook


if __name__ == "__main__":
    logging.getLogger("IPKernelApp").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description="Execute notebooks with papermill at their default parameters.")
    parser.add_argument("names", nargs="*", default=sorted(path.stem for path in HERE.glob("*.ipynb")))
    parser.add_argument("--to", type=Path, default=HERE)
    arguments = parser.parse_args()
    for name in arguments.names:
        print(f"executing {name}", flush=True)
        nbformat.write(execute(HERE / f"{name}.ipynb"), arguments.to / f"{name}.ipynb")

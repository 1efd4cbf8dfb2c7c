"""Execute notebooks with papermill at their default parameters.

python notebooks/execute.py NAME ...             in place, to be committed: `make refresh`
python notebooks/execute.py NAME ... --to DIR    copies, for the book: `make book`

Without a NAME all of them; `--jobs 2` executes two at a time.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent


def isolate(folder: str) -> None:
    """Keep what a user has set up for plots and for Jupyter from kernels started here; `folder` becomes IPython's."""
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH", "JUPYTER_DATA_DIR", "JUPYTER_PATH", "MPLBACKEND"):
        os.environ.pop(name, None)  # another kernel may be called python3, too
    os.environ["JUPYTER_NO_CONFIG"] = "1"
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["IPYTHONDIR"] = folder
    profile = Path(folder) / "profile_default"
    profile.mkdir()
    # A kernel that is slow to end is interrupted, and says so as if something were wrong.
    (profile / "ipython_kernel_config.py").write_text("get_config().IPKernelApp.log_level = 50\n")
    spec = find_spec("matplotlib")
    assert spec is not None and spec.origin is not None, "matplotlib is not installed"
    os.environ["MATPLOTLIBRC"] = str(Path(spec.origin).parent / "mpl-data" / "matplotlibrc")


def transport(folder: str) -> dict[str, str]:
    """How to talk to one kernel: through sockets in a private folder, since TCP is open to all users of a machine."""
    return {"transport": "ipc", "ip": os.path.join(tempfile.mkdtemp(dir=folder), "kernel")}


def execute(source: Path, target: Path, folder: str, parameters: Mapping[str, object] | None = None) -> None:
    """Write the executed notebook, without notes on when and, in place, on how long, which make diffs noisy."""
    import nbformat
    import papermill
    from traitlets.config import Config

    print(f"executing {source.stem}", flush=True)
    told = None if parameters is None else sys.stderr  # what is trained is told to who asked for it
    config = Config({"KernelManager": transport(folder)})
    # A kernel whose machine trains beside it can be late with its output: the default of 4 seconds is short.
    notebook = papermill.execute_notebook(
        source,
        None,
        parameters,
        cwd=HERE,
        progress_bar=False,
        iopub_timeout=120,
        raise_on_iopub_timeout=True,
        config=config,
        stderr_file=told,
    )
    seconds = notebook.metadata.pop("papermill")["duration"]
    if target.parent != HERE:  # a copy for the book, whose page on where everything comes from tells it
        notebook.metadata["lth"] = {"seconds": round(seconds)}
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for name in ("execution", "papermill"):
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags"):
            cell.metadata.pop("tags", None)
        if "outputs" in cell:
            # Progress and warnings are for who watches; what is printed otherwise stays, and nbval compares it.
            dropped = ("stdout", "stderr") if "nbval-ignore-output" in cell.metadata.get("tags", ()) else ("stderr",)
            cell.outputs = [output for output in cell.outputs if output.get("name") not in dropped]
    nbformat.write(notebook, target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Execute the notebooks that are named, some at a time; the first that fails ends it."""
    parser = argparse.ArgumentParser(description="Execute notebooks with papermill at their default parameters.")
    parser.add_argument("names", nargs="*", default=sorted(path.stem for path in HERE.glob("*.ipynb")))
    parser.add_argument("--to", type=Path, default=HERE)
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    chosen = parser.parse_args(arguments)
    chosen.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(chosen.jobs) as pool:
        isolate(folder)
        files = [f"{name}.ipynb" for name in chosen.names]
        started = [pool.submit(execute, HERE / file, chosen.to / file, folder) for file in files]
        try:
            for one in started:
                one.result()
        except Exception as error:
            pool.shutdown(cancel_futures=True)
            sys.exit(str(error))


if __name__ == "__main__":
    main()

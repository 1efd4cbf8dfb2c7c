"""Empty panels in the book's style, how their axes are told, and a figure as the bytes of an SVG file.

A figure of the book is one panel or several, each a matplotlib Figure of PANEL inches: a page sets them side by side
where it is wide enough, and below each other on a phone, at the same size of text.
"""

import re
from contextlib import AbstractContextManager
from io import StringIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import matplotlib.style
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from lth.report.styles import FAINT, GRID, INK, MUTED

PANEL = (3.7, 2.8)  # inches
WIDE = (4.6, 3.2)  # inches, where a figure has one panel
STYLE = {
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.8,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.edgecolor": "none",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "lth",
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 8,
    "ytick.color": FAINT,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 8,
}
APART = 0.9
FONT = "'DejaVu Sans', Verdana, 'Segoe UI', sans-serif"


def style() -> AbstractContextManager[None]:
    """The book's style, over matplotlib's own settings, whatever a user has set. Figures are drawn in it."""
    return mpl.style.context(["default", STYLE])


def new_panel(title: str = "", size: tuple[float, float] = PANEL) -> tuple[Figure, Axes]:
    """An empty panel in the book's style, not registered with pyplot's display, and its axes."""
    with style():
        figure, ax = plt.subplots(figsize=size, layout="constrained")
        ax.set_axisbelow(True)
        if title:
            ax.set_title(title)
        sns.despine(ax=ax, left=True)
    plt.close(figure)
    return figure, ax


def legend_above(figure: Figure, ax: Axes, columns: int = 2) -> None:
    """The legend of what is drawn in `ax`, above it, in the order drawn; nothing where nothing has a label."""
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        with style():
            figure.legend(handles, labels, loc="outside upper left", ncols=columns, handlelength=2.6, borderaxespad=0.2)


def density_axis(ax: Axes, percents, most: int = 7) -> None:
    """A log axis that runs from dense to sparse, with ticks at about `most` of the levels, evenly spread."""
    ticks: list[float] = []
    for percent in sorted(set(percents), reverse=True):
        if not ticks or percent < APART * ticks[-1]:  # two ladders may differ in their roundings
            ticks.append(percent)
    ticks = ticks[:: max(1, round(len(ticks) / most))]
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    ax.set_xlabel("weights left (%, log scale)")
    if not ax.xaxis_inverted():
        ax.invert_xaxis()


def iterations_axis(ax: Axes, low: float, high: float) -> None:
    """A log axis of iterations between two numbers, with ticks at 1, 2 and 5 times powers of ten."""
    ax.set_yscale("log")
    ticks = [factor * 10**power for power in range(1, 6) for factor in (1, 2, 3, 5)]
    ax.set_yticks([tick for tick in ticks if low <= tick <= high])
    ax.yaxis.set_major_formatter(FuncFormatter(thousands))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(low, high)


def thousands(value: float, _=None) -> str:
    """A tick of an axis of iterations."""
    return f"{value:,.0f}"


def svg(figure: Figure) -> str:
    """The figure as SVG: the same bytes for the same figure, text as text, and no names that two figures could share.

    Colours are as drawn (see styles.PALETTE); white paper, for viewers other than the book, which takes it away.
    """
    stream = StringIO()
    with style():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = re.sub(r"<(metadata|style).*?</\1>\s*", "", text[text.index("<svg") :], flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)[\")]", text))
    text = re.sub(r' id="([\w.-]+)"', lambda match: match[0] if match[1] in used else "", text)
    text = re.sub(r"(font(?:-family)?: [^;\"]*?)'DejaVu Sans'", rf"\1{FONT}", text)
    width, height = (72 * inches for inches in figure.get_size_inches())
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width:g} {height:g}" stroke-linejoin="round" style="background: #ffffff">'
    )
    return head + text[text.index(">") + 1 :].strip() + "\n"

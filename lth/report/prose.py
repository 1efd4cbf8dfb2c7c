"""The prose of a page that is drawn again: numbers set into it and marked, and the sentences around a quotation."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

GLUED = re.compile(r"\{glue:text\}`(?P<place>[^`]+)`")  # PATH::KEY:FORMAT; path and format may be missing
CITED = re.compile(r"\s*\{cite:p\}`[^`]*`")
ROLE = re.compile(r"\{[\w:]+\}`([^`<]+?)\s*(?:<[^`]*>)?`")
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
SENTENCE_END = re.compile(r"(?<=[.?!])\**\)?\s+(?=[\[(\"“*A-Z0-9])")
MISSING = "— (no number)"


def with_numbers(text: str, glued: Mapping[str, Any], elsewhere: Mapping[str, Any], form: str = "{}") -> str:
    """Markdown with what is glued into it written out.

    Arguments:
        text: the Markdown.
        glued: by key, what this page glues. A number that is none (nan, or infinite) becomes MISSING.
        elsewhere: by key, what the pages glue as they are published, this one included.
        form: how the page's own are written where they differ from that, with {} where the number goes.
    """

    def written(match: re.Match) -> str:
        path, _, place = match["place"].rpartition("::")
        key, _, spec = place.partition(":")
        if path and key in elsewhere:
            return shown(elsewhere[key], spec)
        if key not in glued:
            return match[0]
        told = shown(glued[key], spec)
        return told if key in elsewhere and told == shown(elsewhere[key], spec) else form.format(told)

    return GLUED.sub(written, text)


def shown(value: Any, spec: str) -> str:
    """A glued value as `glue:text` writes it; MISSING for a number that is none."""
    if not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return MISSING
    return format(value, f"z{spec}" if spec.endswith("f") else spec)  # z: a zero has no sign


def plain(text: str) -> str:
    """Markdown without its roles, links and emphasis, in one line."""
    return " ".join(re.sub(r"\*+", "", LINK.sub(r"\1", ROLE.sub(r"\1", CITED.sub("", text)))).split())


def _searched(text: str) -> str:
    """Plain text as quotations are sought in it: with one kind of quotation mark."""
    return re.sub('[“”’"]', "'", plain(text))


def sentences(text: str) -> Iterator[str]:
    """The sentences of Markdown, without its headings, code and the markup of directives."""
    lines = [re.sub(r"^- ", "\n", line) for line in _prose(text.splitlines())]
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        yield from (sentence for sentence in SENTENCE_END.split(plain(paragraph)) if sentence)


def _prose(lines: Iterable[str]) -> Iterator[str]:
    """Lines of Markdown; an empty one for each that is markup or code."""
    code = False
    for line in lines:
        fence = re.match(r"(`{3,})(.*)", line)
        if fence:
            code = not code and not fence[2].startswith("{") and bool(fence[2].strip())
        yield "" if fence or code or re.match(r"(:{3,}|:\w+:|#)", line) else line


def around(quotation: str, text: str) -> str:
    """The sentence of a text that holds a quotation, whose "…" stands for anything; or the quotation."""
    words = [re.escape(part.strip()) for part in _searched(quotation).split("…")]
    wanted = re.compile(".*?".join(words), re.IGNORECASE)
    return next((sentence for sentence in sentences(text) if wanted.search(_searched(sentence))), quotation)


def without_numbers(text: str) -> Iterator[str]:
    """The sentences of a text in which a number is missing."""
    return (sentence for sentence in sentences(text) if MISSING in sentence)

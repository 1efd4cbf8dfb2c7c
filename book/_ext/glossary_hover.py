"""Hover text for terms: every `{term}` reference says the first sentence of its definition in the glossary.

The text becomes the `title` of the link, which a browser shows without any script.
"""

import re

from docutils import nodes
from sphinx import addnodes

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[“\"(]?[A-Z])")  # where one ends and another begins


def first_sentence(text: str) -> str:
    """The first sentence of a text, on one line."""
    return SENTENCE.split(" ".join(text.split()), maxsplit=1)[0]


def definitions(doctree: nodes.document) -> dict[str, str]:
    """The first sentence of each definition in the glossaries of a page, by the anchor of its term."""
    found = {}
    for glossary in doctree.findall(addnodes.glossary):
        for item in glossary.findall(nodes.definition_list_item):
            text = next((part.astext() for part in item.findall(nodes.paragraph)), "")
            for term in item.findall(nodes.term):
                found |= dict.fromkeys(term["ids"], first_sentence(text))
    return found


def read(app, doctree: nodes.document) -> None:
    """Keep what the glossaries of a page say."""
    if found := definitions(doctree):
        app.env.__dict__.setdefault("glossary_hover", {})[app.env.docname] = found


def merge(app, env, docnames, other) -> None:
    """Take over what a process that read some of the pages has kept."""
    env.__dict__.setdefault("glossary_hover", {}).update(other.__dict__.get("glossary_hover", {}))


def purge(app, env, docname: str) -> None:
    """Forget a page that is read again."""
    env.__dict__.setdefault("glossary_hover", {}).pop(docname, None)


def give_titles(app, doctree: nodes.document, docname: str) -> None:
    """Give every reference to a term its title."""
    every = app.env.__dict__.get("glossary_hover", {})
    said = {anchor: text for found in every.values() for anchor, text in found.items()}
    for reference in doctree.findall(nodes.reference):
        shown = reference.next_node(nodes.inline)
        if shown is not None and "std-term" in shown["classes"]:
            anchor = reference.get("refid") or reference.get("refuri", "").partition("#")[2]
            if said.get(anchor):
                reference["reftitle"] = said[anchor]


def setup(app) -> dict:
    """Register with Sphinx."""
    app.connect("doctree-read", read)
    app.connect("env-merge-info", merge)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-resolved", give_titles)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}

"""Makes reStructuredText of this project's docstrings for `sphinx.ext.autodoc`, and links its types.

Docstrings are written for people: code stands in `single backquotes`, what is passed under "Arguments:", and a field of
a dataclass is explained by the comment behind it.
"""

import re
from dataclasses import fields, is_dataclass
from inspect import getsource

CODE = re.compile(r"(?<![`:\w])`([^`]+)`(?!`)")
FIELD = re.compile(r"^    (\w+): .*?  # (.*)$", re.MULTILINE)
TYPES = ("class", "data", "obj")  # what annotations refer to


def commented_fields(made: type) -> dict[str, str]:
    """What the comment behind a field of a dataclass says, by the field's name."""
    said = dict(FIELD.findall(getsource(made)))
    return {field.name: said[field.name] for field in fields(made) if field.name in said}


def write_docstring(app, what: str, name: str, documented, options, lines: list[str]) -> None:
    """Add the commented fields of a dataclass to its docstring, and mark code as reStructuredText does."""
    said = commented_fields(documented) if what == "class" and is_dataclass(documented) else {}
    if said and "Arguments:" not in lines:
        lines += ["", "Arguments:", *(f"    {field}: {text}" for field, text in said.items())]
    lines[:] = [CODE.sub(r"``\1``", line) for line in lines]
    if what == "property":
        lines[:0] = ["..", ""]  # an empty comment: or Napoleon takes what stands before a colon for its type


def find_type(app, env, node, shown):
    """A link to the public name of a type in a signature; of one that has none here, the plain name."""
    if node.get("refdomain") != "py" or node.get("reftype") not in TYPES:
        return None
    domain, target = env.get_domain("py"), node["reftarget"]
    public = [name for name in domain.objects if name.split(".")[-1] == target.split(".")[-1]]
    if not target.startswith("lth.") or len(public) != 1:
        return shown
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", public[0], node, shown)


def setup(app) -> dict:
    """Register with Sphinx: before Napoleon, which reads "Arguments:"."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", write_docstring, priority=400)
    app.setup_extension("sphinx.ext.napoleon")
    app.connect("missing-reference", find_type)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Buttons that lead to the repository and start a page's notebook on Binder, where the repository's address is known.

Its address is `repository.url` of _config.yml or, before that, the environment variable BOOK_REPOSITORY, such as
https://github.com/OWNER/NAME; its branch `repository.branch` or BOOK_BRANCH, `main` if neither is given. Without an
address no page has such a button.
"""

import os
import re

from sphinx.errors import ConfigError

ADDRESS = re.compile(r"https://[\w.-]+/[\w.-]+/[\w.-]+")
BUILT = "book/results/"  # executed copies, which are not in the repository
COMMITTED = "notebooks/"
BINDER = {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"}


def add_address(app, config) -> None:
    """Set the theme's options; an error where the address is none of a repository."""
    options = config.html_theme_options
    address = (os.environ.get("BOOK_REPOSITORY") or options.get("repository_url") or "").removesuffix("/")
    if not address:
        return
    if not ADDRESS.fullmatch(address):
        raise ConfigError(f"the repository's address must be such as https://github.com/OWNER/NAME, not {address!r}")
    branch = os.environ.get("BOOK_BRANCH") or options.get("repository_branch") or "main"
    options |= {"repository_url": address, "repository_branch": branch}
    options |= dict.fromkeys(("use_repository_button", "use_edit_page_button", "use_issues_button"), True)
    options["launch_buttons"] = options.get("launch_buttons", {}) | BINDER


def lead_to_notebooks(app, page: str, template: str, context: dict, doctree) -> None:
    """Let the buttons of an executed copy lead to the notebook that is in the repository."""
    waiting = list(context.get("header_buttons", ())) if page.startswith(BUILT) else []
    while waiting:
        button = waiting.pop()
        waiting += button.get("buttons", ())
        if button.get("url", "").startswith("https://"):
            button["url"] = button["url"].replace(f"/{BUILT}", f"/{COMMITTED}")


def setup(app) -> dict:
    """Register with Sphinx: buttons are changed after the theme has made them, at priority 501."""
    app.connect("config-inited", add_address)
    app.connect("html-page-context", lead_to_notebooks, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The page as a file: its data, its style and its scripts are in it, and it may load and send nothing."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from feature_store.catalog.model import Catalog
from feature_store.catalog.page.contents import Histories, contents
from feature_store.files import write_at_once
from feature_store.pages.page import render
from feature_store.store import FeatureStore

_HERE = Path(__file__).parent
_SCRIPTS = ("graph.js", "search.js", "elements.js", "lineage.js", "choice.js", "history.js", "nodes.js", "pages.js")
"""In the order in which they build upon each other."""


def write_page(
    store: FeatureStore,
    catalog: Catalog,
    folder: Path,
    *,
    as_of: datetime,
    histories: Histories | None = None,
    on_table: Callable[[str], None] = lambda name: None,
) -> Path:
    """Write the catalog to ``index.html`` in a folder, which is made; the file's path."""
    page = page_of(contents(store, catalog, as_of=as_of, histories=histories, on_table=on_table))
    folder.mkdir(parents=True, exist_ok=True)
    return write_at_once(page, folder / "index.html")


def page_of(document: Mapping[str, Any]) -> str:
    """The page of these contents; scripts other than its own do not run, wherever they come from."""
    parts = [(_HERE / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    script = "\n".join(["(() => {", *parts, "})();"])  # no name of theirs becomes the window's
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return render(
        _HERE / "catalog.html.jinja",
        place=document["place"],
        data=Markup(_embedded(document)),
        script=Markup(script),
        digest=digest,
    )


def _embedded(document: Mapping[str, Any]) -> str:
    """JSON in which nothing can end the element that it stands in, or begin another."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

"""The report: one file of HTML that holds the page with its data, and needs nothing else."""

import base64
import hashlib
import html
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.reporting.page.data import page_data
from evaluation.results import Measurements
from zoo.support.files import write

MODULE = Path(__file__).with_name("page.js")
"""The module that draws the page."""

STYLE = Path(__file__).with_name("page.css")
"""Its style."""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style id="style">{style}</style>
</head>
<body>
<main id="report"><noscript>This page is drawn by its script, which is turned off.</noscript></main>
<script type="application/json" id="data">{data}</script>
<script type="module">{module}</script>
</body>
</html>
"""


def report(
    measurements: Measurements | Sequence[Measurements],
    file: str | os.PathLike[str],
    *,
    images: bool = True,
    profiles: Iterable[pd.DataFrame] = (),
) -> Path:
    """Write measurements as one page of HTML: the answer, curves, maps, examples, the protocol.

    Everything is in the file, which a browser shows without any other file or address: its policy
    forbids all. A file that exists is replaced, as a whole or not at all.

    Args:
        measurements: One or several measurements.
        file: The file to write.
        images: Whether to show pictures of the dataset, as thumbnails.
        profiles: Layer profiles of the networks, as `layer_profile` returns them.

    Returns:
        The file.

    Raises:
        ValueError: If the measurements cannot be shown together (see `results.several`).
        FileNotFoundError: If the folder of the file does not exist.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import evaluate
        >>> from evaluation.reporting.page.report import report
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> images = np.random.default_rng(0).random((12, 4, 4, 1), np.float32)
        >>> found = evaluate(model, images, "horizontal_flip", preprocessing="unit")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report(found, f"{folder}/report.html").read_text().splitlines()[0]
        '<!DOCTYPE html>'
    """
    file = Path(file)
    if not file.parent.is_dir():
        raise FileNotFoundError(
            f"expected a folder to write {file.name} into, there is no {file.parent}: create it"
        )
    text = html_of(page_data(measurements, images=images, profiles=profiles))
    write(file, lambda opened: opened.write(text.encode("utf-8")))
    return file


def html_of(data: Mapping[str, Any]) -> str:
    """Return the page for some data, with everything in it.

    Args:
        data: What `page_data` returns.
    """
    style, module = (path.read_text(encoding="utf-8") for path in (STYLE, MODULE))
    titles = "; ".join(str(group["title"]) for group in data["groups"])
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(module)}'"
    )
    return _PAGE.format(
        policy=policy,
        title=html.escape(f"Invariance: {titles}"),
        style=style,
        data=script_json(data),
        module=module,
    )


def script_json(data: Mapping[str, Any]) -> str:
    r"""Return JSON that cannot end the element of HTML which holds it.

    Example:
        >>> from evaluation.reporting.page.report import script_json
        >>> script_json({"name": "</script>"})
        '{"name":"\\u003c/script>"}'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _hash(text: str) -> str:
    """Return the digest by which a policy allows an element with this text."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"

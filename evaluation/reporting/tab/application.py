"""The page as WSGI applications: the module, its style and the data, each by an exact address.

Addresses only choose one of these: nothing of a request reaches the file system.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from evaluation.reporting.page.report import MODULE, STYLE
from evaluation.reporting.tab.records import Records

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""An application as PEP 3333 defines it."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page that is served alone may load: nothing but the files beside it."""

_TEXT = "text/plain; charset=utf-8"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Invariance</title>
<link rel="icon" href="data:,">
<link id="style" rel="stylesheet" href="page.css">
</head>
<body>
<main id="report"><noscript>This page is drawn by its script, which is turned off.</noscript></main>
<script type="module" src="page.js"></script>
</body>
</html>
"""


def applications(records: Records) -> dict[str, Application]:
    """Return the parts of the page by their addresses, for TensorBoard or to be served alone.

    Example:
        >>> from pathlib import Path
        >>> from evaluation.reporting.tab.application import applications
        >>> from evaluation.reporting.tab.records import Records
        >>> list(applications(Records(Path("no_logs"))))
        ['/page.js', '/page.css', '/data.json']
    """
    return {
        "/page.js": _part(MODULE.read_bytes, "text/javascript; charset=utf-8"),
        "/page.css": _part(STYLE.read_bytes, "text/css; charset=utf-8"),
        "/data.json": _part(records.json, "application/json"),
    }


def alone(records: Records, hosts: Iterable[str]) -> Application:
    """Return the page as an application of its own.

    Args:
        records: What it shows.
        hosts: The names under which it may be asked for: with any other, which a foreign page
            could have given this machine, it answers nothing.
    """
    parts = {"/": _part(_PAGE.encode, "text/html; charset=utf-8"), **applications(records)}
    nothing = _part(lambda: b"there is nothing here\n", _TEXT, HTTPStatus.NOT_FOUND)
    refused = _part(lambda: b"expected the address printed\n", _TEXT, HTTPStatus.FORBIDDEN)
    admitted = frozenset(hosts)

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_HOST") not in admitted:
            return refused(environ, start)
        return parts.get(environ.get("PATH_INFO", ""), nothing)(environ, start)

    return application


def _part(
    content: Callable[[], bytes], kind: str, status: HTTPStatus = HTTPStatus.OK
) -> Application:
    """Return an application that answers with some content."""

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        allowed = method in ("GET", "HEAD")
        body = content() if allowed else b"expected GET\n"
        answer = status if allowed else HTTPStatus.METHOD_NOT_ALLOWED
        headers = [
            ("Content-Type", kind if allowed else _TEXT),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-cache"),
        ]
        start(f"{answer.value} {answer.phrase}", headers)
        return [] if method == "HEAD" else [body]

    return application

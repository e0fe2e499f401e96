"""The subcommand `python -m evaluation serve`: the interactive page, without TensorBoard."""

import errno
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from zoo.support.plain import plain
from zoo.support.terminal import console

HOST = "127.0.0.1"
"""The only address that is served: that of this machine, which no other reaches."""


@dataclass(frozen=True)
class Serve:
    """Show stored measurements on a page for the browsers of this machine, until Ctrl-C."""

    logs: Path = Path("tensorboard_logs")
    """The folder of TensorBoard logs."""
    port: int = 6007
    """The port; 0 chooses a free one."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a browser that keeps its connection must not hold the end up


class _Quiet(WSGIRequestHandler):
    def log_message(self, *said: Any) -> None:
        """Say nothing about requests."""


def serve(command: Serve) -> None:
    """Serve the page until the command is interrupted.

    Raises:
        FileNotFoundError: If there are no measurements.
        OSError: If the port is taken, or may not be used.
        ValueError: If there is no such port.
    """
    from evaluation.reporting.tab.application import alone
    from evaluation.reporting.tab.records import RECORDS, Records

    records = Records(command.logs)
    if not records.folders():
        raise FileNotFoundError(
            f"expected measurements in {plain(command.logs / RECORDS)}, there are none: "
            "python -m evaluation makes some"
        )
    with _server(command.port) as server:
        port = server.server_port
        server.set_app(alone(records, {f"{HOST}:{port}", f"localhost:{port}"}))
        with console.status("reading the measurements …"):
            records.json()  # so that the page is there at once
        where = f"Open http://{HOST}:{port}/ (Ctrl-C ends it)"
        console.print(where, soft_wrap=True, highlight=False)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print()


def _server(port: int) -> WSGIServer:
    if not 0 <= port < 1 << 16:
        raise ValueError(f"expected --port from 0 to 65535, received {port}: 0 chooses a free one")
    try:
        return _Server((HOST, port), _Quiet)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is taken" if taken else f"cannot be used ({error.strerror})"
        raise OSError(
            f"expected a free --port, received {port}, which {why}: 0 chooses a free one"
        ) from error

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A web server of a pool lab that checks ask, and what they asked."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
import typing as t
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from netns.health_director import WEB_PORT
from netns.pool_lab import Namespace


@dataclass(frozen=True)
class Asked:
    """One request: when it came (monotonic seconds) and what it was."""

    at: float
    method: str
    path: str
    version: str
    headers: t.Mapping[str, str]
    client: str
    """The address it came from."""
    server_name: str | None
    """What TLS asked for (SNI)."""
    status: int
    """What it was answered."""
    content: bytes
    """What came with it."""


class Pages:
    """One thread for each request; with a context behind TLS."""

    def __init__(self, namespace: Namespace, port: int = WEB_PORT, context: ssl.SSLContext | None = None) -> None:
        self.body = b"all is well\n"
        self.status = 200
        self.bodies: dict[str, bytes] = {}
        """Pages that have a body of their own, by path."""
        self.statuses: dict[str, int] = {}
        self.asked: list[Asked] = []
        with namespace.inside():
            self._server = ThreadingHTTPServer(("0.0.0.0", port), self._handler())
        if context is not None:
            context.sni_callback = _remember_name
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def requests(self, path: str) -> list[Asked]:
        """Those for this page."""
        return [one for one in list(self.asked) if one.path == path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802  # http.server's names
                status = pages.statuses.get(self.path, pages.status)
                pages.asked.append(self._asked(status))
                body = pages.bodies.get(self.path, pages.body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a probe ends as soon as it knows enough
                    self.wfile.write(body if self.command != "HEAD" else b"")

            do_HEAD = do_POST = do_GET  # noqa: N815

            def _asked(self, status: int) -> Asked:
                name = getattr(self.connection, "name_asked_for", None)
                content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                request = self.command, self.path, self.request_version, dict(self.headers)
                return Asked(time.monotonic(), *request, self.client_address[0], name, status, content)

            def log_message(self, *_arguments: object) -> None:
                """Keep quiet."""

        return Handler


def _remember_name(connection: t.Any, name: str | None, _context: ssl.SSLContext) -> None:
    connection.name_asked_for = name

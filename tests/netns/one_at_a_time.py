# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server in one namespace that answers one client after the other, in a thread."""

from __future__ import annotations

import abc
import contextlib
import socket
import threading

from netns.pool_lab import PATIENCE_SECONDS, Namespace


class OneAtATime(abc.ABC):
    """Listens until it is closed."""

    def __init__(self, namespace: Namespace, port: int) -> None:
        self.client_ports: list[int] = []
        with namespace.inside():
            self._listener = socket.create_server(("0.0.0.0", port))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    @abc.abstractmethod
    def answer(self, connection: socket.socket) -> None:
        """Talk with one client; an OSError ends no more than this."""

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener is shut down
            while True:
                connection, peer = self._listener.accept()
                self.client_ports.append(peer[1])
                connection.settimeout(PATIENCE_SECONDS)
                with connection, contextlib.suppress(OSError):
                    self.answer(connection)

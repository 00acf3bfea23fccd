# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to the daemon: one JSON request on a line, one JSON answer on a line.

Private to this collection.
"""

from __future__ import annotations

import json
import socket
import time
import typing as t

_MAXIMUM_ANSWER = 16 * 1024 * 1024
_CHUNK = 65536

Answer = t.Dict[str, t.Any]


class DaemonUnreachable(Exception):
    """No answer from the daemon; the text says why and what to do."""


def ask(control_socket: str, verb: str, timeout: float) -> Answer:
    """The daemon's answer to one verb. Raises DaemonUnreachable, after `timeout` seconds at the latest."""
    deadline = time.monotonic() + timeout
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(control_socket)
            connection.sendall(json.dumps({"verb": verb}).encode() + b"\n")
            answer = json.loads(_line(connection, deadline))
    except (OSError, ValueError) as error:
        raise DaemonUnreachable(
            f"the daemon does not answer {verb} on {control_socket}: {error}; see systemctl status mainstay"
        ) from error
    if not isinstance(answer, dict):
        raise DaemonUnreachable(f"the daemon's answer to {verb} is no mapping: {answer!r}")
    return answer


def _line(connection: socket.socket, deadline: float) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        chunk = connection.recv(_CHUNK)
        if not chunk:
            raise ValueError("the connection ended within the answer")
        received += chunk
        if len(received) > _MAXIMUM_ANSWER:
            raise ValueError(f"the answer is longer than {_MAXIMUM_ANSWER} bytes")
    return received

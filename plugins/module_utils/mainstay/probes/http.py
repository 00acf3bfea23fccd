# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP_GET: one request, judged by the status code of the answer."""

from __future__ import annotations

import typing as t

from ..model.check_config import HttpCheck
from ..model.units import Instant
from .http_answer import AnswerHead, MalformedAnswer
from .task import TCP, ProbeTask, Search, source_of, target_of
from .verdict import Verdict

CodeRanges = t.Tuple[t.Tuple[int, int], ...]
"""Accepted status codes as inclusive ranges."""

_VERSIONS = ("1.0", "1.1")


def host_of(address: str, port: int) -> str:
    """Host header for a target without a name: "192.0.2.21:80", "[2001:db8::21]:80".

    The port is always there, as keepalived sends it.
    """
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def request_bytes(path: str, host: str, version: str) -> bytes:
    """The request, ready to send.

    Raises ValueError for what would split or bend the request: control characters, a host with spaces, a path
    that does not begin with "/". Other characters outside ASCII are percent-encoded in the path.
    """
    if version not in _VERSIONS:
        raise ValueError(f"http_protocol {version!r}: allowed are {' and '.join(_VERSIONS)}")
    if any(character <= " " or character >= "\x7f" for character in host) or not host:
        raise ValueError(f"virtualhost {host!r}: allowed are visible ASCII characters")
    lines = [f"GET {_encoded(path)} HTTP/{version}", f"Host: {host}", "User-Agent: Mainstay"]
    if version == "1.1":
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _encoded(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"path {path!r}: must begin with /")
    if any(character < " " or character == "\x7f" for character in path):
        raise ValueError(f"path {path!r}: control characters are not allowed")
    return "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in path.encode("utf-8"))


def ranges_text(ranges: CodeRanges) -> str:
    """Ranges as the configuration spells them: "200-299, 302"."""
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


class HttpProbe:
    """Sends `request`; up when the status code lies in one of `accepted`."""

    def __init__(self, request: bytes, accepted: CodeRanges) -> None:
        self._request = request
        self._accepted = accepted
        self._head = AnswerHead()
        self._received = 0
        self._verdict: t.Optional[Verdict] = None

    def start(self, _now: Instant) -> t.Union[bytes, Verdict]:
        """The request."""
        return self._request

    def receive(self, received: bytes, _now: Instant) -> t.Union[bytes, Verdict, None]:
        """The verdict as soon as the head of the answer is whole or can no longer become one."""
        if self._verdict is None:
            self._received += len(received)
            self._verdict = self._judge(received)
        return self._verdict

    def awaits(self) -> str:
        """The part of the answer that is not whole yet."""
        return self._head.awaits()

    def _judge(self, received: bytes) -> t.Optional[Verdict]:
        if not received:
            return Verdict(False, f"connection closed before a {self.awaits()}: got {self._received} bytes")
        try:
            code = self._head.feed(received)
        except MalformedAnswer as malformed:
            return Verdict(False, str(malformed))
        return None if code is None else self._judge_code(code)

    def _judge_code(self, code: int) -> Verdict:
        if any(low <= code <= high for low, high in self._accepted):
            return Verdict(True, f"HTTP {code}")
        return Verdict(False, f"HTTP {code}, accepted are {ranges_text(self._accepted)}")


def tasks(check: HttpCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """One task for each page."""
    target = target_of(check, address, port)
    request = request_bytes(check.path, check.virtualhost or host_of(*target), check.http_protocol)
    return (ProbeTask(TCP, *target, lambda: HttpProbe(request, check.status_code), source_of(check)),)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A check of a MySQL or MariaDB server: its greeting, then a login that need not succeed.

The greeting alone would do for a verdict. But a server counts clients that leave in the middle of the handshake, and
refuses the host after max_connect_errors of them (100): the check itself would take the server down. So the handshake
goes to its end, as user "mainstay" without a password. "Access denied" is not counted, and is up.
"""

from __future__ import annotations

import struct
import typing as t

from ..model.check_config import GreetingCheck
from ..model.units import Instant
from .greeting import plain
from .task import TCP, ProbeTask, Search, source_of, target_of
from .verdict import Said, Verdict

USER = b"mainstay"

_PACKET_BYTES = 4096
_PROTOCOL_10, _OK, _ERROR, _SWITCH = 10, 0x00, 0xFF, 0xFE
_SWITCHES = 3
# CLIENT_LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH
_CAPABILITIES = 0x1 | 0x200 | 0x8000 | 0x80000
_CHARSET_UTF8 = 33
_PLUGIN = b"mysql_native_password"
# How a plugin is told that there is no password, if not by an empty packet.
_NO_PASSWORD = {b"caching_sha2_password": b"\0", b"sha256_password": b"\0"}

_REFUSES_EVERYBODY = {
    1040: "too many connections",
    1053: "shutdown in progress",
    1129: "this host is blocked because of connection errors (FLUSH HOSTS on the server)",
    1130: "this host may not connect",
}


class MysqlProbe:
    """One handshake."""

    def __init__(self) -> None:
        self._pending = b""
        self._version: t.Optional[str] = None
        self._switches = 0
        self._verdict: t.Optional[Verdict] = None

    def start(self, _now: Instant) -> Said:
        """The server speaks first."""
        return None

    def receive(self, received: bytes, _now: Instant) -> Said:
        """Our half of the handshake, then the verdict."""
        if self._verdict is None:
            said = self._hear(received)
            if not isinstance(said, Verdict):
                return said
            self._verdict = said
        return self._verdict

    def awaits(self) -> str:
        """The greeting or what follows our login."""
        return "greeting" if self._version is None else "reply to the login"

    def _hear(self, received: bytes) -> t.Union[bytes, Verdict, None]:
        if not received:
            return Verdict(False, f"connection closed before a {self.awaits()}")
        self._pending += received
        out = b""
        while len(self._pending) >= 4:
            size, number = int.from_bytes(self._pending[:3], "little"), self._pending[3]
            if not 0 < size <= _PACKET_BYTES:
                return Verdict(False, f"not a MySQL answer: a packet of {size} bytes")
            if len(self._pending) < 4 + size:
                break
            content, self._pending = self._pending[4 : 4 + size], self._pending[4 + size :]
            said = self._take(content)
            if isinstance(said, Verdict):
                return said
            out += packet(said, number + 1)
        return out or None

    def _take(self, content: bytes) -> t.Union[bytes, Verdict]:
        """One packet; the content of the next of ours, or the verdict."""
        if self._version is None:
            return self._greeting(content)
        if content[0] == _ERROR:
            return self._refusal(content)
        if content[0] == _SWITCH and len(content) > 1 and self._switches < _SWITCHES:
            self._switches += 1
            return _NO_PASSWORD.get(content[1:].split(b"\0", 1)[0], b"")
        return self._up("takes logins")

    def _greeting(self, content: bytes) -> t.Union[bytes, Verdict]:
        if content[0] == _ERROR:
            code, message = _error(content)
            return Verdict(False, f"{message} (error {code})")
        version, end, _rest = content[1:].partition(b"\0")
        if content[0] != _PROTOCOL_10 or not end:
            return Verdict(False, f"not a greeting of MySQL protocol 10, it begins with {plain(content[:20])}")
        self._version = plain(version)
        return login()

    def _refusal(self, content: bytes) -> Verdict:
        code, message = _error(content)
        if code in _REFUSES_EVERYBODY:
            return Verdict(False, f"{_REFUSES_EVERYBODY[code]} (error {code})")
        return self._up(f"answers the login: {message} (error {code})")

    def _up(self, what: str) -> Verdict:
        version = self._version or ""
        return Verdict(True, f"MySQL {version} {what}", details=(("version", version),))


def packet(content: bytes, number: int) -> bytes:
    """Content with its length and number before it."""
    return len(content).to_bytes(3, "little") + bytes([number & 0xFF]) + content


def login() -> bytes:
    """HandshakeResponse41 without a password and without TLS."""
    head = struct.pack("<IIB23x", _CAPABILITIES, _PACKET_BYTES, _CHARSET_UTF8)
    return head + USER + b"\0" + b"\0" + _PLUGIN + b"\0"


def _error(content: bytes) -> t.Tuple[int, str]:
    """Number and text of an ERR packet; the SQLSTATE between them, if it is there, is left out."""
    text = content[3:]
    return int.from_bytes(content[1:3], "little"), plain(text[6:] if text[:1] == b"#" else text)


def tasks(check: GreetingCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a MySQL check; it ends in order, a reset would count as an error again."""
    target = target_of(check, address, port)
    return (ProbeTask(TCP, *target, MysqlProbe, source_of(check), closes_with_reset=False),)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection synchronisation of ip_vs: its two kernel threads, read, started and stopped.

One thread of each role may run in a network namespace: the master's sends connections to a multicast group, the
backup's receives them. Layout: linux/ip_vs.h, `IPVS_CMD_*_DAEMON` and `IPVS_DAEMON_ATTR_*`; the group of IPv4 is in
network order, the port in host order.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t
from dataclasses import dataclass

from . import ipvs_messages as messages
from .data_plane import DataPlaneUnavailable
from .ipvs import open_ipvs, unavailable
from .netlink import Encoded, Message, decode, encode, u32

MASTER, BACKUP = "master", "backup"
DEFAULT_GROUP = "224.0.0.81"

_OTHERWISE = "take lvs_sync_daemon out of the configuration"

_NEW, _DEL, _GET = 9, 10, 11
_ATTR_DAEMON = 3
_STATE, _INTERFACE, _SYNC_ID, _MAXLEN, _GROUP, _GROUP6, _PORT, _TTL = 1, 2, 3, 4, 5, 6, 7, 8
_STATES = {MASTER: 1, BACKUP: 2}
_ROLES = {number: role for role, number in _STATES.items()}
_HEADER = struct.Struct("=BBH")  # command, version, reserved
_VERSION = 1


@dataclass(frozen=True)
class SyncSettings:
    """What a thread is started with."""

    interface: str
    syncid: int
    maxlen: t.Optional[int] = None
    """Bytes of a message; None: as the kernel chooses. The kernel always tells a number."""
    port: int = 8848
    ttl: int = 1
    group: str = DEFAULT_GROUP

    def same_stream(self, other: SyncSettings) -> bool:
        """Both are about the same messages on the same wire."""
        return (self.interface, self.syncid, self.port, self.group) == (
            other.interface, other.syncid, other.port, other.group,
        )  # fmt: skip

    def met_by(self, running: SyncSettings) -> bool:
        """A thread with these settings is what is wanted."""
        return self.same_stream(running) and self.ttl == running.ttl and self.maxlen in (None, running.maxlen)


class SyncControl:
    """The threads of the network namespace that it was opened in."""

    def __init__(self) -> None:
        """Raises DataPlaneUnavailable."""
        self._kernel, self._family = open_ipvs(_OTHERWISE)

    def read(self) -> t.Dict[str, SyncSettings]:
        """What runs, by role. Raises DataPlaneUnavailable."""
        try:
            bodies = self._kernel.dump(Message(self._family, _HEADER.pack(_GET, _VERSION, 0)))
        except OSError as error:
            raise unavailable(error, _OTHERWISE) from error
        return dict(decode_daemon(body) for body in bodies)

    def start(self, role: str, settings: SyncSettings) -> str:
        """Why it could not be started; empty when it runs. Raises DataPlaneUnavailable."""
        number = self._order(new_daemon_body(role, settings))
        return _refusal(number, settings) if number else ""

    def stop(self, role: str) -> str:
        """Why it could not be stopped; empty when it does not run any more. Raises DataPlaneUnavailable."""
        try:
            number = self._order(stop_daemon_body(role))
        except DataPlaneUnavailable:
            # A thread that is ended before its first turn ends with EINTR, which netlink never acknowledges.
            if role in self.read():
                raise
            return ""
        return "" if number in (0, errno.ESRCH) else os.strerror(number)

    def close(self) -> None:
        """Give the socket back; the threads stay."""
        self._kernel.close()

    def _order(self, body: bytes) -> int:
        try:
            (answer,) = self._kernel.order([Message(self._family, body)])
        except OSError as error:
            raise unavailable(error, _OTHERWISE) from error
        return answer.errno


def new_daemon_body(role: str, settings: SyncSettings) -> bytes:
    """NEW_DAEMON. The group's own attribute says its family."""
    family = socket.AF_INET6 if ":" in settings.group else socket.AF_INET
    attributes: t.List[t.Tuple[int, Encoded]] = [
        (_STATE, u32(_STATES[role])),
        (_INTERFACE, settings.interface.encode() + b"\0"),
        (_SYNC_ID, u32(settings.syncid)),
        (_GROUP6 if family == socket.AF_INET6 else _GROUP, socket.inet_pton(family, settings.group)),
        (_PORT, struct.pack("=H", settings.port)),
        (_TTL, struct.pack("=B", settings.ttl)),
    ]
    if settings.maxlen is not None:
        attributes.append((_MAXLEN, struct.pack("=H", settings.maxlen)))
    return _HEADER.pack(_NEW, _VERSION, 0) + encode([(_ATTR_DAEMON, attributes)])


def stop_daemon_body(role: str) -> bytes:
    """DEL_DAEMON: there is one of each role."""
    return _HEADER.pack(_DEL, _VERSION, 0) + encode([(_ATTR_DAEMON, [(_STATE, u32(_STATES[role]))])])


def decode_daemon(body: bytes) -> t.Tuple[str, SyncSettings]:
    """One of a dump: role and settings. Kernels before 4.3 tell only the first three."""
    found = decode(decode(body, messages.HEADER_SIZE)[_ATTR_DAEMON])
    group = DEFAULT_GROUP
    if _GROUP6 in found:
        group = socket.inet_ntop(socket.AF_INET6, found[_GROUP6])
    elif _GROUP in found:
        group = socket.inet_ntop(socket.AF_INET, found[_GROUP])
    return _ROLES[_number("=I", found[_STATE])], SyncSettings(
        found[_INTERFACE].split(b"\0", 1)[0].decode("utf-8", "replace"),
        _number("=I", found[_SYNC_ID]),
        _number("=H", found[_MAXLEN]) if _MAXLEN in found else None,
        _number("=H", found[_PORT]) if _PORT in found else 8848,
        _number("=B", found[_TTL]) if _TTL in found else 1,
        group,
    )


def _number(layout: str, field: bytes) -> int:
    return int(struct.unpack_from(layout, field)[0])


def _refusal(number: int, settings: SyncSettings) -> str:
    sentences = {
        errno.ENODEV: f"there is no interface {settings.interface}, or it is down",
        errno.EADDRNOTAVAIL: f"interface {settings.interface} has no address to send from",
        errno.EEXIST: "one of the same role runs already",
        errno.EINVAL: "the kernel refuses the settings; it cannot synchronise pools of mixed address families either",
    }
    return sentences.get(number, os.strerror(number))

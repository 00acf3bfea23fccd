# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a probe leaves this host: interface, mark, source address and port of its socket."""

from __future__ import annotations

import errno
import os
import socket
import typing as t

from ..probes.task import Source
from .probe_errors import OwnTrouble

_IP_BIND_ADDRESS_NO_PORT = 24
"""linux/in.h: the port is chosen at connect, so that one source address serves more than 28,000 connections."""

_REASONS: t.Mapping[int, str] = {
    errno.ENODEV: "there is no such interface",
    errno.EPERM: "this process may not (it needs CAP_NET_RAW for bind_if, CAP_NET_ADMIN for fwmark)",
    errno.EADDRNOTAVAIL: "this is not an address of this host",
    errno.EADDRINUSE: "the port is in use, by another probe of the same target perhaps",
    errno.EACCES: "this process may not use a port below 1024 (it needs CAP_NET_BIND_SERVICE)",
    errno.EAFNOSUPPORT: "the address is of another family than the target",
    errno.EINVAL: "the address is of another family than the target",
    socket.EAI_ADDRFAMILY: "the address is of another family than the target",
}


class SourceRefused(OwnTrouble):
    """This host cannot send the probe as it was told to; the text names the option and the reason."""


def leave_by(connection: socket.socket, source: Source) -> None:
    """Bind the socket, before it connects. Raises SourceRefused: that says nothing about the server."""
    if source.bind_if:
        name = source.bind_if.encode("ascii", "backslashreplace") + b"\0"
        _try(f"bind_if {source.bind_if}", connection.setsockopt, socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
    if source.fwmark:
        # As a signed number: that is what setsockopt of Python takes for marks above 2^31.
        mark = source.fwmark - (1 << 32) if source.fwmark >> 31 else source.fwmark
        _try(f"fwmark {source.fwmark}", connection.setsockopt, socket.SOL_SOCKET, socket.SO_MARK, mark)
    if source.bindto or source.bind_port:
        address = source.bindto or ("::" if connection.family == socket.AF_INET6 else "0.0.0.0")
        what = " ".join(f"{key} {value}" for key, value in vars(source).items() if key in _BOUND and value)
        if source.bind_port:
            # The connection before this one, which was reset, must not keep the port from us.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif connection.type != socket.SOCK_RAW:  # that has no ports, and says so when it is of IPv6
            connection.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        _try(what, connection.bind, (address, source.bind_port))


_BOUND = ("bindto", "bind_port")


def _try(what: str, act: t.Callable[..., None], *arguments: object) -> None:
    try:
        act(*arguments)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or os.strerror(error.errno or errno.EIO)
        raise SourceRefused(f"{what}: {reason}") from error

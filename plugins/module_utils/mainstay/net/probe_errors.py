# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an errno means for a probe: whose fault it is, and how to say it."""

from __future__ import annotations

import errno
import os
import typing as t

_SERVER: t.Mapping[int, str] = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset by the server",
    errno.EPIPE: "connection closed by the server",
    errno.ETIMEDOUT: "no answer to the packets of the connection (kernel timeout)",
    errno.EHOSTUNREACH: "no route to host, or the host does not answer ARP or ND",
    errno.ENETUNREACH: "network is unreachable",
    errno.EACCES: "connecting is forbidden by a packet filter or route of this host",
    errno.EPERM: "connecting is forbidden by a packet filter or route of this host",
}

# Shortages of the probing host. They say nothing about the server, which must keep its last state.
_OURS: t.Mapping[int, str] = {
    errno.EMFILE: "this process has no file descriptors left (raise LimitNOFILE)",
    errno.ENFILE: "this host has no file descriptors left (raise fs.file-max)",
    errno.ENOBUFS: "this host has no socket buffers left",
    errno.ENOMEM: "this host has no memory left",
    errno.EADDRNOTAVAIL: "this host has no free source address and port towards the server",
    errno.EINVAL: "this host cannot connect to such an address (one of fe80::/10 needs bind_if)",
    errno.EAFNOSUPPORT: "this kernel does not support the address family of the server",
}


class OwnTrouble(Exception):
    """This host cannot probe as configured; the text is the reason in a sentence. It says nothing of the server."""


class TlsFailure(Exception):
    """TLS did not come about; the text is the reason in a sentence."""


def is_own_shortage(code: int) -> bool:
    """Does this errno speak of the probing host and not of the server?"""
    return code in _OURS


def error_sentence(code: int) -> str:
    """The errno in words; one without its own words gets the C library's."""
    return _SERVER.get(code) or _OURS.get(code) or f"{os.strerror(code)} (errno {code})"

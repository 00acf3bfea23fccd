# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name that TLS asks for and that `verify: full` looks for in the certificate."""

from __future__ import annotations

import typing as t

from ..model.check_config import Tls


def server_name(tls: Tls, virtualhost: t.Optional[str], address: str) -> t.Optional[str]:
    """None: no name is sent. An address is never sent (RFC 6066 3), but verified like a name.

    Raises ValueError for a name that cannot be sent.
    """
    name = tls.sni_name or _without_port(virtualhost)
    if tls.verify == "full":
        if not tls.enable_sni:
            raise ValueError("enable_sni: false goes with verify: none or ca; the name that is verified is also sent")
        return _checked(name or address)
    return _checked(name) if name and tls.enable_sni else None


def _without_port(virtualhost: t.Optional[str]) -> t.Optional[str]:
    """www.example.net:8443 and [2001:db8::1]:443 without their ports."""
    if not virtualhost:
        return None
    if virtualhost.startswith("["):
        return virtualhost[1:].partition("]")[0]
    name, _colon, port = virtualhost.rpartition(":")
    return name if name and port.isdecimal() and ":" not in name else virtualhost


def _checked(name: str) -> str:
    try:
        name.encode("idna")
    except UnicodeError as error:
        raise ValueError(f"{name!r} cannot be the name of a TLS server: {error}") from error
    if not name or name.startswith("."):
        raise ValueError(f"{name!r} cannot be the name of a TLS server")
    return name

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How supervisor and health worker call a check that the one runs and the other follows.

A program's name says what it is, not where in the list it stands: one that is put in front of it must not take its
result. Both sides derive it from the check with its defaults filled in.
"""

from __future__ import annotations

import typing as t

from ..lvs.keys import ServerId
from ..model.check_config import BfdCheck, Check, FileCheck
from ..model.sha256 import sha256

_DIGITS = 12
"""Of the digest: the checks of one server have to differ, no more."""


def told_name(server: ServerId, check: Check) -> str:
    """The name of its results: "misc:web 192.0.2.21:80 0a1b2c3d4e5f", "file:NAME", "bfd:NAME"."""
    if isinstance(check, FileCheck):
        return f"file:{check.track_file}"
    if isinstance(check, BfdCheck):
        return f"bfd:{check.name}"
    return f"misc:{server[0]} {server[1]} {sha256(repr(check).encode())[:_DIGITS]}"


def server_of(name: str) -> t.Optional[ServerId]:
    """Whose program it is; None for what is no program's name."""
    kind, _colon, rest = name.partition(":")
    if kind != "misc":
        return None
    service, server, _digest = rest.rsplit(" ", 2)
    return service, server

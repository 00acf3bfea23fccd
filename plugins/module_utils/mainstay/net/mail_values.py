# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mail, its server and the outcome are. Apart from the delivery, which loads TLS: that costs 8 MB and only the
process of an attempt needs it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class MailServer:
    """Where mails go, and how."""

    host: str
    port: int
    helo: str
    timeout: float
    """Seconds, of the connection and of each answer."""
    starttls: bool = False
    username: t.Optional[str] = None
    password: str = ""

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


@dataclass(frozen=True)
class Letter:
    """One mail with its envelope."""

    sender: str
    recipients: t.Tuple[str, ...]
    """Addresses alone."""
    message: str
    """Headers and body, ASCII."""


@dataclass(frozen=True)
class Delivery:
    """How it went."""

    sentence: str
    """For people, printable; empty when everybody got it."""
    again: t.Tuple[int, ...] = ()
    """Places in `recipients` of those that are worth another attempt."""
    refused: t.Tuple[int, ...] = ()
    """Those whom the server will never take it for."""
    stuck: bool = False
    """The server itself could not be used: other mails would not fare better."""

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a BFD session wants done: the only way out of `Session.handle`. Order matters and is kept."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .packet import Diagnostic, State


@dataclass(frozen=True)
class SendControl:
    """Transmit these octets to the neighbor now."""

    octets: bytes


@dataclass(frozen=True)
class Transition:
    """The state changed; `reason` is a sentence for a tired operator."""

    before: State
    after: State
    diagnostic: Diagnostic
    reason: str


Action = t.Union[SendControl, Transition]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The priority that a router has at the moment, and what made it so."""

from __future__ import annotations

import typing as t

from .events import Influence
from .timers import DEMOTED_PRIORITY, HIGHEST_PRIORITY, OWNER_PRIORITY


class Priority:
    """Configured, moved by trackers, overruled by an operator or by a second owner; `effective` is what counts."""

    def __init__(self, configured: int) -> None:
        self.configured = configured
        self.demoted = False
        self.usurped = False
        """A second owner does not go away: we count as 254 until it does (FSM-22)."""
        self.why: t.Tuple[Influence, ...] = ()
        self.effective = configured
        self._tracked = configured

    @property
    def acts_as_owner(self) -> bool:
        """Whether this is the owner of the addresses, and nothing overrules that."""
        return self.effective == OWNER_PRIORITY

    def configure(self, configured: int) -> None:
        """A priority that tracking moved stays unless the configured one changed."""
        if configured != self.configured:
            self.configured = self._tracked = configured
            self.why = ()
        self._weigh()

    def track(self, asked: int, why: t.Tuple[Influence, ...] = ()) -> None:
        """FSM-25: clamped; owners are exempt (OWN-02)."""
        if self.configured != OWNER_PRIORITY:
            self._tracked = min(max(asked, 1), HIGHEST_PRIORITY)
            self.why = why
        self._weigh()

    def demote(self, demoted: bool) -> None:
        self.demoted = demoted
        self._weigh()

    def usurp(self, usurped: bool) -> None:
        self.usurped = usurped
        self._weigh()

    def _weigh(self) -> None:
        """Called after each change: `effective` is read with every packet."""
        self.usurped = self.usurped and self.configured == OWNER_PRIORITY
        if self.demoted:
            self.effective = DEMOTED_PRIORITY
        else:
            self.effective = HIGHEST_PRIORITY if self.usurped else self._tracked

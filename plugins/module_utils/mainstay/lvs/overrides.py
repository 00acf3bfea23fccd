# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator has ordered for single real servers. Orders survive reload, restart and reboot.

    drain        no new connections, those that are there go on; in the table at weight 0 whatever checks say
    maintenance  out of the table
    force        in service whatever checks say, at its configured weight, at once and undamped
    weight       another weight than the configured one; checks decide as ever; 0 drains

An order for a server that no service has waits until there is one: nothing here invents a server.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .keys import ServerId

DRAIN = "drain"
MAINTENANCE = "maintenance"
FORCE = "force"
WEIGHT = "weight"
ACTIONS = (DRAIN, MAINTENANCE, FORCE, WEIGHT)


@dataclass(frozen=True)
class Override:
    """One order."""

    action: str
    """drain, maintenance, force or weight."""
    weight: t.Optional[int] = None
    """0..65535, of action weight."""
    by: str = ""
    """Who ordered it."""
    at: str = ""
    """When: wall clock, ISO 8601."""
    reason: str = ""
    """In the operator's words; may be empty."""

    @property
    def takes_out(self) -> bool:
        """Does it keep the server from new connections?"""
        return self.action in (DRAIN, MAINTENANCE) or (self.action == WEIGHT and self.weight == 0)

    def __str__(self) -> str:
        """The order's origin for a sentence: "ordered by alice at 2026-11-22T03:10:00+00:00 (disk swap)"."""
        words = ["ordered", f"by {self.by}" if self.by else "", f"at {self.at}" if self.at else ""]
        return " ".join(word for word in [*words, f"({self.reason})" if self.reason else ""] if word)


Overrides = t.Mapping[ServerId, Override]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the BFD sessions of the vrrp worker say, for servers with a BFD_CHECK.

A session that begins anew, because the configuration or the worker is new, is down until its first packets have gone
to and fro. That says nothing of the neighbor, so the last result holds for a while; a neighbor that is still silent
then is down.
"""

from __future__ import annotations

import typing as t

from ...model.units import Instant, seconds
from ...net.polling import Poller, Timer
from ..worker import Happening

BEGINS, UP, DOWN = "START", "UP", "DOWN"
PATIENCE = seconds(5)
"""Packets go out once a second until the session is up (RFC 5880 section 6.8.3)."""


class BfdResults:
    """The last word about each session."""

    def __init__(self, poller: Poller, changed: t.Callable[[], None]) -> None:
        """`changed` is called when a session that is wanted is up or down now."""
        self._poller = poller
        self._changed = changed
        self._wanted: t.FrozenSet[str] = frozenset()
        self._known: t.Dict[str, t.Dict[str, t.Any]] = {}
        self._silent: t.Dict[str, Timer] = {}

    def configure(self, wanted: t.FrozenSet[str], configured: t.Container[str]) -> None:
        """Whose results are told; what is configured no more is forgotten."""
        self._wanted = wanted
        self._known = {name: result for name, result in self._known.items() if name in configured}

    def happened(self, happening: Happening, now: Instant) -> None:
        """The worker tells of a session."""
        if happening.kind != "BFD":
            return
        timer = self._silent.pop(happening.name, None)
        if timer is not None:
            timer.cancel()
        if happening.event == BEGINS:
            self._silent[happening.name] = self._poller.call_at(
                now + PATIENCE, lambda _at: self._still_silent(happening)
            )
        else:
            self._take(happening)

    def results(self) -> t.Dict[str, t.Dict[str, t.Any]]:
        """Of those that are wanted and known."""
        return {f"bfd:{name}": result for name, result in self._known.items() if name in self._wanted}

    def _still_silent(self, happening: Happening) -> None:
        del self._silent[happening.name]
        self._take(happening)

    def _take(self, happening: Happening) -> None:
        up = happening.event == UP
        before = self._known.get(happening.name)
        if before is None or before["up"] != up:
            self._known[happening.name] = {"up": up, "why": happening.reason, "at": happening.at}
            if happening.name in self._wanted:
                self._changed()

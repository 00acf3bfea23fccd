# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one data plane to another while clients connect: the new one first, then the old one goes.

An engine that cannot be opened takes nothing away: the one before serves on, and the attempt is repeated.
"""

from __future__ import annotations

import typing as t

from ...lvs.reconcile import operations
from ...lvs.table import ServiceKey
from ...model.units import Instant, as_seconds
from ...net.data_plane import DataPlane, DataPlaneUnavailable, Refusal
from ...net.polling import Poller, Timer
from ..pages.table_words import telling
from ..worker import LogLine, Say
from .engines import OpenEngine, ReopenPauses, owns_whole_table
from .loose_ends import left_after

Came = t.Callable[[str, DataPlane], None]

_ATTEMPTS = 2


class FormerEngine(t.NamedTuple):
    """The one that served until now, still open and still full."""

    name: str
    plane: DataPlane
    owned: t.FrozenSet[ServiceKey]

    def leave(self, say: Say) -> None:
        """Take what is ours out of it and close it. What it does not let go is told."""
        try:
            for refusal in telling(self._empty()):
                say(LogLine("error", "mainstayd", f"data_plane {self.name} keeps what it had: {refusal.reason}"))
        except DataPlaneUnavailable as unavailable:
            say(LogLine("error", "mainstayd", f"data_plane {self.name} could not be emptied: {unavailable}"))
        left = left_after(self.plane)
        if left is not None:
            say(LogLine("error", "mainstayd", f"data_plane {self.name}: {left}"))
        self.plane.close()

    def _empty(self) -> t.List[Refusal]:
        refused: t.List[Refusal] = []
        for _attempt in range(_ATTEMPTS):
            current = self.plane.read()
            keys = [key for key in current if key in self.owned or owns_whole_table(self.name)]
            refused = self.plane.apply(operations(current, {}, keys)) if keys else []
            if not refused:
                break
        return refused


class AwaitedEngine:
    """The engine that the configuration names and that is not there yet, while another one serves."""

    def __init__(
        self, poller: Poller, say: Say, open_engine: OpenEngine, came: t.Callable[[str, DataPlane], None]
    ) -> None:
        """`came` gets the engine, open, when it comes later."""
        self._poller = poller
        self._say = say
        self._open_engine = open_engine
        self._came = came
        self._name = ""
        self._serving = ""
        self._reason = ""
        self._pauses = ReopenPauses()
        self._timer: t.Optional[Timer] = None

    def open(self, name: str, serving: str) -> t.Optional[DataPlane]:
        """The engine, if it is there now; else None, and it is waited for while `serving` serves."""
        self.forget()
        self._name, self._serving = name, serving
        return self._attempt()

    def forget(self) -> None:
        """Nobody waits for it any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._pauses.forget()
        self._name = self._reason = ""

    @property
    def error(self) -> t.Optional[str]:
        """Why it is not there, and what happens meanwhile; None when none is waited for."""
        if not self._reason:
            return None
        pause = as_seconds(self._pauses.latest)
        return f"{self._reason}; {self._serving} serves on until then, tried again in {pause:g} s"

    def _attempt(self) -> t.Optional[DataPlane]:
        try:
            plane = self._open_engine(self._name)
        except DataPlaneUnavailable as unavailable:
            self._wait(str(unavailable))
            return None
        if self._reason:
            self._say(LogLine("info", "mainstayd", f"data_plane {self._name} is available now and takes over"))
        self.forget()
        return plane

    def _wait(self, reason: str) -> None:
        if reason != self._reason:
            serves = f"{self._serving} serves on"
            self._say(LogLine("error", "mainstayd", f"data_plane {self._name} is not available, {serves}: {reason}"))
        self._reason = reason
        self._timer = self._poller.call_at(self._poller.now() + self._pauses.next(), self._due)

    def _due(self, _now: Instant) -> None:
        name, plane = self._name, self._attempt()
        if plane is not None:
            self._came(name, plane)

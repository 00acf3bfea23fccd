# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What edits of the table leave to be done, in turns of the loop of its own: a verdict never waits for it.

One go does it for everything that was edited until then. What the kernel does not let be done is told once and tried
again with the next edit or check.
"""

from __future__ import annotations

import typing as t

from ...lvs.table import ServiceKey
from ...net.data_plane import DataPlane, Unfinished
from ...net.polling import Poller
from .errand import Errand


class LooseEnds:
    """Of one engine at a time."""

    def __init__(self, poller: Poller, complain: t.Callable[[ServiceKey, str], None]) -> None:
        """`complain` is told the service and why something of it is left; once for each reason."""
        self._complain = complain
        self._errand = Errand(poller, self._part)
        self._parts: t.Optional[t.Generator[None, None, None]] = None
        self._plane: t.Optional[DataPlane] = None
        self._left: t.Dict[ServiceKey, str] = {}

    def begin(self, plane: DataPlane) -> None:
        """This engine has been edited, or may have something left from before."""
        self._plane = plane
        self._errand.begin()

    def why(self, key: ServiceKey) -> str:
        """Why something is left to be done for this service; empty when all is well."""
        return self._left.get(key, "")

    def complete(self, plane: DataPlane) -> None:
        """All of it now: the engine is about to be closed."""
        told = self._left
        self.drop()
        self._left = told
        self._note(left_after(plane))
        self._left = {}

    def drop(self) -> None:
        """Leave the engine alone; what is left to be done is whoever closes it to do."""
        self._errand.drop()
        if self._parts is not None:
            self._parts.close()
        self._parts = self._plane = None
        self._left = {}

    def _part(self) -> bool:
        if self._plane is None:
            return False
        if self._parts is None:
            self._parts = self._plane.finish()
        try:
            next(self._parts)
            return True
        except StopIteration:
            self._note(None)
        except Unfinished as unfinished:
            self._note(unfinished)
        self._parts = None
        return False

    def _note(self, unfinished: t.Optional[Unfinished]) -> None:
        before = self._left
        self._left = {} if unfinished is None else dict.fromkeys(unfinished.services, str(unfinished))
        for key, why in self._left.items():
            if before.get(key) != why:
                self._complain(key, why)


def left_after(plane: DataPlane) -> t.Optional[Unfinished]:
    """Do all that edits of this engine have left to be done; what cannot be."""
    try:
        for _part in plane.finish():
            continue
    except Unfinished as unfinished:
        return unfinished
    return None

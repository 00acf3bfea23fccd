# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reading of the kernel's table that takes several turns of the loop."""

from __future__ import annotations

import typing as t

from ...lvs.table import ServiceKey, Table


class Survey:
    """Tells the parts as they come, without what we ourselves edit while it goes on."""

    def __init__(self, parts: t.Iterator[Table]) -> None:
        self._parts = parts
        self._done: t.Set[ServiceKey] = set()
        """Services that were told or edited."""

    def skip(self, keys: t.Iterable[ServiceKey]) -> None:
        """These are being edited: what was read of them before, or is in the middle of a part, is not how they are."""
        self._done.update(keys)

    def part(self) -> t.Optional[Table]:
        """The next services, with their pools; None at the end. Raises DataPlaneUnavailable."""
        found = next(self._parts, None)
        if found is None:
            return None
        part = {key: service for key, service in found.items() if key not in self._done}
        self._done.update(part)
        return part

    def missing(self, keys: t.Collection[ServiceKey]) -> t.Set[ServiceKey]:
        """At the end: those of `keys` that were in no part."""
        return {key for key in keys if key not in self._done}

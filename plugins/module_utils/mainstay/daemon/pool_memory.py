# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the health worker has told of services and servers, kept by the supervisor for the worker's next life.

A worker that starts after a death finds most things as they were. What was told before is no news: no program, no
mail, no line and no event comes of it. And the new worker is told which servers were down: a pool that is empty, since
all of them had failed, looks in the kernel as one that nobody has filled yet, and they would come back on trust.
"""

from __future__ import annotations

import typing as t

from ..model.config import Config
from .worker import Happening

VERB = "was_down"
_KINDS = ("VS", "RS")


class PoolMemory:
    """Of one run of the daemon."""

    def __init__(self) -> None:
        self._services: t.FrozenSet[str] = frozenset()
        self._last: t.Dict[t.Tuple[str, str], str] = {}
        """By kind and name: the event."""
        self.down: t.Dict[str, str] = {}
        """Servers that are down, as a Happening names them, with the reason."""

    def is_news(self, happening: Happening) -> bool:
        """Take it in. False for what a new worker has found again."""
        if happening.kind not in _KINDS:
            return True
        key = (happening.kind, happening.name)
        before, self._last[key] = self._last.get(key), happening.event
        if happening.kind == "RS":
            self.down.pop(happening.name, None)
            if happening.event == "DOWN":
                self.down[happening.name] = happening.reason
        return before != happening.event

    def configure(self, config: Config) -> None:
        """What left the configuration begins anew if it comes back."""
        stay = self._services & config.virtual_servers.keys()
        self._services = frozenset(config.virtual_servers)
        self._last = {key: event for key, event in self._last.items() if _service(key[1]) in stay}
        for name in [name for name in self.down if _service(name) not in stay]:
            del self.down[name]


def _service(name: str) -> str:
    return name.partition(" ")[0]

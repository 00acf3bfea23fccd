# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FIFOs of the configuration: notify_fifo for everything, vrrp_notify_fifo and lvs_notify_fifo for a part of it."""

from __future__ import annotations

import typing as t

from ...model.commands import Command
from ...model.config import Config
from ...model.units import Instant
from ...net.polling import Poller
from ..journal import Journal
from .fifo_reader import FifoReader
from .notify_wanted import POOLS, VRRP
from .scripts import ScriptRunner


class _Place(t.NamedTuple):
    """One path of the configuration."""

    reader: t.Optional[Command]
    kinds: t.FrozenSet[str]
    """Of the objects whose lines go there."""


class NotifyFifos:
    """Makes them, writes to them, takes them away."""

    def __init__(self, poller: Poller, journal: Journal, runner: ScriptRunner) -> None:
        self._poller = poller
        self._journal = journal
        self._runner = runner
        self._fifos: t.Dict[str, FifoReader] = {}
        self._kinds: t.Dict[str, t.FrozenSet[str]] = {}
        self._leaving: t.List[FifoReader] = []

    def configure(self, config: Config, now: Instant) -> None:
        """Those that stay do not notice."""
        before, self._fifos, wanted = self._fifos, {}, _places(config)
        self._kinds = {path: place.kinds for path, place in wanted.items()}
        for path, place in wanted.items():
            old = before.get(path)
            if old is not None and old.reader == place.reader:
                self._fifos[path] = before.pop(path)
            else:
                self._fifos[path] = FifoReader(self._poller, self._journal, self._runner, path, place.reader)
        # The old ones leave before the new ones start: it may be the same path.
        self._leaving = [fifo for fifo in self._leaving if not fifo.idle] + list(before.values())
        for fifo in before.values():
            fifo.close(now)
        for fifo in self._fifos.values():
            fifo.start(now)

    def write(self, kind: str, line: bytes) -> None:
        """To all that take objects of this kind."""
        for path, fifo in self._fifos.items():
            if kind in self._kinds[path]:
                fifo.write(line)

    def close(self, now: Instant) -> None:
        """Nothing more is written; readers come to their end."""
        self._leaving += self._fifos.values()
        self._fifos = {}
        for fifo in self._leaving:
            fifo.close(now)

    @property
    def read_out(self) -> bool:
        """Every reader has ended."""
        return all(fifo.idle for fifo in self._leaving)

    def status(self) -> t.Dict[str, object]:
        """By path."""
        return {path: fifo.document() for path, fifo in self._fifos.items()}


def _places(config: Config) -> t.Dict[str, _Place]:
    """One path may stand in several places; then it takes the lines of all."""
    defs = config.global_defs
    found: t.Dict[str, _Place] = {}
    for path, reader, kinds in (
        (defs.notify_fifo, defs.notify_fifo_script, VRRP | POOLS),
        (defs.vrrp_notify_fifo, defs.vrrp_notify_fifo_script, VRRP),
        (defs.lvs_notify_fifo, defs.lvs_notify_fifo_script, POOLS),
    ):
        if path is not None:
            there = found.get(path, _Place(None, frozenset()))
            found[path] = _Place(there.reader if reader is None else reader, there.kinds | kinds)
    return found

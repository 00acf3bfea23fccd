# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling the operator's programs and FIFOs what happened to instances and groups.

Theory of operation. What a worker says arrives in order. A new state is told once: a worker that died and found its
state again has nothing new to tell. For each state a mail is written where smtp_alert says so, then the program of
that state runs (notify_master ...), then the generic notify with four more arguments: INSTANCE or GROUP, name, state,
priority (0 of a group). Programs of one object run one after the other, those of different objects side by side.
FIFO lines are written at once; nobody waits
for a program before them.

An instance that a reload removes is told as FAULT, as keepalived does, or as DELETED when it has a notify_deleted;
its programs are those of the configuration it stood in.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ...model.commands import Command
from ...model.config import Config
from ...model.defaults import notifications
from ...model.units import NANOSECONDS_PER_SECOND, Instant
from ...model.vrrp_config import Notifications
from ...net.polling import Poller
from ..journal import Journal
from ..worker import Happening
from .fifo_reader import FifoReader
from .notify_fifo import fifo_line
from .script_queue import Order, ScriptQueue
from .script_run import ScriptResult
from .scripts import ScriptRunner

SCRIPT_TIMEOUT = 60 * NANOSECONDS_PER_SECOND
"""A program that runs longer is ended: others of its object wait for it."""

STATES = ("MASTER", "BACKUP", "FAULT", "STOP", "DELETED")
_PRIORITY_LINES = ("MASTER_PRIORITY", "BACKUP_PRIORITY")
_OF_EVENT = {
    "MASTER": "notify_master",
    "BACKUP": "notify_backup",
    "FAULT": "notify_fault",
    "STOP": "notify_stop",
    "DELETED": "notify_deleted",
    "MASTER_RX_LOWER_PRI": "notify_master_rx_lower_pri",
}

Mail = t.Callable[[Happening], None]
_Object = t.Tuple[str, str]
"""Kind and name."""


class Notifier:
    """Scripts and FIFOs of the running configuration."""

    def __init__(self, poller: Poller, journal: Journal, runner: ScriptRunner, mail: Mail) -> None:
        """`runner` is for notifications alone; `mail` takes what a mail is to be written about."""
        self._poller = poller
        self._journal = journal
        self._runner = runner
        self._mail = mail
        self._wanted: t.Dict[_Object, Notifications] = {}
        self._queues: t.Dict[_Object, ScriptQueue] = {}
        self._last: t.Dict[_Object, Happening] = {}
        """The last state of each."""
        self._fifos: t.Dict[str, FifoReader] = {}
        self._leaving: t.List[FifoReader] = []
        self._number = 0
        self._configured = False

    def configure(self, config: Config, now: Instant) -> None:
        """Tell as this configuration says from now on."""
        left = {key: self._wanted[key] for key in self._wanted if key in self._last}
        self._wanted = {**left, **_wanted(config)}
        self._queues = {key: queue for key, queue in self._queues.items() if key in self._wanted or not queue.idle}
        self._configure_fifos(config, now)
        if self._configured and config.global_defs.fifo_write_vrrp_states_on_reload:
            for happening in self._last.values():
                self._write_line(happening, happening.event)
        self._configured = True

    def happened(self, happening: Happening, _now: Instant) -> None:
        """Tell of it."""
        key = (happening.kind, happening.name)
        wanted = self._wanted.get(key, Notifications())
        event = happening.event
        if event in STATES:
            if key in self._last and self._last[key].event == event:
                return
            self._last[key] = happening
            if wanted.smtp_alert:
                self._mail(happening)
            if event == "DELETED" and wanted.notify_deleted is None:
                event = "FAULT"
        if event not in _PRIORITY_LINES or wanted.notify_priority_changes:
            self._write_line(happening, event)
        self._order(key, wanted, happening, event)
        if happening.event == "DELETED":
            self._forget(key)

    def last_words(self) -> None:
        """The end has begun: only the last state of each object is told still."""
        for queue in self._queues.values():
            queue.keep_last_state()

    def hurry(self, now: Instant) -> None:
        """End the programs that others wait for."""
        for queue in self._queues.values():
            queue.hurry("mainstayd stops and others wait for it", now)

    def end(self, now: Instant) -> None:
        """End every program."""
        for queue in self._queues.values():
            queue.end("mainstayd stops", now)

    @property
    def idle(self) -> bool:
        """Every program has ended."""
        return all(queue.idle for queue in self._queues.values())

    def close_fifos(self, now: Instant) -> None:
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
        """What waits and what was dropped, by object; the FIFOs."""
        busy = {f"{kind} {name}": queue for (kind, name), queue in self._queues.items()}
        queues = {
            name: {"waiting": queue.waiting, "dropped": queue.dropped}
            for name, queue in busy.items()
            if queue.dropped or not queue.idle
        }
        return {"scripts": queues, "fifos": {path: fifo.document() for path, fifo in self._fifos.items()}}

    # ---- scripts

    def _order(self, key: _Object, wanted: Notifications, happening: Happening, event: str) -> None:
        self._number += 1
        is_state = event in STATES
        generic = (happening.kind, happening.name, event, str(happening.priority))
        own: t.Optional[Command] = getattr(wanted, _OF_EVENT[event]) if event in _OF_EVENT else None
        for command, arguments in ((own, ()), (wanted.notify if is_state else None, generic)):
            if command is not None:
                self._queue(key).put(Order(event, command, arguments, is_state, self._number))

    def _queue(self, key: _Object) -> ScriptQueue:
        if key not in self._queues:
            self._queues[key] = ScriptQueue(self._runner, SCRIPT_TIMEOUT, self._teller(key))
        return self._queues[key]

    def _teller(self, key: _Object) -> t.Callable[[Order, ScriptResult], None]:
        subject = f"vrrp_{'instance' if key[0] == 'INSTANCE' else 'sync_group'} {key[1]}"

        def told(order: Order, result: ScriptResult) -> None:
            if not result.good:
                self._journal.warning(subject, f"{order.command.argv[0]} for {order.event}: {result.reason}")

        return told

    def _forget(self, key: _Object) -> None:
        """A new object of this name begins anew; programs that still wait run."""
        self._wanted.pop(key, None)
        self._last.pop(key, None)

    # ---- FIFOs

    def _configure_fifos(self, config: Config, now: Instant) -> None:
        before, self._fifos = self._fifos, {}
        for path, reader in _fifos(config).items():
            old = before.get(path)
            if old is not None and old.reader == reader:
                self._fifos[path] = before.pop(path)
            else:
                self._fifos[path] = FifoReader(self._poller, self._journal, self._runner, path, reader)
        # The old ones leave before the new ones start: it may be the same path.
        self._leaving = [fifo for fifo in self._leaving if not fifo.idle] + list(before.values())
        for fifo in before.values():
            fifo.close(now)
        for fifo in self._fifos.values():
            fifo.start(now)

    def _write_line(self, happening: Happening, event: str) -> None:
        for fifo in self._fifos.values():
            fifo.write(fifo_line(happening, event))


def _wanted(config: Config) -> t.Dict[_Object, Notifications]:
    """By object. What a group says of priority lines holds for its members that say nothing."""
    defs = config.global_defs
    found: t.Dict[_Object, Notifications] = {}
    said_by_group: t.Dict[str, t.Optional[bool]] = {}
    for name, group in config.vrrp_sync_groups.items():
        found["GROUP", name] = notifications(group.notifications, defs)
        said_by_group.update(dict.fromkeys(group.group, group.notifications.notify_priority_changes))
    for name, instance in config.vrrp_instances.items():
        own = instance.notifications
        if own.notify_priority_changes is None:
            own = dataclasses.replace(own, notify_priority_changes=said_by_group.get(name))
        found["INSTANCE", name] = notifications(own, defs)
    return found


def _fifos(config: Config) -> t.Dict[str, t.Optional[Command]]:
    """Path -> reader."""
    defs = config.global_defs
    pairs = ((defs.notify_fifo, defs.notify_fifo_script), (defs.vrrp_notify_fifo, defs.vrrp_notify_fifo_script))
    return {path: reader for path, reader in pairs if path is not None}

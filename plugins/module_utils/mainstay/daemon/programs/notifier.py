# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling the operator's programs and FIFOs what happened to instances, groups, services and their servers.

Theory of operation. What a worker says arrives in order. A new state is told once: a worker that died and found its
state again has nothing new to tell. For each state a mail is written where smtp_alert says so, then the program of
that state runs (notify_master, notify_up, quorum_down ...), then for instances and groups the generic notify with four
more arguments: INSTANCE or GROUP, name, state, priority (0 of a group). Programs of one object run one after the other,
those of different objects side by side. FIFO lines are written at once; nobody waits for a program before them.

An instance that a reload removes is told as FAULT, as keepalived does, or as DELETED when it has a notify_deleted;
its programs are those of the configuration it stood in. A service that ends is told only with omega, and then no line
is written, as keepalived has it.
"""

from __future__ import annotations

import typing as t

from ...model.config import Config
from ...model.units import NANOSECONDS_PER_SECOND, Instant
from ...net.polling import Poller
from ..journal import Journal
from ..worker import Happening
from .notify_fifo import fifo_line
from .notify_fifos import NotifyFifos
from .notify_wanted import GROUP, INSTANCE, POOLS, SERVER, SERVICE, STATES, VRRP, NotifiedObject, Wanted, WantedBook
from .script_queue import Order, ScriptQueue
from .script_run import ScriptResult
from .scripts import ScriptRunner

SCRIPT_TIMEOUT = 60 * NANOSECONDS_PER_SECOND
"""A program that runs longer is ended: others of its object wait for it."""

_PRIORITY_LINES = ("MASTER_PRIORITY", "BACKUP_PRIORITY")
_TITLES = {
    INSTANCE: "vrrp_instance",
    GROUP: "vrrp_sync_group",
    SERVICE: "virtual_server",
    SERVER: "real_server",
}

Mail = t.Callable[[Happening, t.Tuple[str, ...]], None]
"""Takes what happened and keepalived's names of a service, or of a server and its service."""


class Notifier:
    """Scripts and FIFOs of the running configuration."""

    def __init__(self, poller: Poller, journal: Journal, runner: ScriptRunner, mail: Mail) -> None:
        """`runner` is for notifications alone; `mail` takes what a mail is to be written about."""
        self._journal = journal
        self._runner = runner
        self._mail = mail
        self._wanted = WantedBook()
        self._queues: t.Dict[NotifiedObject, ScriptQueue] = {}
        self._last: t.Dict[NotifiedObject, Happening] = {}
        """The last state of each."""
        self._gone: t.Set[NotifiedObject] = set()
        """Services and servers that left with the last reload: they may still have a last word."""
        self._fifos = NotifyFifos(poller, journal, runner)
        self._number = 0
        self._configured = False

    def configure(self, config: Config, now: Instant) -> None:
        """Tell as this configuration says from now on."""
        for key in self._gone:
            self._forget(key)
        self._wanted.configure(config, self._last)
        self._gone = {key for key in self._last if key[0] in POOLS and not self._wanted.knows(key)}
        self._queues = {key: queue for key, queue in self._queues.items() if self._wanted.knows(key) or not queue.idle}
        self._fifos.configure(config, now)
        if self._configured and config.global_defs.fifo_write_vrrp_states_on_reload:
            for key, happening in self._last.items():
                if key[0] in VRRP:
                    self._write_line(happening, happening.event, ())
        self._configured = True

    def happened(self, happening: Happening, _now: Instant) -> None:
        """Tell of it."""
        if happening.kind not in _TITLES:
            return
        key = (happening.kind, happening.name)
        wanted = self._wanted.of(key)
        event = happening.event
        if event in STATES:
            if key in self._last and self._last[key].event == event:
                return
            self._last[key] = happening
            if wanted.mail and not _ends(happening):
                self._mail(happening, wanted.called)
            if event == "DELETED" and event not in wanted.programs:
                event = "FAULT"
        if (event not in _PRIORITY_LINES or wanted.priority_lines) and not _ends(happening):
            self._write_line(happening, event, wanted.called)
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
        self._fifos.close(now)

    @property
    def read_out(self) -> bool:
        """Every reader has ended."""
        return self._fifos.read_out

    def status(self) -> t.Dict[str, object]:
        """What waits and what was dropped, by object; the FIFOs."""
        busy = {f"{kind} {name}": queue for (kind, name), queue in self._queues.items()}
        queues = {
            name: {"waiting": queue.waiting, "dropped": queue.dropped}
            for name, queue in busy.items()
            if queue.dropped or not queue.idle
        }
        return {"scripts": queues, "fifos": self._fifos.status()}

    # ---- scripts

    def _order(self, key: NotifiedObject, wanted: Wanted, happening: Happening, event: str) -> None:
        self._number += 1
        is_state = event in STATES
        generic = (happening.kind, happening.name, event, str(happening.priority))
        for command, arguments in ((wanted.programs.get(event), ()), (wanted.generic if is_state else None, generic)):
            if command is not None:
                self._queue(key).put(Order(event, command, arguments, is_state, self._number))

    def _queue(self, key: NotifiedObject) -> ScriptQueue:
        if key not in self._queues:
            self._queues[key] = ScriptQueue(self._runner, SCRIPT_TIMEOUT, self._teller(key))
        return self._queues[key]

    def _teller(self, key: NotifiedObject) -> t.Callable[[Order, ScriptResult], None]:
        subject = f"{_TITLES[key[0]]} {key[1]}"

        def told(order: Order, result: ScriptResult) -> None:
            if not result.good:
                self._journal.warning(subject, f"{order.command.argv[0]} for {order.event}: {result.reason}")

        return told

    def _forget(self, key: NotifiedObject) -> None:
        """A new object of this name begins anew; programs that still wait run."""
        self._wanted.forget(key)
        self._last.pop(key, None)

    def _write_line(self, happening: Happening, event: str, called: t.Tuple[str, ...]) -> None:
        if happening.kind in VRRP or called:
            self._fifos.write(happening.kind, fifo_line(happening, event, called))


def _ends(happening: Happening) -> bool:
    """Omega: what is told of a service when it ends is for programs alone."""
    return happening.kind in POOLS and happening.event == "STOP"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor's side of one worker: start it, tell it what to run, see whether it lives, start it again.

What a worker runs is known by what it has confirmed in its present life. What an earlier life ran may still be in the
kernel: a new life is told that first, adopts it, and then changes it to what is wanted now.

What it was told beside the configuration (results of trackers, demotions) dies with it, so a new life is told the
last of each kind again, before any configuration: its first decision already counts with it.
"""

from __future__ import annotations

import os
import signal
import typing as t
from dataclasses import dataclass, field

from ..model.units import NANOSECONDS_PER_SECOND, Duration, Instant
from ..net.polling import Poller, Timer
from .channel import Channel, Message
from .heartbeat import Heartbeat
from .journal import Journal
from .process import start_worker
from .signals import signal_name
from .worker import Arguments, Happening, LogLine
from .worker_process import Role

_PAUSES = tuple(round(pause * NANOSECONDS_PER_SECOND) for pause in (0, 0.5, 1, 2, 4, 5))
"""Before the first, second ... start after a death."""
_SETTLED = 10 * NANOSECONDS_PER_SECOND
"""A worker that lived so long starts again without a pause."""

Document = t.Dict[str, t.Any]
AnswerTaken = t.Callable[[t.Optional[Document]], None]
Happened = t.Callable[[Happening, Instant], None]


@dataclass
class _Life:
    """One process of the worker, from fork to its end."""

    pid: int
    channel: Channel
    heartbeat: Heartbeat
    started: Instant
    runs: t.Optional[Document] = None
    """What it has confirmed last."""
    in_flight: t.Dict[int, Document] = field(default_factory=dict)
    asked: t.Dict[int, AnswerTaken] = field(default_factory=dict)


class WorkerLink:
    """One worker through all its lives."""

    def __init__(
        self,
        role: Role,
        poller: Poller,
        journal: Journal,
        keep: t.Collection[int],
        confirmed: t.Callable[[Instant], None],
        happened: Happened,
    ) -> None:
        """`keep`: descriptors that a child inherits. `confirmed` is called when it runs what it was told last,
        `happened` with everything that happened to its instances and groups, in order.
        """
        self.role = role
        self.section: Document = {}
        self.as_of: t.Optional[Instant] = None
        self.real_time: t.Optional[bool] = None
        self._poller = poller
        self._journal = journal
        self._keep = keep
        self._confirmed = confirmed
        self._happened = happened
        self._told: t.Dict[str, Arguments] = {}
        self._life: t.Optional[_Life] = None
        self._wanted: t.Optional[Document] = None
        self._held: t.Optional[Document] = None
        self._number = 0
        self._deaths = 0
        self._restart: t.Optional[Timer] = None
        self._ending = False
        self._warned_of_priority = False
        self._handlers: t.Mapping[str, t.Callable[[_Life, Message, Instant], None]] = {
            "alive": self._heard_beat,
            "log": self._heard_log,
            "status": self._heard_status,
            "answer": self._heard_answer,
            "happening": self._heard_happening,
            "configured": self._heard_configured,
            "real_time": self._heard_priority,
        }

    @property
    def pid(self) -> t.Optional[int]:
        """Of the present process."""
        return self._life.pid if self._life else None

    @property
    def current(self) -> bool:
        """Its present process has confirmed what it was told last."""
        return self._life is not None and self._wanted is not None and self._life.runs is self._wanted

    def alive(self, now: Instant) -> bool:
        """It is there and spoke lately."""
        return self._life is not None and self._life.heartbeat.alive(now)

    def start(self, now: Instant) -> None:
        """Fork it; it gets what was running when it died, then what it should run now.

        The former first: it adopts what the kernel still holds of it and removes what has left since. When there is
        no room for a process, it is tried again.
        """
        self._restart = None
        try:
            started = start_worker(self.role, self._keep)
        except OSError as error:
            when = self._start_later(now)
            self._journal.error(self.role.title, f"cannot be started: {error.strerror}; tried again {when}")
            return
        channel = Channel(self._poller, started.descriptor, self._received, lambda _now: None)
        heartbeat = Heartbeat(self._poller, self._journal, self.role.title, self._has_to_configure, self._hangs)
        self._life = _Life(started.pid, channel, heartbeat, now)
        for verb, arguments in self._told.items():
            self._send_tell(self._life, verb, arguments)
        documents = [self._held, self._wanted] if self._held is not self._wanted else [self._wanted]
        for document in documents:
            if document is not None:
                self._send_configuration(self._life, document)

    def configure(self, document: Document) -> None:
        """Run its sections of this from now on; `confirmed` is called when it does.

        Nothing is sent when they are what it was told last.
        """
        own = {section: document[section] for section in self.role.sections if section in document}
        if own == self._wanted:
            return
        self._wanted = own
        if self._life is not None:
            self._send_configuration(self._life, own)

    def tell(self, verb: str, arguments: Arguments) -> None:
        """Say the whole of what `verb` is about, never a difference: a new life is told the last one again."""
        self._told[verb] = arguments
        if self._life is not None:
            self._send_tell(self._life, verb, arguments)

    def remember(self, verb: str, arguments: Arguments) -> None:
        """For new lives only. What stands in `arguments` when one starts is said, so they may change in place."""
        self._told[verb] = arguments

    def ask_status(self, taken: AnswerTaken) -> t.Callable[[], None]:
        """Ask; `taken` gets the section once, or None when the worker dies first.

        Returns how to stop waiting.
        """
        return self._ask({"do": "status"}, taken)

    def ask(self, verb: str, arguments: Arguments, taken: AnswerTaken) -> t.Callable[[], None]:
        """Ask one question; as `ask_status`."""
        return self._ask({"do": "ask", "verb": verb, "arguments": arguments}, taken)

    def _ask(self, question: Message, taken: AnswerTaken) -> t.Callable[[], None]:
        life = self._life
        if life is None:
            taken(None)
            return lambda: None
        self._number += 1
        number = self._number
        life.asked[number] = taken
        life.channel.send({**question, "id": number})
        return lambda: life.asked.pop(number, None) and None

    def retire(self) -> None:
        """Do not start it again when it dies."""
        self._ending = True
        if self._restart is not None:
            self._restart.cancel()

    def end(self) -> None:
        """Ask it to end in order."""
        if self._life is not None:
            self._life.channel.send({"do": "stop"})

    def kill(self, why: str = "did not end in time") -> None:
        """End it at once; its death is reaped as any other."""
        if self._life is not None:
            self._journal.error(self.role.title, f"{why} and is killed")
            os.kill(self._life.pid, signal.SIGKILL)

    def reap(self, now: Instant) -> t.Optional[int]:
        """Collect it if it has died: its exit status (negative: the signal), else None.

        Starts the next life.
        """
        life = self._life
        if life is None:
            return None
        pid, wait_status = os.waitpid(life.pid, os.WNOHANG)
        if pid == 0:
            return None
        life.channel.drain(now)
        life.channel.close()
        life.heartbeat.end()
        self._life = None
        for taken in list(life.asked.values()):
            taken(None)
        status = os.waitstatus_to_exitcode(wait_status)
        if not self._ending:
            self._start_again(life, status, now)
        return status

    def _start_again(self, life: _Life, status: int, now: Instant) -> None:
        self._deaths = 0 if now - life.started >= _SETTLED else self._deaths
        when = self._start_later(now)
        self._journal.error(self.role.title, f"pid {life.pid} {_death(status)}; a new one starts {when}")

    def _start_later(self, now: Instant) -> str:
        """Start after the next pause; when that is, for people."""
        pause: Duration = _PAUSES[min(self._deaths, len(_PAUSES) - 1)]
        self._deaths += 1
        self._restart = self._poller.call_at(now + pause, self.start)
        return "now" if pause == 0 else f"in {pause / NANOSECONDS_PER_SECOND:g} s"

    def _has_to_configure(self) -> bool:
        return self._life is not None and bool(self._life.in_flight)

    def _hangs(self, sentence: str) -> None:
        if not self._ending:  # then it has a deadline already
            self.kill(sentence)

    def _send_tell(self, life: _Life, verb: str, arguments: Arguments) -> None:
        life.channel.send({"do": "tell", "verb": verb, "arguments": arguments})

    def _send_configuration(self, life: _Life, document: Document) -> None:
        self._number += 1
        life.in_flight[self._number] = document
        life.channel.send({"do": "configure", "config": document, "id": self._number})

    def _received(self, message: Message, now: Instant) -> None:
        if self._life is not None:
            for key, handler in self._handlers.items():
                if key in message:
                    handler(self._life, message, now)

    def _heard_beat(self, life: _Life, message: Message, now: Instant) -> None:
        life.heartbeat.beat(message["alive"], now)

    def _heard_log(self, _life: _Life, message: Message, _now: Instant) -> None:
        self._journal.say(LogLine(**message["log"]))

    def _heard_status(self, life: _Life, message: Message, _now: Instant) -> None:
        self.section, self.as_of = message["status"], message["as_of"]
        taken = life.asked.pop(message["id"], None)
        if taken is not None:
            taken(self.section)

    def _heard_answer(self, life: _Life, message: Message, _now: Instant) -> None:
        taken = life.asked.pop(message["id"], None)
        if taken is not None:
            taken(message["answer"])

    def _heard_happening(self, _life: _Life, message: Message, now: Instant) -> None:
        self._happened(Happening(**message["happening"]), now)

    def _heard_configured(self, life: _Life, message: Message, now: Instant) -> None:
        life.runs = self._held = life.in_flight.pop(message["id"])
        if self.current:
            self._confirmed(now)

    def _heard_priority(self, _life: _Life, message: Message, _now: Instant) -> None:
        self.real_time = message["real_time"]
        if not self.real_time and not self._warned_of_priority:
            self._warned_of_priority = True
            self._journal.warning(self.role.title, message["refusal"])


def _death(status: int) -> str:
    if status < 0:
        return f"was killed by {signal_name(-status)}"
    return f"ended with status {status}"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inside of a worker process: its reactor, its channel to the supervisor, its end.

A worker ends in order when it is told to, when it gets SIGTERM and when the supervisor is gone; it ends
with a traceback when its code fails, and the supervisor starts a fresh one.
"""

from __future__ import annotations

import gc
import signal
import typing as t
from dataclasses import asdict, dataclass

from ..model.config import Config
from ..model.load import load_part
from ..model.units import NANOSECONDS_PER_MILLISECOND, Instant
from ..net.polling import Poller
from . import scheduling
from .channel import Channel, Message
from .reactor import Reactor
from .signals import Signals
from .uncollected import uncollected
from .worker import LogLine, Say, Saying, Worker

HEARTBEAT = 500 * NANOSECONDS_PER_MILLISECOND

BuildWorker = t.Callable[[Poller, Say], Worker]


@dataclass(frozen=True)
class Role:
    """One of the two workers."""

    name: str
    """Key of its section in the status: vrrp or lvs."""
    title: str
    """For people: "vrrp worker"."""
    build: BuildWorker
    sections: t.Tuple[str, ...]
    """Of the configuration, what it is told. What it does not need would only cost it time to read."""
    punctual: bool = False
    """Adverts depend on it: real-time priority, memory that stays, no garbage collection."""


class WorkerProcess:
    """Serves one worker until it ends."""

    def __init__(self, role: Role, descriptor: int) -> None:
        self._role = role
        self._reactor = Reactor()
        self._channel = Channel(self._reactor, descriptor, self._received, self._stop)
        self._orders: t.Mapping[str, t.Callable[[Message, Instant], None]] = {
            "configure": self._configure,
            "status": self._status,
            "tell": self._tell,
            "ask": self._ask,
            "stop": lambda _message, now: self._stop(now),
        }
        Signals(self._reactor, {signal.SIGTERM: self._stop, signal.SIGINT: _nothing, signal.SIGHUP: _nothing})
        self._worker: t.Optional[Worker] = None
        self._loaded = False
        """A configuration is loaded and does not run yet."""
        self._later: t.List[Message] = []

    def run(self) -> None:
        """Until the end in order. An exception of the worker comes out here."""
        scheduling.keep_apart(self._role.punctual)
        if self._role.punctual:
            self._become_punctual()
        self._worker = self._role.build(self._reactor, self._say)
        self._beat(self._reactor.now())
        self._reactor.run()

    def _become_punctual(self) -> None:
        # What was there at the fork is frozen and never looked at. What we make ourselves is looked at once, young,
        # with the beat after it; a collection of everything would hold up adverts for longer than a short advert_int.
        gc.disable()
        refusal = scheduling.take_real_time()
        scheduling.keep_memory()
        self._channel.send({"real_time": refusal is None, "refusal": refusal})

    def _say(self, saying: Saying) -> None:
        self._channel.send({"log" if isinstance(saying, LogLine) else "happening": asdict(saying)})

    def _beat(self, now: Instant) -> None:
        self._channel.send({"alive": now})
        if self._role.punctual:
            gc.collect(0)  # the young ones only: bounded, and nothing else collects here
        self._reactor.call_at(now + HEARTBEAT, self._beat)

    def _received(self, message: Message, now: Instant) -> None:
        """Orders are carried out as they come; those after a configuration wait until it runs."""
        if self._loaded:
            self._later.append(message)
        else:
            self._orders[message["do"]](message, now)

    def _configure(self, message: Message, _now: Instant) -> None:
        """Load it in this turn, run it in the next: of ten thousand servers each takes some tenths of a second, and
        probes, adverts and the heartbeat wait no longer than for one of the two.
        """
        with uncollected():
            config = load_part(message.pop("config"))
        self._loaded = True
        # Deadlines start when it is loaded: those of before would have passed by now, with the adverts of a living
        # master still unread.
        self._reactor.call_at(self._reactor.now(), lambda now: self._run_loaded(config, message["id"], now))

    def _run_loaded(self, config: Config, number: int, now: Instant) -> None:
        if self._worker is None:
            return
        # What is said of it comes at the end: with one processor the supervisor would take it from us now.
        with uncollected(), self._channel.held_back():
            self._worker.configure(config, now)
        gc.freeze()  # it stays until the next one: looked at again and again, a large one holds up checks
        self._channel.send({"configured": True, "id": number})
        self._loaded = False
        later, self._later = self._later, []
        for message in later:
            self._received(message, now)

    def _status(self, message: Message, now: Instant) -> None:
        if self._worker is not None:
            with uncollected():
                self._channel.send({"status": self._worker.status(now), "id": message["id"], "as_of": now})

    def _tell(self, message: Message, now: Instant) -> None:
        if self._worker is not None:
            self._worker.tell(message["verb"], message["arguments"], now)

    def _ask(self, message: Message, now: Instant) -> None:
        if self._worker is not None:
            answer = self._worker.ask(message["verb"], message["arguments"], now)
            self._channel.send({"answer": answer, "id": message["id"]})

    def _stop(self, now: Instant) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(now)
        self._reactor.stop()


def _nothing(_now: Instant) -> None:
    """Hang-ups and Ctrl-C reach the whole process group; the supervisor decides what they mean."""

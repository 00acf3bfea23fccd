# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inside of a worker process, forked as the supervisor forks it."""

from __future__ import annotations

import errno
import gc
import os
import signal
import time
import typing as t

import pytest

from mainstay.daemon import scheduling, worker_process
from mainstay.daemon.channel import Channel, Message
from mainstay.daemon.process import start_worker
from mainstay.daemon.reactor import Reactor
from mainstay.daemon.worker import Happening, LogLine, Say
from mainstay.daemon.worker_process import Role
from mainstay.model.config import Config
from mainstay.model.load import load_part
from mainstay.net.polling import Poller

FULL = 2


class Witness:
    """Remembers when it was configured and which garbage collections there were in its process."""

    def __init__(self, _reactor: Poller, say: Say) -> None:
        self._say = say
        self.configured_at: t.List[int] = []
        self.collections: t.List[int] = []
        gc.callbacks.append(self._collection)

    def _collection(self, phase: str, facts: t.Mapping[str, int]) -> None:
        if phase == "start":
            self.collections.append(facts["generation"])

    def configure(self, _config: Config, now: int) -> None:
        self.configured_at.append(now)

    def status(self, _now: int) -> t.Dict[str, object]:
        return {"configured_at": self.configured_at, "collections": self.collections, "loaded_at": LOADED_AT}

    def tell(self, verb: str, arguments: t.Dict[str, t.Any], _now: int) -> None:
        self._say(LogLine("info", verb, str(arguments)))

    def ask(self, verb: str, arguments: t.Dict[str, t.Any], _now: int) -> t.Dict[str, object]:
        self._say(Happening("INSTANCE", "VI_1", "MASTER", 100, "asked", "BACKUP", "now"))
        return {"verb": verb, **arguments}

    def stop(self, _now: int) -> None:
        gc.callbacks.clear()


LOADED_AT: t.List[int] = []


class Forked:
    """The supervisor's end of one worker process."""

    def __init__(self, role: Role) -> None:
        self._reactor = Reactor()
        started = start_worker(role, ())
        self.pid = started.pid
        self.heard: t.List[Message] = []
        self._channel = Channel(self._reactor, started.descriptor, self._received, lambda _now: None)

    def _received(self, message: Message, _now: int) -> None:
        self.heard.append(message)

    def send(self, **message: object) -> None:
        self._channel.send(message)

    def asks(self, answer: str, **message: object) -> t.Any:
        """What it answers to one message."""
        before = len(self.heard)
        self._channel.send(message)
        self._reactor.call_at(self._reactor.now() + 10_000_000_000, lambda _now: pytest.fail(f"no {answer}"))
        while not any(answer in one for one in self.heard[before:]):
            self._reactor.run_once()
        return next(one[answer] for one in self.heard[before:] if answer in one)

    def end(self) -> None:
        self._channel.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._reactor.close()
        gc.unfreeze()


@pytest.fixture
def forked() -> t.Iterator[t.Callable[[bool], Forked]]:
    made: t.List[Forked] = []

    def fork(punctual: bool) -> Forked:
        made.append(Forked(Role("vrrp", "vrrp worker", Witness, ("vrrp_instances",), punctual)))
        return made[-1]

    yield fork
    for one in made:
        one.end()


def test_deadlines_start_after_the_configuration_is_loaded(
    forked: t.Callable[[bool], Forked], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that reads a big file must not find its master-down interval over when it has read it."""

    def slow(document: object) -> Config:
        time.sleep(0.05)
        LOADED_AT.append(time.monotonic_ns())
        return load_part(document)

    monkeypatch.setattr(worker_process, "load_part", slow)
    worker = forked(False)

    worker.asks("configured", do="configure", config={}, id=1)

    status = worker.asks("status", do="status", id=2)
    assert status["configured_at"] >= status["loaded_at"], status


def test_what_comes_after_a_configuration_waits_until_it_runs(forked: t.Callable[[bool], Forked]) -> None:
    """Given configurations and orders in one go; then everything happens in the order in which it was said."""
    worker = forked(False)
    worker.send(do="configure", config={}, id=1)
    worker.send(do="tell", verb="demoted", arguments={})
    worker.send(do="configure", config={}, id=2)
    worker.send(do="tell", verb="tracked", arguments={})
    worker.asks("status", do="status", id=3)
    heard = [one for one in worker.heard if "configured" in one or "log" in one]
    told = [one["id"] if "configured" in one else one["log"]["subject"] for one in heard]
    assert told == [1, "demoted", 2, "tracked"]


def test_what_it_is_told_and_asked_reaches_the_worker_and_what_happens_comes_back(
    forked: t.Callable[[bool], Forked],
) -> None:
    worker = forked(False)

    assert worker.asks("log", do="tell", verb="tracked", arguments={"results": {}})["subject"] == "tracked"
    assert worker.asks("answer", do="ask", verb="explain", arguments={"instance": "VI_1"}, id=7) == {
        "verb": "explain",
        "instance": "VI_1",
    }
    (happening,) = [one["happening"] for one in worker.heard if "happening" in one]
    assert (happening["name"], happening["event"], happening["before"]) == ("VI_1", "MASTER", "BACKUP")


def test_no_full_garbage_collection_comes_between_adverts(forked: t.Callable[[bool], Forked]) -> None:
    worker = forked(True)

    for number in range(3):
        worker.asks("configured", do="configure", config={}, id=number)
    worker.asks("alive", do="status", id=9)

    assert FULL not in worker.asks("status", do="status", id=10)["collections"]


def locked_memory(pid: int) -> int:
    """kB that the kernel may not swap out."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return int(next(line for line in status if line.startswith("VmLck:")).split()[1])


def test_a_punctual_worker_keeps_its_memory_and_goes_before_others(forked: t.Callable[[bool], Forked]) -> None:
    """The service may do both; where the kernel refuses real time it says so and is as nice as it gets."""
    punctual, other, ours = forked(True), forked(False), os.getpriority(os.PRIO_PROCESS, 0)
    for worker in (punctual, other):
        worker.asks("alive", do="status", id=1)

    assert locked_memory(punctual.pid) > 0 == locked_memory(other.pid)
    real_time = os.sched_getscheduler(punctual.pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
    refusals = [one["log"]["message"] for one in punctual.heard if "real-time" in str(one.get("log"))]
    assert real_time or (refusals and os.getpriority(os.PRIO_PROCESS, punctual.pid) == -20), punctual.heard
    assert os.sched_getscheduler(other.pid) == os.SCHED_OTHER and os.getpriority(os.PRIO_PROCESS, other.pid) == ours


def test_no_system_call_of_the_other_worker_holds_up_adverts(forked: t.Callable[[bool], Forked]) -> None:
    """Real-time priority waits for the end of a system call on the same processor: they never run on the same one."""
    all_of_them = os.sched_getaffinity(0)
    punctual, other = forked(True), forked(False)
    for worker in (punctual, other):
        worker.asks("alive", do="status", id=1)

    ours, theirs = os.sched_getaffinity(punctual.pid), os.sched_getaffinity(other.pid)
    assert ours | theirs == all_of_them
    assert not ours & theirs or len(all_of_them) == 1, (ours, theirs)


@pytest.mark.parametrize(
    ("processors", "punctual", "other"),
    [({3}, None, None), ({0, 1}, [1], [0]), ({0, 2, 5}, [2, 5], [0]), ({0, 1, 2, 3}, [2, 3], [0, 1])],
)
def test_each_worker_has_its_half_of_the_processors(
    processors: t.Set[int],
    punctual: t.Optional[t.List[int]],
    other: t.Optional[t.List[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of those that the service may use; where there is one, both have it."""
    taken: t.List[t.Optional[t.List[int]]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: processors)
    for who in (True, False):
        taken.append(None)
        monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, mask: taken.__setitem__(-1, mask))
        scheduling.keep_apart(who)

    assert taken == [punctual, other]


def test_a_host_that_forbids_it_is_no_reason_not_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_pid: int, _processors: t.Iterable[int]) -> None:
        raise PermissionError(errno.EPERM, "forbidden")

    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    monkeypatch.setattr(os, "sched_setaffinity", refused)
    scheduling.keep_apart(punctual=True)


def test_a_fork_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise OSError(errno.EAGAIN, "no room")

    monkeypatch.setattr(os, "fork", refused)
    descriptors = os.listdir("/proc/self/fd")

    with pytest.raises(OSError, match="no room"):
        start_worker(Role("vrrp", "vrrp worker", Witness, ()), ())

    gc.unfreeze()
    assert os.listdir("/proc/self/fd") == descriptors
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set(), "no signal stays blocked"

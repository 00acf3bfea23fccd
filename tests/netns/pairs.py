# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A master and a backup that have settled, and what is asked of them again and again."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from netns.daemons import Daemon, Document, instance
from netns.segment import Segment

from lab.waiting import wait_for

SHORT = 0.3
"""advert_int in seconds of stories in which nothing depends on it."""

LEASED = 1
"""The shortest advert_int, in whole seconds, of which the lease ends before a backup takes over."""


def quick(priority: int, **options: object) -> Document:
    """An instance with that advert_int. Its lease outlasts the silence that a backup waits (vrrp/lease.py)."""
    return instance(priority, **{"advert_int": SHORT, **options})


def settled_pair(segment: Segment, folder: Path, advert_int: float = SHORT, **options: object) -> tuple[Daemon, Daemon]:
    """a, priority 150, is master; b, priority 100, has heard it."""
    a = Daemon(segment.node("a"), folder, VI_1=instance(150, advert_int=advert_int, **options)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), folder, VI_1=instance(100, advert_int=advert_int, **options)).start()
    b.await_state("BACKUP")
    known = (a.node.address, a.node.link_local)
    wait_for(lambda: b.status()["master"] in known, 10, "b to know its master", evidence=b.evidence)
    return a, b


def await_adverts(daemon: Daemon, count: int, deadline: float = 20.0) -> None:
    """Wait until the daemon has sent so many more adverts: time as the segment counts it."""
    begin = daemon.status()["counters"]["adverts_sent"]
    what = f"{count} adverts of {daemon.node.name}"
    wait_for(
        lambda: daemon.status()["counters"]["adverts_sent"] >= begin + count, deadline, what, evidence=daemon.evidence
    )


def await_line(daemon: Daemon, words: str, deadline: float = 10.0) -> None:
    """Wait until the daemon has said so."""
    wait_for(lambda: words in daemon.log.read_text(), deadline, f"{words!r} in the log", evidence=daemon.evidence)


def await_problem(daemon: Daemon, words: str, deadline: float = 10.0, name: str = "VI_1") -> None:
    """Wait until the status of the instance shows this problem."""

    def shown() -> bool:
        return any(words in problem for problem in daemon.status(name)["problems"])

    evidence = lambda: f"{daemon.status(name)['problems']}\n{daemon.evidence()}"  # noqa: E731
    wait_for(shown, deadline, f"the problem {words!r}", evidence=evidence)


@contextlib.contextmanager
def nothing_moves(*daemons: Daemon) -> t.Iterator[None]:
    """No transition and nobody who holds the address changes while this lasts."""
    before = [_standing(daemon) for daemon in daemons]
    yield
    for daemon, was in zip(daemons, before):
        assert _standing(daemon) == was, daemon.evidence()


def _standing(daemon: Daemon) -> tuple[object, ...]:
    status = daemon.status()
    return (daemon.node.name, status["state"], status["transitions"], daemon.node.holds())

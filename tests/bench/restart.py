# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts that peers and clients should not notice: the worker alone is killed, or the daemon and started again."""

from __future__ import annotations

import functools
import signal
import time
import typing as t
from pathlib import Path

from netns.address_watch import AddressWatch
from netns.segment import VIP, Node

from bench.beside import series, side_by_side
from bench.figures import Figure, NeverMoreThan, Series
from bench.fleet import Fleet, Plan
from bench.pings import PINGS_EACH_SECOND, Pings
from lab.waiting import wait_for

_WATCHED = 6.0
"""Seconds after the fault: a peer that has heard nothing takes over after 3.6 s."""


class Seen(t.NamedTuple):
    """Of one restart."""

    lost: float
    """Pings."""
    taken: float
    """How often the peer took the address."""


def measure(runs: int, folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """Two faults."""
    figures = []
    for name in RESTARTS:
        say(name)
        figures += _figures(name, *side_by_side(functools.partial(_series, name, runs, folder)))
    return figures


def _series(name: str, runs: int, folder: Path, kind: str) -> list[Seen]:
    """A fresh pair for each run: a worker that dies again and again is started ever more slowly, and rightly so."""
    seen = []
    for count in range(runs):
        with Fleet(kind, Plan(vip=VIP), folder / f"{name}-{count}", "w") as fleet:
            fleet.start()
            client = fleet.segment.node("c")
            with AddressWatch([fleet.nodes["b"]]) as peer:
                seen.append(_run(fleet, client, peer, RESTARTS[name]))
    return seen


def _run(fleet: Fleet, client: Node, peer: AddressWatch, restart: t.Callable[[Fleet], None]) -> Seen:
    taken = len(peer.holdings(fleet.nodes["b"]))
    with Pings(client, VIP) as pings:
        time.sleep(0.5)
        fleet.tap.await_advert("port-a")
        restart(fleet)
        time.sleep(_WATCHED)
    return Seen(pings.lost, len(peer.holdings(fleet.nodes["b"])) - taken)


def _kill_worker(fleet: Fleet) -> None:
    """SIGKILL to the process that speaks VRRP; its parent starts another."""
    fleet.worker("a").signal(signal.SIGKILL)


def _restart_daemon(fleet: Fleet) -> None:
    """SIGKILL to all of it, and a start as soon as nothing of it runs."""
    node = fleet.nodes["a"]
    for process in (processes := node.processes()):
        process.signal(signal.SIGSTOP)
    for process in processes:
        process.signal(signal.SIGKILL)
    wait_for(lambda: not node.processes(), 10, "the daemon to be gone", interval=0.005)
    fleet.launch("a")


RESTARTS: t.Mapping[str, t.Callable[[Fleet], None]] = {
    "SIGKILL of the VRRP process": _kill_worker,
    "SIGKILL of all and start": _restart_daemon,
}


def _figures(name: str, ours: t.Sequence[Seen], theirs: t.Sequence[Seen] | None) -> list[Figure]:
    def both(what: str) -> tuple[Series, Series | None]:
        return Series(tuple(getattr(one, what) for one in ours)), series([getattr(one, what) for one in theirs or ()])

    remark = f"{PINGS_EACH_SECOND} a second from a third host"
    return [
        Figure(f"{name}: pings lost", "", 0, *both("lost"), NeverMoreThan(0), remark),
        Figure(f"{name}: takeovers by the peer", "", 0, *both("taken"), NeverMoreThan(0)),
    ]

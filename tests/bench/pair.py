# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two machines with one daemon each, both ours or both keepalived: settle, strike, watch, mend."""

from __future__ import annotations

import fcntl
import signal
import socket
import struct
import time
import typing as t
from pathlib import Path

from netns.address_watch import AddressWatch, Holding
from netns.daemons import Daemon, Keepalived, instance
from netns.segment import Node, Segment

from bench.wire import AdvertWatch, bridge_side
from lab.waiting import wait_for

OURS, THEIRS = "mainstay", "keepalived"
PRIORITIES = {"a": 150, "b": 100}

_SETTLE_SECONDS = 60.0
_HEARD_SECONDS = 1.3
"""Longer than advert_int: whoever is backup has heard the master since it took the address."""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1
_IFREQ = struct.Struct("16sh22x")

Machine = t.Union[Daemon, Keepalived]


def machine(kind: str, node: Node, folder: Path, priority: int) -> Machine:
    """A daemon of this kind, configured and not started."""
    if kind == OURS:
        return Daemon(node, folder, VI_1=instance(priority))
    return Keepalived(node, folder, priority)


def set_port(segment: Segment, node: Node, up: bool) -> float:
    """Take a node's carrier away, or give it back; when.

    One system call: ip(8) would take longer to start than some of what is measured.
    """
    name = node.port.encode()
    with bridge_side(segment).socket(socket.AF_INET, socket.SOCK_DGRAM) as switch:
        _name, flags = _IFREQ.unpack(fcntl.ioctl(switch, _SIOCGIFFLAGS, _IFREQ.pack(name, 0)))
        wanted = flags | _IFF_UP if up else flags & ~_IFF_UP
        now = time.monotonic()
        fcntl.ioctl(switch, _SIOCSIFFLAGS, _IFREQ.pack(name, wanted))
    return now


class Pair:
    """Master a (priority 150) and backup b (100) on a segment of their own."""

    def __init__(self, kind: str, number: int, folder: Path) -> None:
        self.kind = kind
        self.segment = Segment(f"{kind[0]}{number}")
        nodes = {name: self.segment.node(name) for name in PRIORITIES}
        self.master, self.backup = nodes["a"], nodes["b"]
        below = folder / f"{kind}{number}"
        self.machines = {name: machine(kind, nodes[name], below, PRIORITIES[name]) for name in PRIORITIES}
        self._watch = AddressWatch(list(nodes.values()))
        self._adverts = AdvertWatch(self.master)

    def close(self) -> None:
        """End everything of it."""
        self._adverts.close()
        self._watch.__exit__()
        self.segment.close()

    def settle(self) -> None:
        """Start what does not run; return when the master holds the address alone and the backup knows it."""
        for name in PRIORITIES:
            if not self.machines[name].node.processes():
                self._launch(self.machines[name])
        what = f"the pair {self.segment.prefix} to settle"
        wait_for(self._settled, _SETTLE_SECONDS, what, evidence=self.evidence)

    def await_advert(self) -> None:
        """Return right after the master's next advert was on the wire."""
        self._adverts.next_advert()

    def taken_over(self, since: float) -> float | None:
        """When the backup got the address after this moment; None while it has not."""
        return next((span.since for span in self._watch.holdings(self.backup) if span.since >= since), None)

    def both_held(self, since: float, until: float) -> float:
        """Seconds within this time in which both machines held the address."""
        spans = [[_clip(span, since, until) for span in self._watch.holdings(node)] for node in self._nodes()]
        return sum(max(0.0, min(a.until, b.until) - max(a.since, b.since)) for a in spans[0] for b in spans[1])

    def evidence(self) -> str:
        """What both said last."""
        return "\n".join(f"{name}: {one.log.read_text()[-2000:]}" for name, one in self.machines.items())

    # ---- the faults; each returns the moment at which it struck

    def cut(self) -> float:
        """The master's carrier is gone."""
        return set_port(self.segment, self.master, up=False)

    def heal(self) -> None:
        """The carrier is back."""
        set_port(self.segment, self.master, up=True)

    def stop(self) -> float:
        """SIGTERM to the main process, as a service manager does it."""
        process = self.machines["a"].process
        assert process is not None
        now = time.monotonic()
        process.signal(signal.SIGTERM)
        return now

    def kill(self) -> float:
        """SIGKILL to every process of the master; none gets to see another die."""
        now = self.freeze()
        self.master.signal_all(signal.SIGKILL)
        return now

    def freeze(self) -> float:
        """SIGSTOP to every process of the master."""
        processes = self.master.processes()
        now = time.monotonic()
        for process in processes:
            process.signal(signal.SIGSTOP)
        return now

    def thaw(self) -> None:
        """They run again."""
        self.master.signal_all(signal.SIGCONT)

    def await_end(self) -> None:
        """Nothing of the master runs any more."""
        what = f"the master of {self.segment.prefix} to end"
        wait_for(lambda: not self.master.processes(), 20, what, evidence=self.evidence)

    # ----

    def _nodes(self) -> tuple[Node, Node]:
        return self.master, self.backup

    def _launch(self, one: Machine) -> None:
        if isinstance(one, Daemon):
            one.launch()
            return
        # A killed keepalived is a zombie of ours until the segment closes, and its successor would take it for alive.
        for name in ("pid", "vrrp"):
            (one.folder / name).unlink(missing_ok=True)
        one.start()

    def _settled(self) -> bool:
        now = time.monotonic()
        masters, backups = (self._watch.holdings(node) for node in self._nodes())
        holds = bool(masters) and masters[-1].until >= now and masters[-1].since <= now - _HEARD_SECONDS
        released = not backups or backups[-1].until < now - _HEARD_SECONDS
        return holds and released and bool(self.backup.processes())


def _clip(span: Holding, since: float, until: float) -> Holding:
    return Holding(max(span.since, since), min(span.until, until))

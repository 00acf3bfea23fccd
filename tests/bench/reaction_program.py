# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the health worker from verdict to kernel: PLANE RUNS RESULT.

The daemon's own worker on its own reactor, in this process; only the two seams of its constructor are used, to read
the clock when a probe hands over its verdict and when the engine says that the kernel has done it. The real servers
are two ports of this host: an open one and one that opens and closes.

Out of the table is out of the rotation: no new connection goes there. With nftables the flows that the server still has
are ended after that, which has a figure of its own; ip_vs drops their packets by itself.
"""

from __future__ import annotations

import json
import socket
import sys
import time
import typing as t
from pathlib import Path

from mainstay.daemon.health.engines import NFTABLES, open_engine
from mainstay.daemon.health.worker import HealthWorker
from mainstay.daemon.reactor import Reactor
from mainstay.daemon.worker import LogLine
from mainstay.lvs.operations import Operation
from mainstay.model.load import load_config
from mainstay.model.units import Duration, seconds
from mainstay.net.check_run import CheckRun
from mainstay.net.data_plane import DataPlane, Refusal
from mainstay.net.polling import READABLE, Poller
from mainstay.net.probe_run import Done
from mainstay.probes.outcome import ProbeOutcome
from mainstay.probes.task import ProbeTask

HOST = "127.0.0.1"
STEADY, FLAPPING = 8081, 8082
SERVICE = ("198.51.100.10", 80)
SETTLED = seconds(1)
"""By then both servers have been found up."""
LIMIT = seconds(150)
REMOVED, ADDED, ENDED = "server out of the table", "server back in the table", "its flows ended"


class TimedPlane:
    """An engine; tells when it is done with an edit, and with what that leaves to be done."""

    def __init__(self, plane: DataPlane, changed: t.Callable[[], None], finished: t.Callable[[], None]) -> None:
        self._plane = plane
        self._changed = changed
        self._finished = finished
        self.read, self.parts, self.counters = plane.read, plane.parts, plane.counters
        self.flush, self.close = plane.flush, plane.close

    def apply(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        refused = self._plane.apply(operations)
        self._changed()
        assert not refused, refused
        return refused

    def finish(self) -> t.Generator[None, None, None]:
        yield from self._plane.finish()
        self._finished()


class Reaction:
    """Opens and closes a port, over and over, and collects how long the table took to follow."""

    def __init__(self, plane: str, runs: int) -> None:
        self.samples: t.Dict[str, t.List[float]] = {REMOVED: [], ADDED: []}
        if plane == NFTABLES:
            self.samples[ENDED] = []
        self.log: t.List[LogLine] = []
        self._runs = runs
        self._reactor = Reactor()
        self._verdict: t.Optional[t.Tuple[bool, int]] = None
        self._removed_by: t.Optional[int] = None
        """Instant of the verdict that took the server out, until its flows are ended."""
        self._up = True
        self._listener: t.Optional[socket.socket] = None
        self._steady = self._listen(STEADY)
        self._toggle()
        self._worker = HealthWorker(
            self._reactor,
            self.log.append,
            open_engine=lambda name: t.cast(DataPlane, TimedPlane(open_engine(name), self._changed, self._finished)),
            run_check=self._run_check,
        )
        self._worker.configure(load_config(document(plane)), self._reactor.now())

    def run(self) -> None:
        """Until there are enough samples."""
        end = self._reactor.now() + LIMIT
        self._reactor.call_at(self._reactor.now() + SETTLED, lambda _now: self._toggle())
        while min(map(len, self.samples.values())) < self._runs:
            self._reactor.run_once()
            if self._reactor.now() > end:
                raise SystemExit(f"too few samples in time: {self.samples}; {self.log[-5:]}")
        self._worker.stop(self._reactor.now())

    def _run_check(self, poller: Poller, tasks: t.Sequence[ProbeTask], timeout: Duration, done: Done) -> CheckRun:
        def timed(outcome: ProbeOutcome) -> None:
            if tasks[0].port == FLAPPING and outcome.verdict.ok != self._up:
                self._verdict = (outcome.verdict.ok, time.monotonic_ns())
            done(outcome)

        return CheckRun(poller, tasks, timeout, timed)

    def _changed(self) -> None:
        """The kernel has acknowledged an edit."""
        now = time.monotonic_ns()
        if self._verdict is not None:
            self._up, judged_at = self._verdict
            self.samples[ADDED if self._up else REMOVED].append((now - judged_at) / 1e9)
            self._verdict = None
            self._removed_by = None if self._up else judged_at
            self._reactor.call_at(self._reactor.now(), lambda _now: self._toggle())

    def _finished(self) -> None:
        """The kernel has nothing left of what the edits meant."""
        judged_at, self._removed_by = self._removed_by, None
        if judged_at is not None and ENDED in self.samples:
            self.samples[ENDED].append((time.monotonic_ns() - judged_at) / 1e9)

    def _toggle(self) -> None:
        if self._listener is None:
            self._listener = self._listen(FLAPPING)
        else:
            self._reactor.unwatch(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server((HOST, port), backlog=64)
        listener.setblocking(False)
        self._reactor.watch(listener.fileno(), READABLE, lambda _bits, _now: listener.accept()[0].close())
        return listener


def document(plane: str) -> t.Dict[str, t.Any]:
    """A service with two real servers, checked all the time, without a second try."""
    check = {"type": "tcp", "connect_timeout": 5, "retry": 0}
    servers = [{"address": HOST, "port": port, "check": check} for port in (STEADY, FLAPPING)]
    service = {
        "address": SERVICE[0], "port": SERVICE[1], "protocol": "TCP", "lb_algo": "wrr", "lb_kind": "NAT",
        "delay_loop": 0.1, "real_servers": servers,
    }  # fmt: skip
    return {"global_defs": {"data_plane": plane}, "virtual_servers": {"web": service}}


def main(plane: str, runs: str, result: str) -> None:
    """Measure, write the samples in seconds as JSON."""
    reaction = Reaction(plane, int(runs))
    reaction.run()
    Path(result).write_text(json.dumps({what: values[: int(runs)] for what, values in reaction.samples.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])

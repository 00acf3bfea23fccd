# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the table of ip_vs at size, inside a guest: SERVICES SERVERS RESULT.

Ours is the daemon's own engine and pool keeper in this process; beside it ipvsadm -R, and both daemons from their start
until the last server is in the table, as /proc/net/ip_vs tells. The result is JSON, name -> seconds.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import replace
from pathlib import Path

from netns.daemons import CHECKOUT, PYTHON

from bench.table_figures import DAEMON, ONE_WEIGHT, PROGRAM, UNCHANGED
from lab.waiting import wait_for
from mainstay.daemon.health.pool_keeper import PoolKeeper
from mainstay.daemon.reactor import Reactor
from mainstay.daemon.worker import Saying
from mainstay.lvs.operations import Operation
from mainstay.lvs.reconcile import operations
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from mainstay.net.data_plane import DataPlane, Refusal
from mainstay.net.ipvs import IpvsPlane

START_SECONDS = 240.0
WEIGHTS_CHANGED = 20
REREADINGS = 3
_TABLE = Path("/proc/net/ip_vs")


def main(services: str, servers: str, result: str) -> None:
    """Measure, write."""
    desired = table(int(services), int(servers))
    figures = {"mainstay": _engine(desired), "ipvsadm": {PROGRAM: [_ipvsadm(desired)]}}
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        below = Path(folder)
        figures["mainstay"][DAEMON] = [_start(_our_command(desired, below), desired, below)]
        figures["keepalived"] = {DAEMON: [_start(_their_command(desired, below), desired, below)]}
    Path(result).write_text(json.dumps(figures))


def table(services: int, servers: int) -> Table:
    """Services with a pool of their own each."""
    built = {}
    for one in range(services):
        pool = (DestinationKey(f"10.{one // 250}.{one % 250}.{number + 1}", 80) for number in range(servers))
        key = ServiceKey("TCP", f"198.18.{one // 250}.{one % 250 + 1}", 80)
        built[key] = Service(key, "wrr", destinations={server: Destination(server, "NAT", 1) for server in pool})
    return built


class TimedPlane:
    """An engine; notes when the kernel has acknowledged an edit."""

    def __init__(self) -> None:
        self._plane = IpvsPlane()
        self.done_at = 0.0

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._plane, name)

    def apply(self, edits: t.Sequence[Operation]) -> t.List[Refusal]:
        refused = self._plane.apply(edits)
        self.done_at = time.monotonic()
        assert not refused, refused[:3]
        return refused


def _engine(desired: Table) -> dict[str, list[float]]:
    """Program, read and compare, change single weights, remove."""
    plane = TimedPlane()
    figures = {PROGRAM: [_timed(lambda: plane.apply(operations({}, desired, ())))]}
    figures[UNCHANGED] = [_timed(lambda: _expect_equal(plane, desired)) for _again in range(REREADINGS)]
    figures[ONE_WEIGHT] = _weights(plane, desired)
    _flush()
    return figures


def _weights(plane: TimedPlane, desired: Table) -> list[float]:
    """From the order to the keeper of the pools until the kernel has it."""
    reactor = Reactor()
    said: list[Saying] = []
    keeper = PoolKeeper(reactor, said.append, lambda _name: t.cast(DataPlane, plane))
    keeper.use("ipvs")
    keeper.own({key: str(key) for key in desired})
    keeper.keep(desired)
    samples = []
    for number, service in enumerate(list(desired.values())[:WEIGHTS_CHANGED]):
        first = next(iter(service.destinations.values()))
        pool = {**service.destinations, first.key: replace(first, weight=2 + number)}
        begin, plane.done_at = time.monotonic(), 0.0
        keeper.adjust(replace(service, destinations=pool))
        while not plane.done_at:
            reactor.run_once()
        samples.append(plane.done_at - begin)
    return samples


def _expect_equal(plane: TimedPlane, desired: Table) -> None:
    edits = operations(plane.read(), desired, ())
    assert not edits, edits[:3]


def _ipvsadm(desired: Table) -> float:
    lines = []
    for key, service in desired.items():
        lines.append(f"-A -t {key.address}:{key.port} -s {service.lb_algo}")
        lines += [f"-a -t {key.address}:{key.port} -r {server} -m -w 1" for server in service.destinations]
    took = _timed(lambda: subprocess.run(["ipvsadm", "-R"], input="\n".join(lines) + "\n", text=True, check=True))
    _flush()
    return took


def _start(command: t.Sequence[str], desired: Table, folder: Path) -> float:
    """From the call that starts the daemon until the table is whole; then it ends."""
    expected = sum(len(service.destinations) for service in desired.values())
    begin = time.monotonic()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "PYTHONPATH": f"{CHECKOUT}/plugins/module_utils"},
        )  # fmt: skip
    try:
        wait_for(lambda: _servers() >= expected, START_SECONDS, f"{expected} servers in the table",
                 evidence=lambda: (folder / "log").read_text()[-3000:])  # fmt: skip
        return time.monotonic() - begin
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _flush()


def _servers() -> int:
    return _TABLE.read_text().count("\n  ->") - 1 if _TABLE.exists() else 0


def _our_command(desired: Table, folder: Path) -> list[str]:
    services = {
        f"s{number}": {
            "address": key.address, "port": key.port, "protocol": "TCP", "lb_algo": "wrr", "lb_kind": "NAT",
            "real_servers": [{"address": server.address, "port": server.port} for server in service.destinations],
        }
        for number, (key, service) in enumerate(desired.items())
    }  # fmt: skip
    (folder / "mainstay.json").write_text(json.dumps({"virtual_servers": services}))
    files = ["--config", str(folder / "mainstay.json"), "--run-dir", str(folder), "--state-dir", str(folder)]
    return [PYTHON, "-m", "mainstay", "daemon", *files]


def _their_command(desired: Table, folder: Path) -> list[str]:
    blocks = []
    for key, service in desired.items():
        pool = "".join(f" real_server {one.address} {one.port} {{\n weight 1\n }}\n" for one in service.destinations)
        head = " lvs_sched wrr\n lvs_method NAT\n protocol TCP\n"
        blocks.append(f"virtual_server {key.address} {key.port} {{\n{head}{pool}}}\n")
    (folder / "keepalived.conf").write_text("".join(blocks))
    files = [f"--pid={folder}/pid", f"--checkers_pid={folder}/checkers"]
    return ["keepalived", "--dont-fork", "--log-console", "--check", f"--use-file={folder}/keepalived.conf", *files]


def _flush() -> None:
    subprocess.run(["ipvsadm", "-C"], check=True)


def _timed(work: t.Callable[[], object]) -> float:
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


if __name__ == "__main__":
    main(*sys.argv[1:])

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the table of ip_vs, inside the guest of tests/kernel: IDS RESULT.

One kind of daemon after the other, with the same services on the same servers; the kernel's own /proc/net/ip_vs says
what was in the table when. The result is JSON: id of the fault -> kind of daemon -> what was seen.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from kernel.daemon_on_director import CHECKED_PORT, CheckedPort
from netns.daemons import Daemon, Keepalived
from netns.health_director import DirectorNode
from netns.pool_lab import NAT_VIP, PORT, SERVERS, Namespace, PoolLab

from bench.pair import OURS, THEIRS
from lab.waiting import wait_for

Act = t.Callable[["Balancer"], str]

_SORRY = "192.0.2.21:8080"
_LIMIT = 20.0
"""Seconds after which something does not come any more."""
_START_SECONDS = 60.0
_ABSENT_SCHEDULER = "twos"


class Balancer:
    """A daemon of one kind on the director, which has balanced and checked both servers for a while."""

    def __init__(self, kind: str, lab: PoolLab, folder: Path) -> None:
        self.lab = lab
        self.kind = kind
        node = t.cast(t.Any, DirectorNode(lab.director))
        self.ports = {name: CheckedPort(server) for name, server in lab.servers.items()}
        self.one = Daemon(node, folder) if kind == OURS else Keepalived(node, folder, 100)
        self.configure("wrr")

    def configure(self, *schedulers: str) -> None:
        """One service for each, at ports from 80 on."""
        if isinstance(self.one, Daemon):
            services = {f"s{number}": _ours(PORT + number, lb_algo) for number, lb_algo in enumerate(schedulers)}
            self.one.write_document(global_defs={"data_plane": "ipvs"}, virtual_servers=services)
        else:
            self.one.only = ("--check",)
            self.one.write_text("".join(_theirs(PORT + number, one) for number, one in enumerate(schedulers)))

    def start(self) -> None:
        if isinstance(self.one, Daemon):
            self.one.launch()
            return
        for name in ("pid", "checkers"):
            (self.one.folder / name).unlink(missing_ok=True)
        self.one.start()

    def settle(self, *addresses: str) -> None:
        """Until the first service has these servers; by then each has been checked once more, too."""
        wanted = set(addresses or both())
        wait_for(lambda: self.servers() == wanted, _START_SECONDS, f"{wanted}", evidence=self.one.log.read_text)
        time.sleep(2)

    def servers(self, port: int = PORT) -> set[str]:
        """Those that take connections of the service at this port; /proc/net/ip_vs has addresses in hex."""
        return pools(self.lab.director).get(port, set())

    def seconds_until(self, wanted: set[str], port: int = PORT) -> float | None:
        """None: not within the limit."""
        begin = time.monotonic()
        while time.monotonic() < begin + _LIMIT:
            if self.servers(port) == wanted:
                return time.monotonic() - begin
            time.sleep(0.01)
        return None

    def kill(self) -> None:
        """All of it at one instant."""
        self.one.node.kill_all()

    def close(self) -> None:
        t.cast(t.Any, self.one.node).close()
        for port in self.ports.values():
            port.close()
        self.lab.director.run("ipvsadm", "--clear")


def both() -> set[str]:
    return {f"{address}:{PORT}" for address in SERVERS.values()}


def pools(namespace: Namespace) -> dict[int, set[str]]:
    """As the kernel of this network namespace has them."""
    with namespace.inside():
        return pools_in(Path("/proc/thread-self/net/ip_vs").read_text())


def pools_in(table: str) -> dict[int, set[str]]:
    """Port of each TCP service -> its servers that have a weight."""
    found: dict[int, set[str]] = {}
    port = 0
    for words in (line.split() for line in table.splitlines()):
        if words[0] == "TCP":
            port = _endpoint(words[1])[1]
            found[port] = set()
        elif words[0] != "->":
            port = 0
        elif port and words[3] != "0":
            address, server_port = _endpoint(words[1])
            found[port].add(f"{address}:{server_port}")
    return found


def _endpoint(text: str) -> tuple[str, int]:
    """ "C6336410:0050" """
    address, _colon, port = text.partition(":")
    return ".".join(str(octet) for octet in bytes.fromhex(address)), int(port, 16)


# ---- the faults


def edited_by_others(balancer: Balancer) -> str:
    """A server is deleted, then everything is."""
    balancer.start()
    balancer.settle()
    first = min(both())
    balancer.lab.director.run("ipvsadm", "-d", "-t", f"{NAT_VIP}:{PORT}", "-r", first)
    deleted = _said(balancer.seconds_until(both()))
    if balancer.servers() != both():
        balancer.kill()
        balancer.lab.director.run("ipvsadm", "--clear")
        balancer.start()
        balancer.settle()
    balancer.lab.director.run("ipvsadm", "--clear")
    return f"a deleted server: {deleted}; a flushed table: {_said(balancer.seconds_until(both()))}"


def absent_scheduler(balancer: Balancer) -> str:
    """The first of two services has it."""
    balancer.configure(_ABSENT_SCHEDULER, "wrr")
    balancer.start()
    took = balancer.seconds_until(both(), PORT + 1)
    return "the other service is not served" if took is None else "the other service is served"


def killed_and_started(balancer: Balancer) -> str:
    """A connection is open meanwhile."""
    balancer.start()
    balancer.settle()
    held = balancer.lab.connect(NAT_VIP)
    server = held.ask()
    balancer.kill()
    balancer.start()
    away, last = 0.0, time.monotonic()
    end = last + 15
    while (now := time.monotonic()) < end:
        away += 0.0 if balancer.servers() == both() else now - last
        last = now
        time.sleep(0.01)
    try:
        goes_on = held.ask() == server
    except OSError:
        goes_on = False
    held.close()
    return f"servers away for {away:.2f} s, the open connection {'goes on' if goes_on else 'is lost'}"


def all_servers_fail(balancer: Balancer) -> str:
    """They are checked every second, without a second try."""
    balancer.start()
    balancer.settle()
    for port in balancer.ports.values():
        port.close()
    sorry = balancer.seconds_until({_SORRY})
    for port in balancer.ports.values():
        port.open()
    back = balancer.seconds_until(both())
    return f"the sorry server alone {_after(sorry)}, all servers {_after(back)} of their return"


FAULTS: dict[str, Act] = {
    "F55": edited_by_others,
    "F57": absent_scheduler,
    "F58": killed_and_started,
    "F61": all_servers_fail,
}


def _said(seconds: float | None) -> str:
    return f"not back within {_LIMIT:.0f} s" if seconds is None else f"back after {seconds:.1f} s"


def _after(seconds: float | None) -> str:
    return f"not within {_LIMIT:.0f} s" if seconds is None else f"within {seconds:.1f} s"


def _ours(port: int, lb_algo: str) -> dict[str, t.Any]:
    check = {"type": "tcp", "connect_port": CHECKED_PORT, "connect_timeout": 1, "retry": 0}
    servers = [{"address": address, "port": PORT, "check": check} for address in SERVERS.values()]
    usual = {"address": NAT_VIP, "port": port, "protocol": "TCP", "lb_algo": lb_algo, "lb_kind": "NAT"}
    sorry = {"address": _SORRY.partition(":")[0], "port": 8080}
    return {**usual, "delay_loop": 1, "sorry_server": sorry, "real_servers": servers}


def _theirs(port: int, lvs_sched: str) -> str:
    check = f"TCP_CHECK {{\n connect_port {CHECKED_PORT}\n connect_timeout 1\n retry 0\n }}"
    servers = "".join(f" real_server {one} {PORT} {{\n weight 1\n {check}\n }}\n" for one in SERVERS.values())
    head = f" delay_loop 1\n lvs_sched {lvs_sched}\n lvs_method NAT\n protocol TCP\n"
    sorry = f" sorry_server {_SORRY.replace(':', ' ')}\n"
    return f"virtual_server {NAT_VIP} {port} {{\n{head}{sorry}{servers}}}\n"


def main(ids: str, result: str) -> None:
    """Measure, write."""
    lab = PoolLab()
    figures: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory(prefix="mainstay-faults-") as folder, contextlib.closing(lab):
        for one in ids.split(","):
            figures[one] = {}
            for kind in (OURS, THEIRS):
                balancer = Balancer(kind, lab, Path(folder) / one / kind)
                with contextlib.closing(balancer):
                    figures[one][kind] = FAULTS[one](balancer)
                print(f"{one} {kind}: {figures[one][kind]}", flush=True)
    Path(result).write_text(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])

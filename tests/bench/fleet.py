# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two machines that share many instances: a is master of all of them, b backup; ours or keepalived's."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from pathlib import Path

from netns.daemons import Daemon, Document, Keepalived
from netns.segment import DEVICE, Segment

from bench.pair import OURS
from bench.tap import Tap, adverts
from lab.errors import DeadlinePassed
from lab.network import ip
from lab.processes import PROC, Process, identify
from lab.waiting import wait_for

PRIORITIES = {"a": 150, "b": 100}
PER_LINK = 250
"""Of the 255 virtual_router_ids that a link has."""
_START_SECONDS = 30.0
_STEADY = 0.5
"""Seconds of peace that are the least to call it settled."""
SECOND_LINK = "eth1"
_REAL_TIME_BELOW = 0.1
"""Seconds: with shorter intervals keepalived gets the real-time priority that ours has, and more than the 10 ms at a
stretch after which, by default, it has itself killed."""
_KEEPALIVED_START = "global_defs {{\n    vrrp_version 3\n{more}}}\n"
_KEEPALIVED_REAL_TIME = "    vrrp_rt_priority 20\n    vrrp_rlimit_rttime 1000000\n    vrrp_no_swap\n"
_KEEPALIVED_INSTANCE = """\
vrrp_instance {name} {{
    interface {interface}
    virtual_router_id {virtual_router_id}
    priority {priority}
    advert_int {advert_int:g}
    virtual_ipaddress {{
        {addresses}
    }}
}}
"""


@dataclass(frozen=True)
class Plan:
    """What the machines run."""

    instances: int = 1
    advert_int: float = 1.0
    addresses: int = 1
    """Of each instance."""
    vip: str = ""
    """Instead of addresses that no other host of the segment would ask for."""

    def documents(self, priority: int) -> dict[str, Document]:
        """The instances as our configuration spells them."""
        return {f"VI_{number}": self._document(number, priority) for number in range(self.instances)}

    def keepalived(self, priority: int) -> str:
        """The same for keepalived."""
        more = _KEEPALIVED_REAL_TIME if self.advert_int < _REAL_TIME_BELOW else ""
        return _KEEPALIVED_START.format(more=more) + "".join(
            _KEEPALIVED_INSTANCE.format(name=name, addresses="\n        ".join(one["virtual_ipaddress"]), **{
                key: value for key, value in one.items() if key != "virtual_ipaddress"
            })
            for name, one in self.documents(priority).items()
        )  # fmt: skip

    def _document(self, number: int, priority: int) -> Document:
        return {
            "interface": DEVICE if number < PER_LINK or self.instances <= 255 else SECOND_LINK,
            "virtual_router_id": number + 1 if self.instances <= 255 else number % PER_LINK + 1,
            "priority": priority,
            "advert_int": self.advert_int,
            "virtual_ipaddress": self.virtual_addresses(number),
        }

    def virtual_addresses(self, number: int) -> list[str]:
        """Of one instance."""
        mine = range(number * self.addresses, (number + 1) * self.addresses)
        return [f"{self.vip}/24"] if self.vip else [f"10.1.{one // 250}.{one % 250 + 1}/32" for one in mine]


class NotSettled(Exception):
    """There was no single master of everything in time. Of ours that is a failure; keepalived's flap now and then."""

    def __init__(self, kind: str, seen: DeadlinePassed) -> None:
        super().__init__(str(seen))
        self.kind = kind


class Fleet:
    """The two machines."""

    def __init__(self, kind: str, plan: Plan, folder: Path, label: str) -> None:
        self.kind = kind
        self.plan = plan
        self.segment = Segment(f"{label}{kind[0]}")
        self.nodes = {name: self.segment.node(name) for name in PRIORITIES}
        self.tap = Tap(self.segment)
        below = folder / f"{kind}-{label}"
        if plan.instances > 255:
            _add_second_links(self.segment)
        self.machines = {name: self._machine(name, below) for name in PRIORITIES}

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_ended: object) -> None:
        self.tap.close()
        self.segment.close()

    def start(self) -> Fleet:
        """Both; return when a is master of everything, and alone."""
        for name in self.machines:
            self.launch(name)
        for name in self.machines:  # a master that is alone is no settled pair
            what = f"{self.kind} on {name} to run"
            wait_for(functools.partial(self._find_worker, name), _START_SECONDS, what, evidence=self.evidence)
        self.settle()
        return self

    def launch(self, name: str) -> None:
        """Start one machine."""
        machine = self.machines[name]
        if isinstance(machine, Daemon):
            machine.launch()
            return
        # A killed keepalived is a zombie of ours until the segment closes, and its successor would take it for alive.
        for file in ("pid", "vrrp"):
            (machine.folder / file).unlink(missing_ok=True)
        files = [f"--pid={machine.folder}/pid", f"--vrrp_pid={machine.folder}/vrrp"]
        # Not --log-detail: a line for each frame that it sends would take longer than the frames.
        options = ["--dont-fork", "--log-console", "--vrrp", f"--use-file={machine.folder}/keepalived.conf"]
        machine.process = machine.node.start(["keepalived", *options, *files], machine.log)

    def settle(self, deadline: float = 60.0) -> None:
        """Wait until a is master of everything, and alone, for a few adverts. Raises NotSettled."""
        what = f"{self.kind} on a to be the only master of {self.plan.instances} instances"
        try:
            wait_for(self._settled, deadline, what, evidence=self.evidence, interval=0)
        except DeadlinePassed as passed:
            raise NotSettled(self.kind, passed) from passed

    def worker(self, name: str) -> Process:
        """The process that speaks VRRP."""
        found = self._find_worker(name)
        assert found is not None, self.evidence()
        return found

    def _find_worker(self, name: str) -> Process | None:
        machine = self.machines[name]
        if isinstance(machine, Daemon):
            return next((one for one in machine.node.processes() if _comm(one) == "mainstayd-vrrp"), None)
        written = machine.folder / "vrrp"
        number = written.read_text().strip() if written.exists() else ""
        return identify(int(number)) if number else None

    def evidence(self) -> str:
        """What both said last."""
        return "\n".join(f"{name}: {one.log.read_text()[-2000:]}" for name, one in self.machines.items())

    def _machine(self, name: str, folder: Path) -> Daemon | Keepalived:
        node, priority = self.nodes[name], PRIORITIES[name]
        if self.kind == OURS:
            return Daemon(node, folder, **self.plan.documents(priority))
        machine = Keepalived(node, folder, priority)
        (machine.folder / "keepalived.conf").write_text(self.plan.keepalived(priority))
        return machine

    def _settled(self) -> bool:
        self.tap.clear()
        time.sleep(max(_STEADY, 1.6 * self.plan.advert_int))
        seen = self.tap.read()
        routers = {advert.router for advert in adverts(seen, "port-a")}
        return len(routers) == self.plan.instances and not adverts(seen, "port-b")


def processor_seconds(process: Process) -> float:
    """What it has used, to the nanosecond (proc(5), schedstat)."""
    return int((PROC / str(process.pid) / "schedstat").read_text().split()[0]) / 1e9


def _add_second_links(segment: Segment) -> None:
    """Another bridge beside the first, and a link of each machine to it."""
    ip(segment.namespace, "link add br1 type bridge mcast_snooping 0 stp_state 0 forward_delay 0")
    ip(segment.namespace, "link set br1 up")
    for node in segment.nodes.values():
        port = f"{node.port}.2"
        ip(segment.namespace, f"link add {port} type veth peer name {SECOND_LINK} netns {node.namespace}")
        ip(segment.namespace, f"link set {port} master br1 up")
        node.ip(f"address add 198.51.100.{node.address.rpartition('.')[2]}/24 dev {SECOND_LINK}")
        node.ip(f"link set {SECOND_LINK} up")


def _comm(process: Process) -> str:
    return (PROC / str(process.pid) / "comm").read_text().strip()

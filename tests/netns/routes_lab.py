# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of route and rule, daemons that have them, and what iproute2 sees of them in the kernel."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

from netns.daemons import CHECKOUT, PYTHON, Daemon, Document
from netns.pairs import SHORT, quick
from netns.segment import DEVICE, NETWORK, VIP, Node, Segment

from lab.command import Completed
from lab.processes import Process
from lab.waiting import wait_for

GATEWAY, SECOND_GATEWAY = f"{NETWORK}.253", f"{NETWORK}.254"
NET6 = "2001:db8:0:1"
SECOND = 1.0
"""What somebody removes comes back within it."""

# What the text says, and what `ip route show table all proto keepalived` makes of it.
ROUTES = {
    f"default via {GATEWAY}": f"default via {GATEWAY} dev {DEVICE}",
    f"203.0.113.0/24 via {GATEWAY} dev {DEVICE} src {VIP} metric 50": (
        f"203.0.113.0/24 via {GATEWAY} dev {DEVICE} src {VIP} metric 50"
    ),
    f"203.0.114.0/24 dev {DEVICE} scope link mtu 1400 advmss 1300": (
        f"203.0.114.0/24 dev {DEVICE} scope link mtu 1400 advmss 1300"
    ),
    f"default via {SECOND_GATEWAY} dev {DEVICE} table 100": f"default via {SECOND_GATEWAY} dev {DEVICE} table 100",
    f"203.0.115.0/24 nexthop via {GATEWAY} dev {DEVICE} weight 2 nexthop via {SECOND_GATEWAY} dev {DEVICE}": (
        f"203.0.115.0/24 nexthop via {GATEWAY} dev {DEVICE} weight 2 nexthop via {SECOND_GATEWAY} dev {DEVICE} weight 1"
    ),
    f"203.0.116.0/24 via 198.51.100.1 dev {DEVICE} onlink": f"203.0.116.0/24 via 198.51.100.1 dev {DEVICE} onlink",
    "blackhole 10.66.0.0/16": "blackhole 10.66.0.0/16",
    "unreachable 10.67.0.0/16": "unreachable 10.67.0.0/16",
    "prohibit 10.68.0.0/16": "prohibit 10.68.0.0/16",
    "throw 10.69.0.0/16 table 100": "throw 10.69.0.0/16 table 100",
    f"2001:db8:5::/48 via {NET6}::fe dev {DEVICE} metric 7": f"2001:db8:5::/48 via {NET6}::fe dev {DEVICE} metric 7",
    "blackhole 2001:db8:6::/48": "blackhole 2001:db8:6::/48 dev lo metric 1024",
}
RULES = {
    "from 192.0.2.0/24 to 10.0.0.0/8 fwmark 0x1/0xff iif eth0 table 100 priority 1000": (
        "1000: from 192.0.2.0/24 to 10.0.0.0/8 fwmark 0x1/0xff iif eth0 lookup 100"
    ),
    "not from 10.1.0.0/16 oif eth0 tos 0x10 table 101 priority 1001": (
        "1001: not from 10.1.0.0/16 tos 0x10 oif eth0 lookup 101"
    ),
    "from 10.2.0.0/16 prohibit priority 1003": "1003: from 10.2.0.0/16 prohibit",
    "inet6 fwmark 7 lookup 100 order 1002": "1002: from all fwmark 0x7 lookup 100",
}


def shown(node: Node, what: str) -> list[str]:
    """Lines of iproute2 about what is ours, both families, in one spelling."""
    selected = ["table", "all", "proto", "keepalived"] if what == "route" else []
    found = []
    for family in ("-4", "-6"):
        text = node.run("ip", family, what, "show", *selected).stdout.replace("\n\t", " ")
        found += [" ".join(line.split()) for line in text.splitlines()]
    if what == "rule":
        found = [line for line in found if "proto keepalived" in line]
    return [plain(line) for line in found]


def plain(line: str) -> str:
    """Without what the text did not ask for."""
    for word in (" proto keepalived", " pref medium"):
        line = line.replace(word, "")
    return " ".join(line.split())


def both(node: Node) -> list[str]:
    return shown(node, "route") + shown(node, "rule")


def make_ipv6(node: Node) -> None:
    number = node.address.rpartition(".")[2]
    node.ip(f"address add {NET6}::{number}/64 dev {DEVICE} nodad")


def routed(priority: int, routes: t.Iterable[str] = ROUTES, rules: t.Iterable[str] = RULES, **more: object) -> Document:
    return quick(priority, virtual_routes=list(routes), virtual_rules=list(rules), **more)


def pair(segment: Segment, tmp_path: Path, advert_int: float = SHORT) -> tuple[Daemon, Daemon]:
    """A master and its backup, both with every kind of route and rule; `advert_int` is theirs."""
    for name in ("a", "b"):
        make_ipv6(segment.node(name))
    a = Daemon(segment.node("a"), tmp_path, VI_1=routed(150, advert_int=advert_int)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), tmp_path, VI_1=routed(100, advert_int=advert_int)).start()
    b.await_state("BACKUP")
    return a, b


def master(segment: Segment, tmp_path: Path, *routes: str, rules: t.Iterable[str] = (), **more: object) -> Daemon:
    make_ipv6(segment.node("a"))
    daemon = Daemon(segment.node("a"), tmp_path, VI_1=routed(150, routes, rules, **more)).start()
    daemon.await_state("MASTER")
    return daemon


def holds_all(node: Node) -> bool:
    return set(both(node)) >= {*ROUTES.values(), *RULES.values()}


def await_line(daemon: Daemon, line: str, deadline: float = SECOND) -> None:
    """Wait until iproute2 shows the line."""

    def evidence() -> str:
        return f"{both(daemon.node)}\n{daemon.evidence()}"

    wait_for(lambda: line in both(daemon.node), deadline, line, evidence=evidence)


def await_report(daemon: Daemon, text: str) -> None:
    wait_for(lambda: text in daemon.log.read_text(), 5, f"the report of {text}", evidence=daemon.evidence)


def monitored(node: Node, folder: Path, *kinds: str) -> tuple[Process, Path]:
    """A running `ip monitor` and what it writes."""
    seen = folder / "monitor"
    monitor = node.start(["ip", "monitor", *kinds], seen)
    numbers = itertools.count()

    def listens() -> bool:
        node.ip(f"route add blackhole 10.99.0.{next(numbers)}")  # another each time: the kernel tells of new ones only
        return "10.99.0." in seen.read_text()

    wait_for(listens, 10, "the monitor to run", evidence=seen.read_text)
    return monitor, seen


def release(daemon: Daemon) -> Completed:
    path = f"PYTHONPATH={CHECKOUT}/plugins/module_utils"
    folder = daemon.folder
    arguments = ["--config", str(folder / "mainstay.json"), "--run-dir", str(folder / "run")]
    return daemon.node.run("env", path, PYTHON, "-m", "mainstay", "release", *arguments)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and rules that follow mastership, and those that are always there, as iproute2 sees them in the kernel."""

from __future__ import annotations

import itertools
import json
import os
import signal
import typing as t
from pathlib import Path

import pytest
from netns.daemons import CHECKOUT, PYTHON, Daemon, Document
from netns.pairs import LEASED, SHORT, quick
from netns.segment import DEVICE, NETWORK, VIP, Node, Segment

from lab.command import Completed
from lab.processes import Process
from lab.waiting import wait_for
from mainstay.model.route_text import parse_route
from mainstay.net.routing_socket import Outcome, RoutingOrders, route_entry

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


def test_the_master_has_every_route_and_rule_and_the_backup_none(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    assert sorted(both(a.node)) == sorted([*ROUTES.values(), *RULES.values()])
    assert both(b.node) == []
    status = a.status()
    assert status["problems"] == []
    assert status["routes_held"] == status["routes"] and len(status["routes"]) == len(ROUTES) + len(RULES)
    assert b.status()["routes_held"] == []


def test_routes_and_rules_move_with_mastership(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    a.signal_and_await_end()
    b.await_state("MASTER")
    wait_for(lambda: holds_all(b.node), 5, "everything on b", evidence=lambda: f"{both(b.node)}\n{b.evidence()}")
    assert both(a.node) == []


@pytest.mark.fault("F33")
def test_routes_that_somebody_removes_come_back_and_are_reported(segment: Segment, tmp_path: Path) -> None:
    """F33."""
    a, _b = pair(segment, tmp_path)
    for words, text in (
        (f"route del default via {GATEWAY}", f"default via {GATEWAY}"),
        ("route flush table 100", f"default via {SECOND_GATEWAY} dev {DEVICE} table 100"),
        ("-6 route del 2001:db8:5::/48", f"2001:db8:5::/48 via {NET6}::fe dev {DEVICE} metric 7"),
        ("route del blackhole 10.66.0.0/16", "blackhole 10.66.0.0/16"),
    ):
        a.node.ip(words)
        await_line(a, ROUTES[text])
    await_report(a, f"warning vrrp_instance VI_1: route default via {GATEWAY} had gone from the kernel; put back")
    assert any("had gone" in problem for problem in a.status()["problems"])
    wait_for(lambda: holds_all(a.node), SECOND, "everything again", evidence=a.evidence)


def test_a_route_that_somebody_replaces_is_put_in_front_again(segment: Segment, tmp_path: Path) -> None:
    daemon = master(segment, tmp_path, f"default via {GATEWAY}")
    daemon.node.ip(f"route replace default via {SECOND_GATEWAY}")
    await_line(daemon, f"default via {GATEWAY} dev {DEVICE}")
    used = daemon.node.run("ip", "route", "get", "203.0.113.1").stdout
    assert f"via {GATEWAY}" in used


@pytest.mark.fault("F33")
def test_rules_that_somebody_flushes_come_back_and_are_reported(segment: Segment, tmp_path: Path) -> None:
    """F33."""
    a, _b = pair(segment, tmp_path)
    a.node.ip("rule del priority 1000")
    await_line(a, RULES["from 192.0.2.0/24 to 10.0.0.0/8 fwmark 0x1/0xff iif eth0 table 100 priority 1000"])
    a.node.ip("rule flush")
    a.node.ip("-6 rule flush")
    for line in RULES.values():
        await_line(a, line)
    await_report(a, "priority 1000 had gone from the kernel; put back")


def test_routes_that_the_kernel_drops_with_the_address_come_back_with_it(segment: Segment, tmp_path: Path) -> None:
    """It says nothing about them: the notification is that of the address."""
    text = f"203.0.113.0/24 via {GATEWAY} dev {DEVICE} src {VIP} metric 50"
    text6 = f"2001:db8:5::/48 via {NET6}::fe dev {DEVICE} src {NET6}::10"
    daemon = master(segment, tmp_path, text, text6, virtual_ipaddress_excluded=[f"{NET6}::10/64"])
    daemon.node.ip(f"address del {VIP}/24 dev {DEVICE}")
    daemon.node.ip(f"address del {NET6}::10/64 dev {DEVICE}")
    await_line(daemon, ROUTES[text])
    await_line(daemon, f"2001:db8:5::/48 via {NET6}::fe dev {DEVICE} src {NET6}::10 metric 1024")


def test_an_interface_that_goes_down_and_up_has_its_routes_again(segment: Segment, tmp_path: Path) -> None:
    node = segment.node("a")
    node.ip("link add side0 type veth peer name side1")
    node.ip("address add 198.51.100.1/24 dev side0")
    node.ip("link set side0 up")
    node.ip("link set side1 up")
    daemon = master(segment, tmp_path, "203.0.117.0/24 via 198.51.100.9", "203.0.118.0/24 dev side0")
    node.ip("link set side0 down")
    what = "the refused routes to be problems"
    wait_for(lambda: len(daemon.status()["problems"]) >= 2, 5, what, evidence=daemon.evidence)
    assert "cannot be installed" in daemon.status()["problems"][0]
    node.ip("link set side0 up")
    await_line(daemon, "203.0.117.0/24 via 198.51.100.9 dev side0")
    await_line(daemon, "203.0.118.0/24 dev side0 scope link")
    node.ip("link del side0")
    what = "the missing interface to be a problem"
    gone = "route 203.0.118.0/24: interface side0 does not exist"
    wait_for(lambda: gone in daemon.status()["problems"], 5, what, evidence=daemon.evidence)


def test_the_hosts_own_route_stays_behind_ours_and_outlives_it(segment: Segment, tmp_path: Path) -> None:
    node = segment.node("a")
    node.ip(f"route add default via {SECOND_GATEWAY}")
    daemon = master(segment, tmp_path, f"default via {GATEWAY}")
    assert f"via {GATEWAY}" in node.run("ip", "route", "get", "203.0.113.1").stdout
    daemon.signal_and_await_end()
    assert f"via {SECOND_GATEWAY}" in node.run("ip", "route", "get", "203.0.113.1").stdout


def test_a_reload_changes_only_what_changed(segment: Segment, tmp_path: Path) -> None:
    stays, goes, comes = f"default via {GATEWAY}", "blackhole 10.66.0.0/16", "throw 10.69.0.0/16 table 100"
    daemon = master(segment, tmp_path, stays, goes)
    watching, monitor = monitored(daemon.node, tmp_path, "route")
    daemon.write(VI_1=routed(150, [stays, comes], []))
    assert daemon.ask("reload")["ok"] is True
    await_line(daemon, comes, 5)
    assert sorted(both(daemon.node)) == sorted([ROUTES[stays], ROUTES[comes]])
    seen = "throw 10.69.0.0/16"
    wait_for(lambda: seen in monitor.read_text(), 5, "the monitor to see it", evidence=monitor.read_text)
    watching.signal(signal.SIGTERM)
    assert "default" not in monitor.read_text(), "what stays is not touched"
    assert "Deleted blackhole 10.66.0.0/16" in monitor.read_text()
    assert daemon.state() == "MASTER"


def test_a_route_of_two_instances_goes_with_the_last_of_them(segment: Segment, tmp_path: Path) -> None:
    shared = f"default via {GATEWAY}"
    second = routed(150, [shared], [], virtual_router_id=52, virtual_ipaddress=[f"{NETWORK}.11/24"])
    daemon = Daemon(segment.node("a"), tmp_path, VI_1=routed(150, [shared], []), VI_2=second).start()
    daemon.await_state("MASTER")
    daemon.await_state("MASTER", name="VI_2")
    daemon.write(VI_1=routed(150, [shared], []))
    assert daemon.ask("reload")["ok"] is True
    wait_for(lambda: not daemon.node.holds(f"{NETWORK}.11"), 5, "VI_2 to be gone", evidence=daemon.evidence)
    assert shown(daemon.node, "route") == [ROUTES[shared]]
    daemon.write(VI_1=routed(150, [], []))
    assert daemon.ask("reload")["ok"] is True
    wait_for(lambda: shown(daemon.node, "route") == [], 5, "the route to be gone", evidence=daemon.evidence)


def test_a_thousand_routes_are_told_apart_from_missing_ones(segment: Segment) -> None:
    """Their answers are far more than a socket's receive buffer holds."""
    with segment.node("a").inside():
        orders = RoutingOrders()
    texts = [f"blackhole 10.{number // 256}.{number % 256}.0/24" for number in range(1000)]
    entries = [route_entry(parse_route(text), {}.__getitem__) for text in texts]
    assert (len(orders.add(entries).done), orders.add(entries)) == (1000, Outcome())
    segment.node("a").ip("route del blackhole 10.3.9.0/24")
    assert [entry.text for entry in orders.add(entries).done] == ["route blackhole 10.3.9.0/24"]
    assert (len(orders.remove(entries).done), orders.remove(entries)) == (1000, Outcome())
    orders.close()


def test_an_instance_in_fault_has_no_routes(segment: Segment, tmp_path: Path) -> None:
    daemon = master(segment, tmp_path, f"default via {GATEWAY}", rules=["from 10.0.0.0/8 table 100 priority 900"])
    daemon.node.cut()
    daemon.await_state("FAULT")
    assert both(daemon.node) == []
    daemon.node.heal()
    daemon.await_state("MASTER")
    await_line(daemon, ROUTES[f"default via {GATEWAY}"])


def test_a_worker_that_is_killed_goes_on_as_master_and_no_route_is_ever_away(segment: Segment, tmp_path: Path) -> None:
    texts = [f"default via {GATEWAY}", "blackhole 10.66.0.0/16"]
    daemon = master(segment, tmp_path, *texts, rules=RULES)
    before = both(daemon.node)
    # A long lease, so that a busy machine cannot be too slow to start another worker within it.
    daemon.write(VI_1=routed(150, texts, RULES, advert_int=5))
    assert daemon.ask("reload")["ok"] is True
    watching, monitor = monitored(daemon.node, tmp_path, "route", "rule")
    worker = daemon.ask("status")["vrrp"]["pid"]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: daemon.answers() and daemon.ask("status")["vrrp"]["pid"] != worker, 10, "another worker")
    daemon.await_state("MASTER")
    assert both(daemon.node) == before
    watching.signal(signal.SIGTERM)
    assert "Deleted" not in monitor.read_text(), daemon.evidence()


def test_a_master_that_was_frozen_gives_its_routes_to_the_new_one(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path, advert_int=LEASED)
    b.write(VI_1=routed(200, advert_int=LEASED))  # so that a does not take it back
    assert b.ask("reload")["ok"] is True
    b.await_state("MASTER")
    b.node.signal_all(signal.SIGSTOP)
    a.await_state("MASTER")
    left = both(b.node)
    assert not [line for line in left if f"src {VIP}" in line], "gone with the lease of their source"
    assert ROUTES[f"default via {GATEWAY}"] in left, "nothing leases the others"
    a.node.signal_all(signal.SIGSTOP)
    wait_for(lambda: not a.node.holds(), 10, "the lease of a to end")
    b.node.signal_all(signal.SIGCONT)
    b.await_state("MASTER")
    wait_for(lambda: holds_all(b.node), 5, "everything on b", evidence=lambda: f"{both(b.node)}\n{b.evidence()}")
    a.node.signal_all(signal.SIGCONT)
    a.await_state("BACKUP")
    assert both(a.node) == []


def kill(node: Node) -> None:
    """Everything at one instant: a worker that sees its supervisor die first would end in order."""
    node.signal_all(signal.SIGSTOP)
    node.signal_all(signal.SIGKILL)
    wait_for(lambda: not node.processes(), 10, "everything to be dead")


def release(daemon: Daemon) -> Completed:
    path = f"PYTHONPATH={CHECKOUT}/plugins/module_utils"
    folder = daemon.folder
    arguments = ["--config", str(folder / "mainstay.json"), "--run-dir", str(folder / "run")]
    return daemon.node.run("env", path, PYTHON, "-m", "mainstay", "release", *arguments)


def test_what_a_killed_master_leaves_is_removed_by_release(segment: Segment, tmp_path: Path) -> None:
    a, _b = pair(segment, tmp_path)
    a.node.ip(f"route add 203.0.119.0/24 via {GATEWAY}")
    kill(a.node)
    left = both(a.node)
    assert ROUTES[f"default via {GATEWAY}"] in left, "nothing leases a route"

    done = release(a)

    assert done.rc == 0, done.stdout
    assert both(a.node) == []
    assert f"removed route default via {GATEWAY}" in done.stdout
    assert "203.0.119.0/24" in a.node.run("ip", "route", "show").stdout, "what is not ours stays"
    assert release(a).stdout == ""


def test_the_end_of_the_lease_takes_routes_with_its_source_and_leaves_the_others(
    segment: Segment, tmp_path: Path
) -> None:
    """A killed master's packets never leave from its virtual address; its other routes wait for release."""
    with_source = f"203.0.113.0/24 via {GATEWAY} dev {DEVICE} src {VIP} metric 50"
    daemon = master(segment, tmp_path, with_source, f"default via {GATEWAY}")
    assert ROUTES[with_source] in both(daemon.node)
    kill(daemon.node)
    wait_for(lambda: not daemon.node.holds(), 10, "the lease to end")
    assert both(daemon.node) == [ROUTES[f"default via {GATEWAY}"]]


def test_a_worker_that_starts_as_backup_removes_what_a_killed_one_left(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    kill(a.node)
    b.await_state("MASTER")
    a.write(VI_1=routed(50))
    a.start()
    wait_for(lambda: both(a.node) == [], 5, "a to hold nothing", evidence=a.evidence)
    await_report(a, "was there at the start and is removed")
    assert a.state() == "BACKUP"


# ---- the static network


def write_static(daemon: Daemon, addresses: list[str], routes: list[str], rules: list[str]) -> None:
    document = {
        "global_defs": {"default_interface": DEVICE},
        "static_ipaddress": addresses,
        "static_routes": routes,
        "static_rules": rules,
        "vrrp_instances": {"VI_1": quick(100)},
    }
    daemon.write_text(json.dumps(document))


STATIC = f"{NETWORK}.77"
STATIC_ROUTE, STATIC_RULE = f"203.0.113.0/24 via {GATEWAY}", "from 10.0.0.0/8 table 100 priority 900"
STATIC_LINES = [f"203.0.113.0/24 via {GATEWAY} dev {DEVICE}", "900: from 10.0.0.0/8 lookup 100"]


@pytest.fixture()
def static(segment: Segment, tmp_path: Path) -> Daemon:
    """A backup (its peer is master) with static things."""
    Daemon(segment.node("b"), tmp_path, VI_1=quick(200)).start().await_state("MASTER")
    daemon = Daemon(segment.node("a"), tmp_path)
    write_static(daemon, [f"{STATIC}/24"], [STATIC_ROUTE], [STATIC_RULE])
    daemon.start().await_state("BACKUP")
    return daemon


def test_static_things_are_there_on_a_backup_and_go_with_the_daemon(static: Daemon) -> None:
    assert static.node.holds(STATIC)
    assert both(static.node) == STATIC_LINES
    static.signal_and_await_end()
    assert not static.node.holds(STATIC)
    assert both(static.node) == []


def test_static_things_that_somebody_removes_come_back_and_are_reported(static: Daemon) -> None:
    """F33."""
    static.node.ip(f"address del {STATIC}/24 dev {DEVICE}")
    wait_for(lambda: static.node.holds(STATIC), SECOND, "the address", evidence=static.evidence)
    for words, line in zip(("route del 203.0.113.0/24", "rule del priority 900"), STATIC_LINES):
        static.node.ip(words)
        await_line(static, line)
    await_report(static, f"static network: somebody removed {STATIC}/24 from {DEVICE}; put back")
    await_report(static, f"static network: route {STATIC_ROUTE} had gone from the kernel; put back")


def test_static_things_that_leave_the_configuration_are_removed(static: Daemon) -> None:
    write_static(static, [f"{NETWORK}.78/24"], [], [STATIC_RULE])
    assert static.ask("reload")["ok"] is True
    wait_for(lambda: static.node.holds(f"{NETWORK}.78"), 5, "the new address", evidence=static.evidence)
    assert not static.node.holds(STATIC)
    assert both(static.node) == STATIC_LINES[1:]


def test_static_things_of_a_killed_daemon_are_found_again_or_released(static: Daemon) -> None:
    kill(static.node)
    assert static.node.holds(STATIC) and both(static.node) == STATIC_LINES
    static.start()
    assert both(static.node) == STATIC_LINES
    kill(static.node)
    assert release(static).rc == 0
    assert not static.node.holds(STATIC)
    assert both(static.node) == []


def test_adverts_may_be_sent_from_a_static_address(segment: Segment, tmp_path: Path) -> None:
    node = segment.node("a")
    node.ip(f"address del {node.address}/24 dev {DEVICE}")
    daemon = Daemon(node, tmp_path)
    write_static(daemon, [f"{STATIC}/24"], [], [])
    daemon.start().await_state("MASTER")
    assert daemon.status()["master"] == STATIC and daemon.status()["transitions"] <= 2, daemon.evidence()


def test_what_the_host_has_for_good_is_not_taken_from_it(segment: Segment, tmp_path: Path) -> None:
    daemon = Daemon(segment.node("a"), tmp_path)
    write_static(daemon, [f"{segment.node('a').address}/24"], [], [])
    daemon.start().signal_and_await_end()
    assert daemon.node.holds(daemon.node.address)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and rules that follow mastership, as iproute2 sees them in the kernel."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from netns.daemons import Daemon
from netns.pairs import LEASED
from netns.routes_lab import (
    GATEWAY,
    NET6,
    ROUTES,
    RULES,
    SECOND,
    SECOND_GATEWAY,
    await_line,
    await_report,
    both,
    holds_all,
    master,
    monitored,
    pair,
    release,
    routed,
    shown,
)
from netns.segment import DEVICE, NETWORK, VIP, Segment

from lab.waiting import wait_for
from mainstay.model.route_text import parse_route
from mainstay.net.routing_socket import Outcome, RoutingOrders, route_entry


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


def test_what_a_killed_master_leaves_is_removed_by_release(segment: Segment, tmp_path: Path) -> None:
    a, _b = pair(segment, tmp_path)
    a.node.ip(f"route add 203.0.119.0/24 via {GATEWAY}")
    a.node.kill_all()
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
    daemon.node.kill_all()
    wait_for(lambda: not daemon.node.holds(), 10, "the lease to end")
    assert both(daemon.node) == [ROUTES[f"default via {GATEWAY}"]]


def test_a_worker_that_starts_as_backup_removes_what_a_killed_one_left(segment: Segment, tmp_path: Path) -> None:
    a, b = pair(segment, tmp_path)
    a.node.kill_all()
    b.await_state("MASTER")
    a.write(VI_1=routed(50))
    a.start()
    wait_for(lambda: both(a.node) == [], 5, "a to hold nothing", evidence=a.evidence)
    await_report(a, "was there at the start and is removed")
    assert a.state() == "BACKUP"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, routes and rules that are there whoever is master, as iproute2 sees them in the kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from netns.daemons import Daemon
from netns.pairs import quick
from netns.routes_lab import (
    GATEWAY,
    SECOND,
    await_line,
    await_report,
    both,
    release,
)
from netns.segment import DEVICE, NETWORK, Segment

from lab.waiting import wait_for


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
    static.node.kill_all()
    assert static.node.holds(STATIC) and both(static.node) == STATIC_LINES
    static.start()
    assert both(static.node) == STATIC_LINES
    static.node.kill_all()
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

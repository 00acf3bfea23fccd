# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual routes in the table of a VRF; the kernel that the other tests run on may have none."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from netns.daemons import Daemon, instance
from netns.segment import Segment
from netns.test_vrrp_routes import shown

from lab.waiting import wait_for

ROUTE = "203.0.113.0/24 via 198.51.100.9 dev side0 table 10"
DEADLINE = 30.0
"""Seconds; a guest is slow."""


@pytest.fixture
def segment() -> t.Iterator[Segment]:
    segment = Segment("vrf")
    node = segment.node("a")
    node.ip("link add side0 type veth peer name side1")
    node.ip("link set side1 up")
    yield segment
    segment.close()


def make_vrf(segment: Segment) -> None:
    node = segment.node("a")
    for words in (
        "link add blue type vrf table 10",
        "link set blue up",
        "link set side0 master blue up",
        "address replace 198.51.100.1/24 dev side0",
    ):
        node.ip(words)


def test_a_route_in_the_table_of_a_vrf_comes_back_with_the_vrf(segment: Segment, tmp_path: Path) -> None:
    make_vrf(segment)
    daemon = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, virtual_routes=[ROUTE]))
    daemon.start().await_state("MASTER", DEADLINE)
    assert shown(daemon.node, "route") == [ROUTE]

    daemon.node.ip("link del blue")  # the kernel drops the routes of its members with it
    reported = f"route {ROUTE} had gone from the kernel; put back"
    wait_for(lambda: reported in daemon.log.read_text(), DEADLINE, "the report", evidence=daemon.evidence)
    make_vrf(segment)
    wait_for(lambda: shown(daemon.node, "route") == [ROUTE], DEADLINE, "the route again", evidence=daemon.evidence)
    used = daemon.node.run("ip", "route", "get", "vrf", "blue", "203.0.113.1").stdout
    assert "via 198.51.100.9 dev side0" in used
    assert daemon.state() == "MASTER"

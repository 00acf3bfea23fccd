# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reload would do to connections, told before it happens."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from mainstay.daemon.pages.plan_pools import opens_engine, pool_changes
from mainstay.daemon.pages.planning import ReloadPlan
from mainstay.model.check_config import TcpCheck
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.lvs_config import RealServer, VirtualServer
from mainstay.model.units import seconds

CHECKED = (TcpCheck(),)
WEB = VirtualServer(
    "web",
    "192.0.2.10",
    80,
    protocol="TCP",
    real_servers=(RealServer("192.0.2.21", checks=CHECKED), RealServer("192.0.2.22", checks=CHECKED)),
)
LVS: t.Dict[str, t.Any] = {
    "serving": "ipvs",
    "virtual_servers": {
        "web": {
            "real_servers": [
                {"address": "192.0.2.21", "port": 80, "active_connections": 3},
                {"address": "192.0.2.22", "port": 80, "active_connections": 4},
            ]
        }
    }
}


def told(
    *after: VirtualServer,
    plane: str = "ipvs",
    lvs: t.Any = LVS,
    before: str = "ipvs",
    old: VirtualServer = WEB,
    absent: str = "",
) -> t.List[t.Tuple[str, bool, str]]:
    running, new = with_plane(before, old), with_plane(plane, *after)
    return [(one.subject, one.certain, one.why) for one in pool_changes(running, new, lvs, absent)]


def serving(engine: t.Optional[str]) -> t.Dict[str, t.Any]:
    return {**LVS, "serving": engine}


def with_plane(plane: str, *services: VirtualServer) -> Config:
    return Config(GlobalDefs(data_plane=plane), virtual_servers={one.name: one for one in services})


def change(**options: t.Any) -> VirtualServer:
    return dataclasses.replace(WEB, **options)


def test_what_ends_no_connection_is_not_told() -> None:
    assert told(WEB) == told(change(lb_algo="rr", real_servers=tuple(reversed(WEB.real_servers)))) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((), ("virtual_server web", True, "leaves the configuration: 7 established connections end")),
        (
            (change(port=81, real_servers=(RealServer("192.0.2.21", 80), RealServer("192.0.2.22", 80))),),
            ("virtual_server web", True, "does not serve TCP 192.0.2.10:80 any more: connections there end"),
        ),
        (
            (change(real_servers=WEB.real_servers[:1]),),
            (
                "real_server web 192.0.2.22:80",
                False,
                "leaves: no new connections, 4 established connections go on for at most 300 s",
            ),
        ),
        (
            (change(real_servers=WEB.real_servers[:1], drain_timeout=0),),
            (
                "real_server web 192.0.2.22:80",
                True,
                "leaves at once, drain_timeout is 0: 4 established connections end",
            ),
        ),
        (
            (change(real_servers=(*WEB.real_servers, RealServer("192.0.2.23", checks=CHECKED))),),
            (
                "real_server web 192.0.2.23:80",
                False,
                "comes: takes new connections at once, before its first check (no alpha)",
            ),
        ),
        (
            (change(real_servers=(*WEB.real_servers, RealServer("192.0.2.23", checks=(TcpCheck(alpha=True),)))),),
            (
                "real_server web 192.0.2.23:80",
                False,
                "comes: takes new connections once its first check has passed (alpha)",
            ),
        ),
        (
            (change(real_servers=(*WEB.real_servers, RealServer("192.0.2.23"))),),
            ("real_server web 192.0.2.23:80", False, "comes: takes new connections at once, it has no check"),
        ),
    ],
    ids=["service gone", "other port", "drained", "cut off", "new", "new with alpha", "unchecked"],
)
def test_each_change_says_what_becomes_of_connections(
    after: t.Tuple[VirtualServer, ...], expected: t.Tuple[str, bool, str]
) -> None:
    assert told(*after) == [expected]


def test_another_name_ends_no_connection() -> None:
    words = "becomes virtual_server www in the kernel: connections there go on"
    assert told(change(name="www")) == [("virtual_server web", False, words)]
    assert told(change(name="www", real_servers=WEB.real_servers[:1])) == [
        ("virtual_server web", False, words),
        (
            "real_server web 192.0.2.22:80",
            False,
            "leaves: no new connections, 4 established connections go on for at most 300 s",
        ),
    ]


@pytest.mark.parametrize(
    ("protocol", "certain", "words"),
    [
        ("TCP", False, "no new connections, 7 established connections go on until they end by themselves"),
        ("UDP", True, "7 established connections end"),
    ],
)
def test_with_nftables_tcp_connections_outlive_their_service(protocol: str, certain: bool, words: str) -> None:
    """Connection tracking carries on what it knows; UDP flows are ended, see net/conntrack.py."""
    gone = told(before="nftables", plane="nftables", lvs=serving("nftables"), old=change(protocol=protocol))
    assert gone == [("virtual_server web", certain, f"leaves the configuration: {words}")]


def test_another_data_plane_ends_all_of_them() -> None:
    assert told(WEB, plane="nftables", lvs=serving("ipvs")) == [
        ("data_plane", True, "ipvs -> nftables: every service moves there, all established connections end")
    ]


def test_another_data_plane_that_is_not_there_ends_none_and_that_is_told_with_the_remedy() -> None:
    why = "this kernel has no ip_vs: load it with 'modprobe ip_vs'"
    assert told(WEB, before="nftables", lvs=serving("nftables"), absent=why) == [
        ("data_plane ipvs", True, f"is not there, nftables serves on until it comes: {why}")
    ]
    assert told(WEB, lvs=serving(None), absent=why) == [
        ("data_plane ipvs", True, f"is not there, nothing is served until it comes: {why}")
    ]


def test_the_way_back_from_a_data_plane_that_never_came_ends_no_connection() -> None:
    assert told(WEB, before="ipvs", plane="nftables", lvs=serving("nftables")) == []


@pytest.mark.parametrize(
    ("serves", "after", "opens"),
    [
        ("ipvs", with_plane("ipvs", WEB), False),
        ("ipvs", with_plane("nftables", WEB), True),
        (None, with_plane("ipvs", WEB), True),
        ("ipvs", with_plane("nftables"), False),
    ],
    ids=["the same", "another", "the first", "nothing to serve"],
)
def test_a_reload_opens_the_data_plane_that_does_not_serve_yet(
    serves: t.Optional[str], after: Config, opens: bool
) -> None:
    assert opens_engine(after, serving(serves)) is opens


def test_who_may_not_look_for_the_data_plane_says_so() -> None:
    words = "whether this machine has the data_plane of the file was not looked at: that is for root"
    plan = ReloadPlan((), (), (), secrets_compared=True, states_known=True)
    assert words not in plan.page()
    assert dataclasses.replace(plan, engine_looked_for=False).page().endswith(f"{words}\n")


def test_without_the_health_worker_the_number_is_left_out() -> None:
    shorter = change(real_servers=WEB.real_servers[:1], drain_timeout=seconds(60))
    assert told(shorter, lvs={})[0][2] == "leaves: no new connections, its connections go on for at most 60 s"

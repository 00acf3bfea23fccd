# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of `mainstay servers`: what is wrong comes first, and every figure is one that the worker gave."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.pages.servers_text import servers_page
from mainstay.model.units import seconds

ORDER = {
    "service": "web",
    "server": "192.0.2.22:80",
    "action": "drain",
    "weight": None,
    "by": "uid 0",
    "at": "2026-03-01T03:09:40.000+01:00",
    "reason": "disk",
    "known": True,
}


def server(address: str, **more: t.Any) -> t.Dict[str, t.Any]:
    usual = {
        "address": address,
        "port": 80,
        "weight": 5,
        "effective_weight": 5,
        "in_pool": True,
        "state": "up",
        "since": "2026-03-01T03:00:00.000+01:00",
        "reason": "HTTP 200",
        "age": 1.234,
        "active_connections": 3,
        "inactive_connections": 1,
        "override": None,
        "notes": [],
        "hindrances": [],
    }
    return {**usual, **more}


def answer(*servers: t.Mapping[str, t.Any], **service: t.Any) -> t.Dict[str, t.Any]:
    web = {
        "keys": ["TCP 198.51.100.10:80"],
        "lb_algo": "wrr",
        "lb_kind": "NAT",
        "installed": True,
        "quorum_up": True,
        "live_weight": 5,
        "needed": 1,
        "real_servers": list(servers),
        **service,
    }
    lvs = {"alive": True, "data_plane": "ipvs", "error": None, "virtual_servers": {"web": web}}
    return {"ok": True, "as_of": 1, "lvs": lvs, "overrides": {"orders": [], "problem": None}}


def test_a_pool_in_good_health_is_a_table_and_nothing_else() -> None:
    assert servers_page(answer(server("192.0.2.21"), server("192.0.2.22", age=4000))).splitlines() == [
        "virtual_server web  TCP 198.51.100.10:80 wrr NAT ipvs  quorum: live weight 5, needed 1",
        "  REAL SERVER    STATE  WEIGHT  ACTIVE  INACTIVE  SINCE                LAST CHECK",
        "  192.0.2.21:80  up     5       3       1         2026-03-01 03:00:00  1.2 s ago: HTTP 200",
        "  192.0.2.22:80  up     5       3       1         2026-03-01 03:00:00  67 min ago: HTTP 200",
    ]


def test_what_is_wrong_comes_first_with_its_remedy() -> None:
    drained = server("192.0.2.22", state="draining", effective_weight=0, override=ORDER)
    down = server("2001:db8::21", in_pool=False, effective_weight=0, state="down", reason="HTTP 503", age=0.5)
    given = answer(drained, down, quorum_up=False, live_weight=0, sorry_in=True, refusals=["no scheduler"])
    given["overrides"] = {
        "orders": [ORDER, {**ORDER, "service": "gone", "known": False}],
        "problem": "overrides.json is ignored",
        "maintenance_directory": {
            "path": "/run/held",
            "problem": "",
            "files": {"192.0.2.22": ["web 192.0.2.22:80", "mail 192.0.2.22:25"], "wbe": []},
        },
    }

    page = servers_page(given).splitlines()

    by = "by uid 0 at 2026-03-01 03:09:40: disk"
    assert [line for line in page if line.startswith("!! ")] == [
        f"!! real_server web 192.0.2.22:80: drain {by}; 'mainstay restore web 192.0.2.22:80' ends it",
        f"!! real_server gone 192.0.2.22:80: drain {by}; the configuration has no such server; "
        "'mainstay restore gone 192.0.2.22:80' ends it",
        "!! overrides: overrides.json is ignored",
        "!! /run/held/192.0.2.22 holds web 192.0.2.22:80 in maintenance; remove it to end that",
        "!! /run/held/wbe means no real_server of the configuration",
        "!! virtual_server web: no scheduler",
        "!! virtual_server web: quorum is lost, live weight 0, needed 1",
        "!! virtual_server web: no real_server takes new connections (1 of 2 down), the sorry_server answers",
    ]
    assert "  192.0.2.22:80      DRAINING  0 of 5  " in page[-4] + page[-3]
    assert page[-2].split()[:3] == ["[2001:db8::21]:80", "DOWN", "-"] and page[-2].endswith("0.5 s ago: HTTP 503")
    assert page[-1] == "  sorry_server in the pool"


@pytest.mark.parametrize(("age", "said"), [(0.2, []), (3.04, ["connections were counted 3.0 s ago"])])
def test_connections_that_were_not_counted_just_now_have_their_age(age: float, said: list[str]) -> None:
    given = answer(server("192.0.2.21"))
    given["lvs"].update(as_of=seconds(100), counted_at=seconds(100 - age))
    assert servers_page(given).splitlines()[4:] == said


def test_a_silent_worker_is_said_and_its_last_words_are_marked() -> None:
    given = answer(server("192.0.2.21"))
    given["lvs"]["alive"] = False
    page = servers_page(given)
    assert page.startswith("!! the health worker does not answer; ") and " up?    5 " in page


def test_nothing_of_a_real_server_can_steer_a_terminal() -> None:
    page = servers_page(
        answer(server("192.0.2.21", reason="\x1b[2Jall fine", notes=["certificate ends in 5 days\x07"]))
    )
    assert "\x1b" not in page and "\x07" not in page
    assert page.rstrip().endswith("1.2 s ago: ?[2Jall fine; certificate ends in 5 days?")


def test_servers_that_leave_and_a_pool_that_only_the_floor_holds_are_told() -> None:
    leaving = [{"address": "192.0.2.29", "port": 80, "active_connections": 2}]
    page = servers_page(answer(server("192.0.2.21"), leaving=leaving, floor_holds=["192.0.2.21:80"]))
    assert "  leaving: 192.0.2.29:80, 2 established connections" in page.splitlines()
    assert "!! virtual_server web: pool_floor keeps failed servers in: 192.0.2.21:80" in page


def test_checks_that_are_late_are_said() -> None:
    slots = {"waiting": 260, "at_once": 100, "late": 500, "late_now": True, "longest_wait": 21.5}
    page = servers_page({"lvs": {"alive": True, "probe_slots": slots}})
    assert page.startswith(
        "!! checks are late, failures are found late: 260 wait, 100 run at once, 500 began late so far, by 21.5 s"
    )
    assert "!!" not in servers_page({"lvs": {"alive": True, "checks": {**slots, "late_now": False}}})


def test_servers_that_this_host_cannot_check_are_said_with_the_reason_and_carry_a_question_mark() -> None:
    missing = "ca_file /etc/ca.pem: No such file or directory"
    hindered = [server(f"192.0.2.{number}", hindrances=[missing]) for number in range(21, 26)]
    lines = servers_page(answer(*hindered, server("192.0.2.30"))).splitlines()
    assert lines[0] == (
        "!! virtual_server web: cannot be checked and stay as they are: "
        f"192.0.2.21:80, 192.0.2.22:80, 192.0.2.23:80 and 2 more: {missing}"
    )
    rows = {line.split()[0]: line.split()[1] for line in lines if line.startswith("  192")}
    assert (rows["192.0.2.21:80"], rows["192.0.2.30:80"]) == ("up?", "up")

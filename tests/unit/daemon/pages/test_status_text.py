# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page a tired operator reads: trouble first, then who is master, then the pools."""

from __future__ import annotations

import copy
import typing as t

from mainstay.daemon.pages.status_text import status_page

STATUS: t.Dict[str, t.Any] = {
    "as_of": 1,
    "version": "1.0.0",
    "digest": "ab",
    "pid": 4711,
    "router_id": "lb1",
    "config": {
        "path": "/etc/mainstay/mainstay.json",
        "digest": "sha256:cd",
        "loaded_at": "2026-03-01T03:00:00+01:00",
        "last_reload": None,
    },
    "vrrp": {
        "alive": True,
        "pid": 4712,
        "as_of": 1,
        "real_time": True,
        "instances": {
            "VI_1": {
                "state": "MASTER",
                "since": "2026-03-01T03:00:04+01:00",
                "interface": "eth0",
                "virtual_router_id": 51,
                "priority": 150,
                "effective_priority": 150,
                "addresses": ["192.0.2.10/24"],
                "addresses_held": ["192.0.2.10/24"],
                "master": None,
                "last_transition": "BACKUP -> MASTER: no advert for 3.4 s",
                "problems": [],
            },
            "VI_2": {
                "state": "BACKUP",
                "since": "2026-03-01T03:00:00+01:00",
                "interface": "eth1",
                "virtual_router_id": 52,
                "priority": 100,
                "effective_priority": 90,
                "addresses": ["198.51.100.10/24"],
                "addresses_held": [],
                "master": "198.51.100.2",
                "last_transition": "",
                "problems": [],
                "counters": {"discarded": {"checksum": 7, "virtual_router_id": 900}},
            },
        },
    },
    "lvs": {
        "alive": True,
        "pid": 4713,
        "as_of": 1,
        "data_plane": "ipvs",
        "error": None,
        "virtual_servers": {
            "web": {
                "address": "192.0.2.10",
                "port": 80,
                "protocol": "TCP",
                "lb_algo": "wrr",
                "lb_kind": "DR",
                "installed": True,
                "refusals": [],
                "real_servers": [
                    {
                        "address": "192.0.2.21",
                        "port": 80,
                        "weight": 1,
                        "effective_weight": 1,
                        "in_pool": True,
                        "state": "up",
                        "since": "2026-03-01T03:00:01+01:00",
                        "reason": "HTTP 200",
                        "active_connections": 3,
                        "inactive_connections": 10,
                    },
                    {
                        "address": "192.0.2.22",
                        "port": 80,
                        "weight": 5,
                        "effective_weight": 0,
                        "in_pool": False,
                        "state": "down",
                        "since": "2026-03-01T03:01:00+01:00",
                        "reason": "connection refused",
                        "active_connections": None,
                        "inactive_connections": None,
                    },
                ],
            }
        },
    },
}

PAGE = """\
lb1: mainstayd 1.0.0, pid 4711, runs /etc/mainstay/mainstay.json of 2026-03-01 03:00:00

INSTANCE  STATE   SINCE                INTERFACE  VRID  PRIORITY   MASTER        ADDRESSES HELD
VI_1      MASTER  2026-03-01 03:00:04  eth0       51    150        this machine  192.0.2.10/24
          BACKUP -> MASTER: no advert for 3.4 s
VI_2      BACKUP  2026-03-01 03:00:00  eth1       52    90 of 100  198.51.100.2  none of 1
          packets discarded so far: 7 for checksum

virtual_server web  TCP 192.0.2.10:80 wrr DR ipvs
  REAL SERVER    STATE  WEIGHT  ACTIVE  INACTIVE  SINCE                LAST CHECK
  192.0.2.21:80  up     1       3       10        2026-03-01 03:00:01  HTTP 200
  192.0.2.22:80  DOWN   -       -       -         2026-03-01 03:01:00  connection refused
"""


def trouble(status: t.Mapping[str, t.Any]) -> t.List[str]:
    return [line[3:] for line in status_page(status).splitlines() if line.startswith("!! ")]


def changed(**sections: t.Mapping[str, object]) -> t.Dict[str, t.Any]:
    status = copy.deepcopy(STATUS)
    for name, changes in sections.items():
        status[name].update(changes)
    return status


def test_the_page_of_a_healthy_pair() -> None:
    assert status_page(STATUS) == PAGE


def test_trouble_stands_on_top() -> None:
    status = changed(
        vrrp={"alive": False},
        lvs={"alive": False, "pid": None, "as_of": None, "error": "this kernel has no ip_vs: load it"},
        config={
            "last_reload": {
                "ok": False,
                "at": "2026-03-01T04:00:00+01:00",
                "problems": [{"path": "vrrp_instances.VI_1.priority", "value": 300, "message": "must be 1 to 255."}],
            }
        },
    )
    status["as_of"] += 12_000_000_000
    status["vrrp"]["instances"]["VI_1"].update(state="FAULT", problems=["no carrier on eth0"])
    status["vrrp"]["instances"]["VI_2"]["problems"] = ["adverts cannot be sent on eth1"]
    status["lvs"]["virtual_servers"]["web"]["refusals"] = ["scheduler mh is not in this kernel"]
    for server in status["lvs"]["virtual_servers"]["web"]["real_servers"]:
        server["in_pool"] = False

    assert trouble(status) == [
        "vrrp worker (pid 4712) does not answer; below stands what it said 12 s ago, marked ?; "
        "see 'journalctl -u mainstay -e'",
        "health worker is not running; it has said nothing yet; see 'journalctl -u mainstay -e'",
        "the reload of 2026-03-01 04:00:00 was refused; the daemon runs what it ran before",
        "  vrrp_instances.VI_1.priority = 300: must be 1 to 255.",
        "data plane ipvs: this kernel has no ip_vs: load it",
        "vrrp_instance VI_1 is in FAULT: no carrier on eth0",
        "vrrp_instance VI_2: adverts cannot be sent on eth1",
        "virtual_server web: scheduler mh is not in this kernel",
        "virtual_server web: no real_server takes new connections (1 of 2 down), connections fail",
    ]
    assert status_page(status).splitlines()[1].startswith("!! ")


def test_what_a_silent_worker_said_last_does_not_look_like_the_present() -> None:
    page = status_page(changed(vrrp={"alive": False}, lvs={"alive": False}))

    assert "VI_1      MASTER?  " in page
    assert "192.0.2.21:80  up?    " in page and "192.0.2.22:80  DOWN?  " in page


def instance_lines(addresses: int, held: int) -> t.List[str]:
    """The lines of an instance with so many addresses, from the state on."""
    names = [f"192.0.2.{number}/24" for number in range(1, addresses + 1)]
    status = changed(vrrp={"instances": {"VI_1": copy.deepcopy(STATUS["vrrp"]["instances"]["VI_1"])}})
    status["vrrp"]["instances"]["VI_1"].update(addresses=names, addresses_held=names[:held])
    lines = status_page(status).splitlines()
    column = lines[2].index("ADDRESSES HELD")
    return [line[column:] for line in lines[3 : lines.index("", 3)] if not line[:column].strip() or "VI_1" in line]


def test_many_addresses_stand_below_each_other() -> None:
    assert instance_lines(5, 5) == ["192.0.2.1/24 192.0.2.2/24", "192.0.2.3/24 192.0.2.4/24", "192.0.2.5/24"]
    assert instance_lines(200, 200)[5:] == ["192.0.2.11/24 192.0.2.12/24", "and 188 more, see --json"]


def test_missing_addresses_are_counted() -> None:
    assert instance_lines(3, 1) == ["1 of 3", "192.0.2.1/24"]
    assert instance_lines(3, 0) == ["none of 3"]


def test_a_service_the_kernel_lacks_says_so() -> None:
    status = copy.deepcopy(STATUS)
    status["lvs"]["virtual_servers"]["web"]["installed"] = False

    assert "virtual_server web  TCP 192.0.2.10:80 wrr DR ipvs  NOT INSTALLED" in status_page(status)


def test_an_empty_configuration_is_said_in_words() -> None:
    page = status_page(changed(vrrp={"instances": {}}, lvs={"virtual_servers": {}}))

    assert "no vrrp_instances" in page
    assert "no virtual_servers" in page


def test_what_a_real_server_says_cannot_steer_the_terminal() -> None:
    status = copy.deepcopy(STATUS)
    status["lvs"]["virtual_servers"]["web"]["real_servers"][0]["reason"] = "HTTP \x1b[2J\n200"

    assert "HTTP ?[2J?200" in status_page(status)


def test_a_status_with_holes_still_makes_a_page() -> None:
    """A worker that never answered has an empty section; an older daemon may lack keys."""
    for status in ({}, {"vrrp": {"instances": {"VI_1": {}}}, "lvs": {"virtual_servers": {"web": {}}}}):
        assert status_page(status).startswith("mainstayd -")


TRACKER = {
    "kind": "script",
    "name": "chk_web",
    "weight": -10,
    "reverse": False,
    "result": "down",
    "why": "exit status 1",
    "since": "2026-03-01T12:03:11.000+01:00",
}
GROUP = {
    "state": "FAULT",
    "since": "2026-03-01T03:00:04+01:00",
    "members": ["VI_1", "VI_2"],
    "last_transition": "MASTER -> FAULT: vrrp_instance VI_2: no carrier on eth1",
    "trackers": [],
}


def tracking_page(**changes: t.Any) -> t.List[str]:
    status = copy.deepcopy(STATUS)
    status["vrrp"]["instances"]["VI_1"].update(changes)
    return status_page(status).splitlines()


def test_what_is_tracked_stands_below_its_instance_with_its_result_and_since() -> None:
    waiting = {**TRACKER, "name": "chk_db", "weight": 0, "result": None, "since": None, "why": "waits"}
    page = tracking_page(trackers=[TRACKER, waiting])

    assert any(
        line.strip() == "tracks script chk_web, weight -10: down since 2026-03-01 12:03:11 (exit status 1)"
        for line in page
    ), page
    assert any(line.strip() == "tracks script chk_db: waits" for line in page), page


def test_what_a_priority_is_made_of_is_said_and_nothing_when_it_is_simply_configured() -> None:
    because = [{"name": "chk_web", "change": -10, "since": "2026-03-01T12:03:11+01:00"}]
    page = tracking_page(effective_priority=140, priority_because=because)

    assert any(line.strip() == "priority 140: 150 configured, chk_web -10" for line in page), page
    assert not any("configured," in line for line in tracking_page()), tracking_page()


def test_a_demotion_is_trouble_and_a_note() -> None:
    page = tracking_page(demoted=True, problems=["demoted by an operator"], effective_priority=1)

    assert "!! vrrp_instance VI_1: demoted by an operator" in page
    assert any(line.strip() == "priority 1: 150 configured, demoted by an operator" for line in page), page


def test_groups_come_before_instances_with_what_led_to_their_state() -> None:
    status = copy.deepcopy(STATUS)
    status["vrrp"]["groups"] = {"G": GROUP}
    page = status_page(status).splitlines()

    (row,) = [line for line in page if line.startswith("G ")]
    assert row.split() == ["G", "FAULT", "2026-03-01", "03:00:04", "VI_1", "VI_2"]
    assert page[page.index(row) + 1].strip() == GROUP["last_transition"]
    assert page.index(row) < next(number for number, line in enumerate(page) if line.startswith("VI_1"))


def test_nothing_of_a_tracker_can_steer_a_terminal() -> None:
    page = tracking_page(trackers=[{**TRACKER, "why": "\x1b[2J"}])

    assert "\x1b" not in "\n".join(page)


def test_mails_that_do_not_get_through_are_trouble() -> None:
    failure = {"at": "2026-03-01T03:01:00+01:00", "reason": "mail.example.com port 25 hung up\x1b[2J"}
    status = {**STATUS, "mail": {"waiting": 3, "sent": 0, "dropped": 2, "last_failure": failure}}
    page = status_page(status)
    assert "!! mail: mail.example.com port 25 hung up?[2J (at 2026-03-01 03:01:00" in page
    assert "; 3 wait\n" in page and "!! mail: 2 were dropped since the daemon started\n" in page
    assert "mail" not in status_page({**STATUS, "mail": {"waiting": 0, "dropped": 0, "last_failure": None}})


def test_what_passed_checks_want_to_be_heard_is_trouble_too() -> None:
    status = copy.deepcopy(STATUS)
    status["lvs"]["virtual_servers"]["web"]["real_servers"][0]["notes"] = ["the certificate ends in 5 days"]
    assert trouble(status) == ["virtual_server web: real_server 192.0.2.21:80: the certificate ends in 5 days"]


def test_a_service_without_quorum_whose_checks_rest_says_both() -> None:
    status = copy.deepcopy(STATUS)
    figures = {"quorum_up": False, "live_weight": 1, "needed": 2, "suspended": True}
    status["lvs"]["virtual_servers"]["web"].update(figures)
    assert trouble(status) == ["virtual_server web: quorum is lost, live weight 1, needed 2"]
    head = "virtual_server web  TCP 192.0.2.10:80 wrr DR ipvs"
    line = f"{head}  NO QUORUM: live weight 1, needed 2  checks rest (ha_suspend)"
    assert line in status_page(status).splitlines()


def test_a_service_that_the_kernel_does_not_hold_says_so() -> None:
    status = copy.deepcopy(STATUS)
    status["lvs"]["virtual_servers"]["web"]["installed"] = False
    assert "NOT INSTALLED" in status_page(status)
    assert "NOT INSTALLED" not in status_page(STATUS)

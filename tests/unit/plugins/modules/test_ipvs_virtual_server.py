# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ipvs_virtual_server; what it shares with vrrp_instance is told in the tests of that."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.mainstay.ha.plugins.modules import ipvs_virtual_server

from .host import Host

WANTED: dict[str, t.Any] = {
    "name": "web",
    "address": "192.0.2.10",
    "port": 80,
    "protocol": "TCP",
    "lb_algo": "rr",
    "real_servers": [
        {"address": "192.0.2.21", "port": 80, "check": {"type": "http", "path": "/healthz", "status_code": 200}},
        {"address": "192.0.2.22", "port": 80, "weight": 3, "check": {"type": "tcp", "connect_timeout": 1}},
    ],
}
FILE = "virtual_server-web.json"
POOL = [
    {"address": "192.0.2.21", "port": 80, "weight": 1},
    {"address": "192.0.2.22", "port": 80, "weight": 3},
]


def status(pool: list[dict[str, t.Any]] = POOL, error: str | None = None, **changes: object) -> dict[str, object]:
    """A daemon's status with web in it."""
    service = {
        "address": "192.0.2.10",
        "port": 80,
        "protocol": "TCP",
        "lb_algo": "rr",
        "lb_kind": "NAT",
        "installed": True,
        "refusals": [],
        "real_servers": pool,
        **changes,
    }
    return {"lvs": {"alive": True, "error": error, "virtual_servers": {"web": service}}}


def test_a_new_service_is_kept_with_its_pool_and_checks(host: Host) -> None:
    with host.daemon():
        result = host.run(ipvs_virtual_server, **WANTED)
    kept = host.content(FILE)["virtual_servers"]["web"]
    assert result.changed and kept == result.object
    assert [server.get("weight") for server in kept["real_servers"]] == [None, 3]
    first, second = (server["check"] for server in kept["real_servers"])
    assert (first["path"], first["status_code"], first["http_protocol"]) == ("/healthz", [200], "1.0")
    assert second == {"type": "tcp", "connect_timeout": 1, "fwmark": 0, "rise": 1}


def test_everything_that_a_service_may_say_gets_into_its_file(host: Host) -> None:
    checks = [
        {"type": "https", "verify": "full", "urls": [{"path": "/a"}, {"path": "/b", "regex": "ok"}]},
        {"type": "misc", "misc_path": {"command": "/bin/check it", "user": "nobody"}, "misc_dynamic": True},
    ]
    more = {
        "sorry_server": "192.0.2.30 8080",
        "quorum_down": "/usr/local/bin/page",
        "persistence_timeout": 60,
        "persistence_granularity": "255.255.255.0",
        "real_servers": [{"address": "192.0.2.21", "backup": False, "slow_start": 30, "checks": checks}],
    }
    with host.daemon():
        host.run(ipvs_virtual_server, **{**WANTED, **more})
        assert not host.run(ipvs_virtual_server, **{**WANTED, **more}).changed
    kept = host.content(FILE)["virtual_servers"]["web"]
    assert (kept["sorry_server"], kept["persistence_granularity"]) == ("192.0.2.30 8080", 24)
    https, misc = kept["real_servers"][0]["checks"]
    assert [url["path"] for url in https["urls"]] == ["/a", "/b"]
    assert misc["misc_path"] == {"command": "/bin/check it", "user": "nobody"}


def test_a_service_of_a_mark_has_neither_address_nor_protocol(host: Host) -> None:
    wanted = {"name": "web", "fwmark": 5, "real_servers": [{"address": "192.0.2.21", "port": 80}]}
    told = status([POOL[0]], address=None, port=None, protocol="", lb_algo="wlc")
    with host.daemon(status=[told]):
        result = host.run(ipvs_virtual_server, **wanted, wait=True, wait_timeout=0)
    assert result.changed and not result.failed, result.values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": None}, "virtual_servers.web.protocol: is missing"),
        ({"hysteresis": 1}, "virtual_servers.web.hysteresis = 1: must be less than quorum"),
        ({"sorry_server": ["x"]}, "virtual_servers.web.sorry_server"),
        ({"lb_algo": "sh", "mh_port": True}, "virtual_servers.web.mh_port"),
    ],
)
def test_what_contradicts_itself_is_refused_at_its_path(host: Host, change: dict[str, t.Any], message: str) -> None:
    with host.daemon():
        arguments = {key: value for key, value in {**WANTED, **change}.items() if value is not None}
        result = host.run(ipvs_virtual_server, **arguments)
    assert result.failed and message in result.msg


def test_the_same_again_changes_nothing(host: Host) -> None:
    with host.daemon():
        host.run(ipvs_virtual_server, **WANTED)
        assert not host.run(ipvs_virtual_server, **WANTED).changed


def test_a_server_that_leaves_the_pool_shows_in_the_diff(host: Host) -> None:
    with host.daemon():
        host.run(ipvs_virtual_server, **WANTED)
        result = host.run(ipvs_virtual_server, **{**WANTED, "real_servers": WANTED["real_servers"][:1]})
    assert "192.0.2.22" in result.diff["before"] and "192.0.2.22" not in result.diff["after"]


def test_an_option_of_another_kind_of_check_is_refused(host: Host) -> None:
    server = {"address": "192.0.2.21", "port": 80, "check": {"type": "tcp", "path": "/"}}
    result = host.run(ipvs_virtual_server, **{**WANTED, "real_servers": [server]})
    assert result.failed and "real_servers[0].check.path" in result.msg and host.files() == []


def test_what_the_data_plane_of_another_file_cannot_do_is_refused(host: Host) -> None:
    host.main_file.write_text('{"global_defs": {"data_plane": "nftables"}}', encoding="utf-8")
    result = host.run(ipvs_virtual_server, **{**WANTED, "lb_algo": "wlc"})
    assert result.failed and "nftables" in result.msg and host.files() == []


def test_wait_returns_when_the_service_is_installed_with_its_pool(host: Host) -> None:
    script = [status(installed=False), status(lb_algo="wlc"), status(POOL[:1]), status()]
    with host.daemon(status=script) as daemon:
        result = host.run(ipvs_virtual_server, **WANTED, wait=True)
    assert result.status["installed"]
    assert daemon.asked.count("status") == 4


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (status(error="no ip_vs in this kernel; use nftables"), "no ip_vs in this kernel"),
        (status(refusals=["no such scheduler"]), "no such scheduler"),
        (status(POOL[:1]), "its pool is still 192.0.2.21:80 weight 1"),
        ({"lvs": {"alive": False}}, "health worker is not alive"),
    ],
)
def test_wait_gives_up_with_what_is_missing(host: Host, told: dict[str, object], reason: str) -> None:
    with host.daemon(status=[told]):
        result = host.run(ipvs_virtual_server, **WANTED, wait=True, wait_timeout=0)
    assert result.failed and reason in result.msg


def test_absence_is_reached_when_the_daemon_runs_it_no_more(host: Host) -> None:
    gone = {"lvs": {"alive": True, "error": None, "virtual_servers": {}}}
    with host.daemon(status=[status(), gone]):
        host.run(ipvs_virtual_server, **WANTED)
        result = host.run(ipvs_virtual_server, name="web", state="absent", wait=True)
    assert result.changed and result.reloaded and result.status is None

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
    assert [server["weight"] for server in kept["real_servers"]] == [1, 3]
    first, second = (server["check"] for server in kept["real_servers"])
    assert (first["path"], first["status_code"], first["delay_before_retry"]) == ("/healthz", [200], 3)
    assert (second["connect_timeout"], second["delay_before_retry"]) == (1, 1)


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

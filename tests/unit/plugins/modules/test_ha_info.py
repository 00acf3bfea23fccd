# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ha_info on a director whose workers the test plays."""

from __future__ import annotations

import pytest

from ansible_collections.mainstay.ha.plugins.modules import ha_info
from mainstay.net.local_sockets import Peer

from .host import Host, Result
from .played_director import A, B, PlayedDirector


def run(host: Host, **arguments: object) -> Result:
    return host.run_plain(ha_info, run_dir=str(host.folder), **arguments)


@pytest.mark.parametrize("check_mode", [False, True])
def test_it_tells_routers_services_and_servers_and_changes_nothing(host: Host, check_mode: bool) -> None:
    with PlayedDirector(host.socket) as director:
        result = run(host, _ansible_check_mode=check_mode)
    assert not result.changed and director.asked == ["status"]
    assert (result.version, result.router_id) == ("1.0.0", "director1")
    assert result.alive == {"vrrp": True, "lvs": True}
    assert result.vrrp_instances["VI_1"]["state"] == "MASTER"
    assert result.vrrp_sync_groups["pair"]["members"] == ["VI_2", "VI_3"]
    servers = result.virtual_servers["web"]["real_servers"]
    assert [(one["name"], one["state"], one["in_pool"]) for one in servers] == [(A, "up", True), (B, "up", True)]
    assert result.problems == [] and result.orders == {"real_servers": [], "vrrp_instances": []}


def test_what_operators_have_ordered_is_a_problem_and_is_listed(host: Host) -> None:
    with PlayedDirector(host.socket) as director:
        director.answer({"verb": "drain", "service": "web", "server": A, "reason": "disk"})
        director.answer({"verb": "demote", "names": [], "all": True})
        result = run(host)
    assert [one["server"] for one in result.orders["real_servers"]] == [A]
    assert [one["kind"] for one in result.orders["vrrp_instances"]] == ["ALL"]
    assert any("drain by uid 0" in one and "disk" in one for one in result.problems)


def test_silent_workers_are_said_to_be_silent(host: Host) -> None:
    with PlayedDirector(host.socket) as director:
        director.alive = False
        result = run(host)
    assert result.alive == {"vrrp": False, "lvs": False}
    assert any("health worker" in one for one in result.problems)


def test_whoever_may_open_the_socket_may_look(host: Host) -> None:
    with PlayedDirector(host.socket, Peer(7, 4711, 4711)):
        assert not run(host).failed


def test_without_a_daemon_it_fails_and_says_so(host: Host) -> None:
    result = run(host)
    assert result.failed and f"mainstayd is not running (nobody listens on {host.socket})" in result.msg


def test_another_program_on_the_socket_is_no_daemon(host: Host) -> None:
    with host.daemon(status=[{"ok": False, "error": "what do you want?"}]):
        result = run(host)
    assert result.failed and "what do you want?" in result.msg

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole daemon with a real ip_vs: what it does there in good times and bad, as ipvsadm shows it."""

from __future__ import annotations

import signal
import typing as t
from pathlib import Path

import pytest
from netns.pool_lab import NAT_VIP, PORT, PoolLab

from lab.waiting import wait_for

from .conftest import ModuleLoading
from .daemon_on_director import GUEST_SECONDS, VIP, CheckedPort, DirectorDaemon, balanced
from .ipvs_director import WEB, IpvsDirector, server

SERVICE = "-A -t 198.51.100.10:80 -s wrr"
FIRST = "-a -t 198.51.100.10:80 -r 192.0.2.21:80 -m -w 1"
SECOND = "-a -t 198.51.100.10:80 -r 192.0.2.22:80 -m -w 1"
FOREIGN = ["-A -u 203.0.113.1:25 -s wlc", "-a -u 203.0.113.1:25 -r 192.0.2.21:25 -m -w 5"]


@pytest.fixture
def checked(lab: PoolLab) -> t.Iterator[dict[str, CheckedPort]]:
    """The ports that the checks ask, by server; all are open."""
    ports = {name: CheckedPort(namespace) for name, namespace in lab.servers.items()}
    yield ports
    for port in ports.values():
        port.close()


@pytest.fixture
def configured(lab: PoolLab, checked: dict[str, CheckedPort], tmp_path: Path) -> t.Iterator[DirectorDaemon]:
    """A daemon that is yet to be started, with one service on both servers."""
    daemon = DirectorDaemon(lab, tmp_path, web=balanced(first=1, second=1))
    yield daemon
    daemon.close()


@pytest.fixture
def daemon(director: IpvsDirector, configured: DirectorDaemon) -> DirectorDaemon:
    """It runs and has found both servers up."""
    configured.start().await_states(GUEST_SECONDS, first="up", second="up")
    return configured


@pytest.mark.fault("F56")
def test_without_ip_vs_vrrp_works_and_when_it_comes_the_table_does_too(
    without_ip_vs: ModuleLoading, configured: DirectorDaemon, lab: PoolLab
) -> None:
    configured.start().await_state("MASTER", GUEST_SECONDS)
    wait_for(configured.holds, GUEST_SECONDS, "the master's address", evidence=configured.evidence)
    missing = "this kernel has no ip_vs: load it with 'modprobe ip_vs', or set global_defs.data_plane: nftables"
    assert configured.ask("status")["lvs"]["error"].startswith(f"{missing}; tried again in ")

    without_ip_vs.load()

    configured.await_pool(SERVICE, FIRST, SECOND)
    assert configured.ask("status")["lvs"]["error"] is None
    assert lab.ask(NAT_VIP) in ("first", "second")
    log = configured.log.read_text()
    assert log.count("is not available") == 1, "said again at every attempt"
    assert "data_plane ipvs is available now" in log
    assert configured.status()["transitions"] == 2, "VRRP did more than become BACKUP and MASTER"


def test_a_server_whose_check_fails_leaves_ip_vs_and_comes_back(
    daemon: DirectorDaemon, lab: PoolLab, checked: dict[str, CheckedPort]
) -> None:
    checked["first"].close()
    daemon.await_pool(SERVICE, SECOND)
    assert {lab.ask(NAT_VIP) for _ in range(4)} == {"second"}
    checked["first"].open()
    daemon.await_pool(SERVICE, FIRST, SECOND)
    assert {lab.ask(NAT_VIP) for _ in range(4)} == {"first", "second"}


@pytest.mark.fault("F58")
def test_the_successor_of_a_killed_worker_adopts_entries_and_connections(
    director: IpvsDirector, daemon: DirectorDaemon, lab: PoolLab, checked: dict[str, CheckedPort]
) -> None:
    checked["first"].close()
    daemon.await_pool(SERVICE, SECOND)
    held, dead = lab.connect(NAT_VIP), daemon.worker()
    assert held.ask() == "second"
    director.wait_for_connections_made(WEB, 1)
    made = director.connections_made(server("second").key)

    dead.signal(signal.SIGKILL)

    def respawned() -> bool:
        section = daemon.ask("status")["lvs"]
        return bool(section["alive"] and section["pid"] != dead.pid)

    wait_for(respawned, GUEST_SECONDS, "a new health worker", evidence=daemon.evidence)
    daemon.await_states(GUEST_SECONDS, first="down", second="up")
    assert daemon.log.read_text().count("real_server 192.0.2.21:80 is down") == 1, "it was thought to be up meanwhile"
    assert held.ask() == "second"
    assert daemon.servers()["second"]["active_connections"] == 1
    daemon.await_pool(SERVICE, SECOND)
    assert director.connections_made(WEB) == 1, "the service was made anew"
    assert director.connections_made(server("second").key) == made, "the server's entry was made anew"
    held.close()


def test_an_orderly_end_takes_along_what_is_ours_and_nothing_else(
    director: IpvsDirector, daemon: DirectorDaemon
) -> None:
    for rule in FOREIGN:
        director.ipvsadm(*rule.split())
    wait_for(daemon.holds, GUEST_SECONDS, "the master's address", evidence=daemon.evidence)
    daemon.signal_and_await_end()
    assert director.saved() == FOREIGN
    assert not daemon.holds()
    assert daemon.holds(NAT_VIP), "an address of the host's own"


def test_after_a_violent_death_release_removes_what_is_ours_and_nothing_else(
    director: IpvsDirector, daemon: DirectorDaemon
) -> None:
    for rule in FOREIGN:
        director.ipvsadm(*rule.split())
    wait_for(daemon.holds, GUEST_SECONDS, "the master's address", evidence=daemon.evidence)
    daemon.node.kill_all()
    daemon.await_pool(SERVICE, FIRST, SECOND, *FOREIGN)
    assert daemon.holds()
    assert daemon.release() == [
        f"removed {VIP}/24 from clients",
        "removed virtual service TCP 198.51.100.10:80 from ipvs",
    ]
    assert director.saved() == FOREIGN
    assert not daemon.holds()
    assert daemon.holds(NAT_VIP), "an address of the host's own"
    assert daemon.release() == []


def test_a_reload_that_changes_a_weight_changes_this_weight(
    director: IpvsDirector, daemon: DirectorDaemon, lab: PoolLab
) -> None:
    daemon.serve(web=balanced(first=1, second=1), more=balanced(PORT + 1, first=1))
    assert daemon.reload()["ok"]
    more = [rule.replace("100.10:80", "100.10:81") for rule in (SERVICE, FIRST)]
    daemon.await_pool(SERVICE, FIRST, SECOND, *more)
    assert {lab.ask(NAT_VIP) for _ in range(2)} == {"first", "second"}
    director.wait_for_connections_made(WEB, 2)
    entries = [WEB, server("first").key, server("second").key]
    made = [director.connections_made(entry) for entry in entries]

    daemon.serve(web=balanced(first=7, second=1), more=balanced(PORT + 1, first=1))
    assert daemon.reload() == {"ok": True, "changed": ["virtual_server web: changed real_servers"]}

    daemon.await_pool(SERVICE, FIRST.replace("-w 1", "-w 7"), SECOND, *more)
    assert [director.connections_made(entry) for entry in entries] == made, "an entry was made anew"


def test_ip_vs_serves_on_where_another_data_plane_is_not_there_also_for_the_next_worker(
    director: IpvsDirector, daemon: DirectorDaemon, checked: dict[str, CheckedPort]
) -> None:
    """The nftables of this kernel know neither IPv4 nor IPv6."""
    director.ipvsadm(*FOREIGN[0].split())
    daemon.write_document(global_defs={"data_plane": "nftables"}, virtual_servers={"web": balanced(first=1, second=1)})
    (warning,) = daemon.reload()["warnings"]
    assert warning.startswith("data_plane nftables: ") and "; ipvs serves on until then" in warning

    dead = daemon.worker()
    dead.signal(signal.SIGKILL)
    wait_for(lambda: daemon.ask("status")["lvs"]["pid"] != dead.pid, GUEST_SECONDS, "a new health worker")
    checked["first"].close()
    daemon.await_pool(SERVICE, SECOND, FOREIGN[0])

    daemon.signal_and_await_end()
    assert director.saved() == FOREIGN[:1]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real connections through ip_vs: who answers, and what a change does to a connection that is open."""

from __future__ import annotations

from collections import Counter

import pytest
from netns.pool_lab import CLIENT_NEAR_SERVERS, DR_VIP, NAT_VIP, PoolLab

from mainstay.lvs.operations import SetDestination, SetService

from .ipvs_director import DIRECT, DNS, WEB, IpvsDirector, server, service


def test_nat_spreads_connections_round_robin(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(WEB, server("first"), server("second")))
    assert Counter(lab.ask(NAT_VIP) for _ in range(10)) == {"first": 5, "second": 5}


def test_weights_are_the_shares(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(WEB, server("first", weight=3), server("second"), lb_algo="wrr"))
    assert Counter(lab.ask(NAT_VIP) for _ in range(8)) == {"first": 6, "second": 2}


def test_dr_leaves_the_answer_to_the_server(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(DIRECT, server("first", lb_kind="DR"), server("second", lb_kind="DR")))
    answers = Counter(lab.ask(DR_VIP, source=CLIENT_NEAR_SERVERS) for _ in range(6))
    assert answers == {"first": 3, "second": 3}


def test_udp_is_balanced(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(DNS, server("first"), server("second")))
    assert Counter(lab.ask_udp(NAT_VIP) for _ in range(6)) == {"first": 3, "second": 3}


def test_persistence_keeps_a_client_with_its_server(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(WEB, server("first"), server("second"), persistence=300))
    assert len({lab.ask(NAT_VIP) for _ in range(6)}) == 1


def test_a_removed_server_gets_no_new_connection(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(WEB, server("first"), server("second")))
    director.reconcile(service(WEB, server("second")))
    assert {lab.ask(NAT_VIP) for _ in range(6)} == {"second"}


def test_a_drained_server_keeps_its_connection_and_gets_no_new_one(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(WEB, server("first")))
    held = lab.connect(NAT_VIP)
    director.reconcile(service(WEB, server("first", weight=0), server("second")))
    assert {lab.ask(NAT_VIP) for _ in range(4)} == {"second"}
    assert held.ask() == "first"
    held.close()


def test_an_empty_pool_refuses_at_once(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(WEB))
    with pytest.raises(ConnectionRefusedError):
        lab.ask(NAT_VIP)


def test_a_restart_adopts_what_is_right_and_open_connections_live_on(director: IpvsDirector, lab: PoolLab) -> None:
    before = service(WEB, server("first"), server("second"))
    director.reconcile(before)
    held = lab.connect(NAT_VIP)
    name = held.ask()
    director.wait_for_connections_made(WEB, 1)
    made = director.connections_made(server(name).key)
    restarted = IpvsDirector(lab.director)
    assert restarted.missing(before) == []
    changed = service(WEB, server("first", weight=2), server("second", weight=2), lb_algo="wrr")
    assert {type(edit) for edit in restarted.missing(changed)} == {SetService, SetDestination}
    assert restarted.reconcile(changed) == []
    assert held.ask() == name
    assert director.connections_made(WEB) == 1, "the service was made anew"
    assert director.connections_made(server(name).key) == made, "the server's entry was made anew"
    restarted.close()
    held.close()


def test_counters_are_those_that_ipvsadm_shows(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(WEB, server("first")))
    held = lab.connect(NAT_VIP)
    counted = director.plane.counters()[WEB, server("first").key]
    assert counted.active_connections == 1
    shown = director.ipvsadm("-Ln").split()[-2:]
    assert shown == [str(counted.active_connections), str(counted.inactive_connections)]
    held.close()

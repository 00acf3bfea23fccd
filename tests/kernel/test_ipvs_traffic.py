# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real connections through ip_vs, where the stories of tests/balancing do not say it: statistics and DR."""

from __future__ import annotations

from collections import Counter

from balancing.counters import counted
from netns.pool_lab import CLIENT_NEAR_SERVERS, DR_VIP, NAT_VIP, PoolLab

from mainstay.lvs.operations import SetDestination, SetService
from mainstay.lvs.table import ServiceKey

from .ipvs_director import DIRECT, WEB, IpvsDirector, server, service


def test_dr_leaves_the_answer_to_the_server(director: IpvsDirector, lab: PoolLab) -> None:
    director.reconcile(service(DIRECT, server("first", lb_kind="DR"), server("second", lb_kind="DR")))
    answers = Counter(lab.ask(DR_VIP, source=CLIENT_NEAR_SERVERS) for _ in range(6))
    assert answers == {"first": 3, "second": 3}


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
    """On a port of its own: ip_vs remembers connections of servers that were removed."""
    key = ServiceKey("TCP", NAT_VIP, 5015)
    director.reconcile(service(key, server("first")))
    held = lab.connect(NAT_VIP, key.port)
    figures = counted(director.plane)[key, server("first").key]
    assert figures.active_connections == 1
    shown = director.ipvsadm("-Ln").split()[-2:]
    assert shown == [str(figures.active_connections), str(figures.inactive_connections)]
    held.close()

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real connections through the nftables engine: who answers, and what a change does to a flow that is there."""

from __future__ import annotations

import socket
import typing as t
from collections import Counter

import pytest
from netns.nftables_director import DNS, WEB, NftablesDirector, server, service
from netns.pool_lab import DR_VIP, NAT_VIP, PORT, PoolLab

from mainstay.lvs.table import ServiceKey


@pytest.fixture(scope="module")
def lab() -> t.Iterator[PoolLab]:
    lab = PoolLab()
    yield lab
    lab.close()


@pytest.fixture
def director(lab: PoolLab) -> t.Iterator[NftablesDirector]:
    """The director with an empty ruleset and no flows, before and after."""
    director = NftablesDirector(lab.director)
    yield director
    director.close()
    director.nft("flush", "ruleset")
    lab.director.run("conntrack", "--flush")


def test_rr_takes_turns(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first", weight=9), server("second")))
    assert Counter(lab.ask(NAT_VIP) for _ in range(10)) == {"first": 5, "second": 5}


def test_wrr_shares_by_weight(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first", weight=6), server("second", weight=2), lb_algo="wrr"))
    assert Counter(lab.ask(NAT_VIP) for _ in range(8)) == {"first": 6, "second": 2}


def test_sh_keeps_a_client_with_its_server_and_spreads_clients(director: NftablesDirector, lab: PoolLab) -> None:
    clients = [f"198.51.100.{number}" for number in range(100, 116)]
    lab.client.ip("".join(f"addr add {client}/24 dev front\n" for client in clients))
    director.reconcile(service(server("first"), server("second"), lb_algo="sh"))
    homes = {client: {lab.ask(NAT_VIP, source=client) for _ in range(3)} for client in clients}
    assert {len(home) for home in homes.values()} == {1}
    assert len(set.union(*homes.values())) == 2


def test_udp_is_balanced_by_flow(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), server("second"), key=DNS))
    assert Counter(lab.ask_udp(NAT_VIP) for _ in range(6)) == {"first": 3, "second": 3}


def test_the_director_itself_is_a_client_too(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first")))
    assert lab.ask(NAT_VIP, origin=lab.director) == "first"


def test_a_removed_server_gets_no_new_connection_and_one_that_returns_does(
    director: NftablesDirector, lab: PoolLab
) -> None:
    director.reconcile(service(server("first"), server("second")))
    director.reconcile(service(server("second")))
    assert {lab.ask(NAT_VIP) for _ in range(6)} == {"second"}
    director.reconcile(service(server("first"), server("second")))
    assert {lab.ask(NAT_VIP) for _ in range(6)} == {"first", "second"}


def test_a_drained_server_keeps_its_connection_and_gets_no_new_one(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first")))
    held = lab.connect(NAT_VIP)
    director.reconcile(service(server("first", weight=0), server("second")))
    assert {lab.ask(NAT_VIP) for _ in range(4)} == {"second"}
    assert held.ask() == "first"
    held.close()


def test_a_drained_server_keeps_a_udp_client_that_never_falls_silent(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), key=DNS))
    held = lab.datagrams(NAT_VIP)
    assert held.ask() == "first"
    director.reconcile(service(server("first", weight=0), server("second"), key=DNS))
    assert held.ask() == "first"
    held.close()


def test_a_udp_client_of_a_server_taken_out_moves_to_another(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), key=DNS))
    held = lab.datagrams(NAT_VIP)
    assert held.ask() == "first"
    director.reconcile(service(server("second"), key=DNS))
    assert held.ask() == "second"
    held.close()


def test_a_udp_client_that_was_there_before_the_service_is_served(director: NftablesDirector, lab: PoolLab) -> None:
    """Its flow went to a listener of the director's own; conntrack would keep it there."""
    web = service(server("first"))  # so that conntrack is on duty: it is when there is a dnat
    director.reconcile(web)
    held = lab.datagrams(NAT_VIP)
    with lab.director.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((NAT_VIP, PORT))
        held.say()
        listener.recv(1024)
        director.reconcile(web, service(server("first"), key=DNS))
        assert held.ask() == "first"
    held.close()


@pytest.mark.parametrize("pool", [[], [server("first", weight=0)]], ids=["empty", "drained"])
def test_a_service_that_has_nobody_refuses_at_once(director: NftablesDirector, lab: PoolLab, pool: list[t.Any]) -> None:
    director.reconcile(service(*pool))
    with pytest.raises(ConnectionRefusedError):
        lab.ask(NAT_VIP)


def test_after_someone_flushed_everything_the_service_comes_back_and_connections_lived_on(
    director: NftablesDirector, lab: PoolLab
) -> None:
    desired = service(server("first"), server("second"))
    director.reconcile(desired)
    held = lab.connect(NAT_VIP)
    name = held.ask()
    director.nft("flush", "ruleset")
    with pytest.raises(ConnectionRefusedError):
        lab.ask(NAT_VIP)
    assert director.reconcile(desired) == []
    assert {lab.ask(NAT_VIP) for _ in range(4)} == {"first", "second"}
    assert held.ask() == name
    held.close()


def test_a_restart_adopts_what_is_right(director: NftablesDirector, lab: PoolLab) -> None:
    desired = service(server("first"), server("second", weight=3), lb_algo="wrr")
    director.reconcile(desired)
    restarted = NftablesDirector(lab.director)
    assert restarted.missing(desired) == []
    restarted.close()


def test_counters_are_conntracks_flows(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), server("second")), service(server("first"), key=DNS))
    held = [lab.connect(NAT_VIP) for _ in range(3)]
    lab.ask_udp(NAT_VIP)
    with lab.director.inside():
        counted = director.plane.counters()
    flows = {
        (key.protocol, server.address): (figures.active_connections, figures.inactive_connections)
        for (key, server), figures in counted.items()
    }
    assert sum(active for active, _inactive in flows.values()) == 3
    assert flows["UDP", "192.0.2.21"] == (0, 1)
    for conversation in held:
        conversation.close()


def test_counters_of_many_services_are_kept_apart(director: NftablesDirector, lab: PoolLab) -> None:
    """All come from one look at conntrack; a service on another address makes the kernel send every flow."""
    more = ServiceKey("TCP", NAT_VIP, PORT + 1)
    elsewhere = ServiceKey("UDP", DR_VIP, PORT)
    pool = [server("first"), server("second")]
    director.reconcile(*(service(*pool, key=key) for key in (WEB, DNS, more, elsewhere)))
    held = [lab.connect(NAT_VIP, port) for port in (PORT, PORT, PORT + 1)]
    lab.ask_udp(NAT_VIP)
    with lab.director.inside():
        counted = director.plane.counters()
    totals = {
        key: tuple(sum(figures) for figures in zip(*(
            (counted[key, one.key].active_connections, counted[key, one.key].inactive_connections) for one in pool
        )))
        for key in (WEB, DNS, more, elsewhere)
    }  # fmt: skip
    assert totals == {WEB: (2, 0), DNS: (0, 1), more: (1, 0), elsewhere: (0, 0)}
    for conversation in held:
        conversation.close()


def test_udp_clients_of_all_services_move_when_their_server_is_taken_out(
    director: NftablesDirector, lab: PoolLab
) -> None:
    keys = [DNS, ServiceKey("UDP", NAT_VIP, PORT + 1)]
    director.reconcile(*(service(server("first"), key=key) for key in keys))
    held = [lab.datagrams(NAT_VIP, key.port) for key in keys]
    assert [one.ask() for one in held] == ["first", "first"]
    director.reconcile(*(service(server("second"), key=key) for key in keys))
    assert [one.ask() for one in held] == ["second", "second"]
    for one in held:
        one.close()

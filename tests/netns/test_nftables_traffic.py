# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real connections through the nftables engine: what it does beside the stories that both engines tell."""

from __future__ import annotations

import re
import socket
import time
import typing as t
from unittest import mock

import pytest
from balancing.counters import counted
from netns.nftables_director import DNS, WEB, NftablesDirector, server, service
from netns.pool_lab import (
    CLIENT,
    CLIENT_NEAR_SERVERS,
    CLIENTS,
    DR_VIP,
    NAT_VIP,
    NAT_VIP6,
    OTHER_PORT,
    PATIENCE_SECONDS,
    PORT,
    SERVERS,
    SERVERS6,
    PoolLab,
)

from lab.waiting import wait_for
from mainstay.lvs.table import Destination, DestinationKey, ServiceKey
from mainstay.net import nftables_rules


@pytest.fixture
def director(lab: PoolLab) -> t.Iterator[NftablesDirector]:
    """The director with an empty ruleset and no flows, before and after."""
    director = NftablesDirector(lab.director)
    yield director
    director.close()
    director.nft("flush", "ruleset")
    lab.director.run("conntrack", "--flush")


def test_the_director_itself_is_a_client_too(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first")))
    assert lab.ask(NAT_VIP, origin=lab.director) == "first"


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


def test_counters_are_conntracks_flows(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), server("second")), service(server("first"), key=DNS))
    held = [lab.connect(NAT_VIP) for _ in range(3)]
    lab.ask_udp(NAT_VIP)
    with lab.director.inside():
        counters = counted(director.plane)
    flows = {
        (key.protocol, server.address): (figures.active_connections, figures.inactive_connections)
        for (key, server), figures in counters.items()
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
        counters = counted(director.plane)
    totals = {
        key: tuple(sum(figures) for figures in zip(*(
            (counters[key, one.key].active_connections, counters[key, one.key].inactive_connections) for one in pool
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


# ---- TCP connections of servers that are taken out


def test_a_connection_of_a_server_taken_out_is_reset_by_the_one_that_gets_it(
    director: NftablesDirector, lab: PoolLab
) -> None:
    director.reconcile(service(server("first")))
    held = lab.connect(NAT_VIP)
    assert held.ask() == "first"
    director.reconcile(service(server("second")))
    with pytest.raises(ConnectionResetError):
        held.ask()
    held.close()


def test_a_connection_of_the_last_server_is_reset_by_the_director(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first")))
    held = lab.connect(NAT_VIP)
    assert held.ask() == "first"
    director.reconcile(service())
    with pytest.raises(ConnectionResetError):
        held.ask()
    held.close()


def test_connections_that_go_elsewhere_live_on_when_a_server_is_taken_out(
    director: NftablesDirector, lab: PoolLab
) -> None:
    """Those of other servers, of other services, and of a listener of the director's own at the same address."""
    other = ServiceKey("TCP", NAT_VIP, OTHER_PORT)
    with lab.director.inside(), socket.create_server((NAT_VIP, PORT)) as listener:
        director.reconcile(service(server("first"), key=other))
        own = lab.connect(NAT_VIP)
        accepted, _peer = listener.accept()
        director.reconcile(service(server("first"), server("second")), service(server("first"), key=other))
        held = [lab.connect(NAT_VIP), lab.connect(NAT_VIP), lab.connect(NAT_VIP, OTHER_PORT)]
        names = [one.ask() for one in held]
        assert names.count("second") == 1
        director.reconcile(service(server("first")), service(server("first"), key=other))
        assert [one.ask() for one, name in zip(held, names) if name == "first"] == ["first", "first"]
        own.say()
        assert accepted.recv(16) == b"who?"
    for one in (own, accepted, *held):
        one.close()


# ---- masquerading


NEARBY = {"source": CLIENT_NEAR_SERVERS}
"""A client in the servers' own network: they would answer it directly, from an address that it never asked."""


def test_a_masqueraded_client_is_the_director_to_its_server(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), flags=frozenset(["masquerade"])))
    held = lab.connect(NAT_VIP, **NEARBY)
    assert held.ask("whence?") == "192.0.2.1"
    held.close()


def test_only_the_service_that_says_so_is_masqueraded(director: NftablesDirector, lab: PoolLab) -> None:
    hidden = service(server("first"), key=ServiceKey("TCP", NAT_VIP, OTHER_PORT), flags=frozenset(["masquerade"]))
    director.reconcile(service(server("first")), hidden)
    assert [whence(lab, port) for port in (PORT, OTHER_PORT)] == [CLIENT, "192.0.2.1"]
    director.reconcile(service(server("first")), service(server("first"), key=hidden.key))
    assert whence(lab, OTHER_PORT) == CLIENT


@pytest.mark.parametrize("key", [
    ServiceKey("TCP", NAT_VIP6, PORT), ServiceKey("TCP", NAT_VIP6, 0),
    ServiceKey("", "", 0, fwmark=5, family="inet6"), ServiceKey("", "", 0, fwmark=5, family="inet"),
    ServiceKey("TCP", NAT_VIP, 0),
], ids=str)  # fmt: skip
def test_services_of_every_kind_can_be_masqueraded(director: NftablesDirector, lab: PoolLab, key: ServiceKey) -> None:
    vip = NAT_VIP6 if key.ipv6 else NAT_VIP
    director.mark(vip, [PORT], 5)
    address = (SERVERS6 if key.ipv6 else SERVERS)["first"]
    pool = Destination(DestinationKey(address, key.port), "NAT", 1)
    director.reconcile(service(pool, key=key, flags=frozenset(["masquerade"])))
    held = lab.connect(vip)
    assert held.ask("whence?") == ("2001:db8:2::1" if key.ipv6 else "192.0.2.1")
    held.close()


def whence(lab: PoolLab, port: int) -> str:
    """The client's address as the server sees it."""
    held = lab.connect(NAT_VIP, port)
    try:
        return held.ask("whence?")
    finally:
        held.close()


# ---- persistence


def clients(director: NftablesDirector, name: str) -> list[str]:
    """Whom the server remembers, as nft shows it."""
    shown = director.nft("list", "set", "inet", "mainstay", f"tcp/{NAT_VIP}/{PORT}__{SERVERS[name]}/{PORT}")
    return re.findall(r"([0-9.]+) timeout", shown)


def test_who_stays_with_a_server_can_be_read_and_is_forgotten_in_time(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), persistence_timeout=1))
    lab.ask(NAT_VIP, source=CLIENTS[0])
    assert clients(director, "first") == [CLIENTS[0]]
    wait_for(lambda: clients(director, "first") == [], PATIENCE_SECONDS, "the client to be forgotten")
    drained = service(server("first", weight=0), server("second"), persistence_timeout=1)
    director.reconcile(drained)
    assert lab.ask(NAT_VIP, source=CLIENTS[0]) == "second"


def test_a_client_that_keeps_coming_is_not_forgotten(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), persistence_timeout=2))
    assert lab.ask(NAT_VIP) == "first"
    director.reconcile(service(server("first", weight=0), server("second"), persistence_timeout=2))
    begin = time.monotonic()
    while time.monotonic() < begin + 3:
        assert lab.ask(NAT_VIP) == "first"
        time.sleep(0.2)
    assert clients(director, "first") == [CLIENT]


def test_clients_that_come_do_not_make_the_engine_list_its_table_again(
    director: NftablesDirector, lab: PoolLab
) -> None:
    director.reconcile(service(server("first"), persistence_timeout=300))
    director.plane.read()
    with mock.patch.object(director.plane._nft, "json_cmd", wraps=director.plane._nft.json_cmd) as asked:
        lab.ask(NAT_VIP)
        director.plane.read()
        assert asked.call_count == 0
        director.nft("add table ip other")
        director.plane.read()
        assert asked.call_count > 0


def test_a_granularity_is_the_network_that_is_remembered(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), persistence_timeout=300, persistence_granularity=24))
    lab.ask(NAT_VIP)
    assert clients(director, "first") == ["198.51.100.0"]


def test_persistence_that_is_switched_off_leaves_nothing_behind(director: NftablesDirector, lab: PoolLab) -> None:
    director.reconcile(service(server("first"), persistence_timeout=300))
    lab.ask(NAT_VIP)
    director.reconcile(service(server("first")))
    assert "set tcp" not in director.nft("list", "ruleset")
    director.reconcile(service(server("first"), persistence_timeout=300))
    assert clients(director, "first") == []


def test_a_server_that_remembers_as_many_as_it_can_serves_the_next_all_the_same(
    director: NftablesDirector, lab: PoolLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nftables_rules, "_CLIENTS_LIMIT", 2)
    director.reconcile(service(server("first"), persistence_timeout=300))
    assert {lab.ask(NAT_VIP, source=client) for client in CLIENTS[:4]} == {"first"}
    assert len(clients(director, "first")) == 2


# ---- marks


def test_flows_of_a_mark_are_counted_and_ended_by_it(director: NftablesDirector, lab: PoolLab) -> None:
    """The same server behind a mark and behind an address: each flow belongs to one service."""
    mark = ServiceKey("", "", 0, fwmark=5, family="inet")
    director.mark(NAT_VIP, [OTHER_PORT], 5)
    both = [server("first"), server("second", weight=0)]
    director.reconcile(service(*both, key=mark), service(*both))
    held = [lab.connect(NAT_VIP, port) for port in (PORT, OTHER_PORT, OTHER_PORT)]
    assert [one.ask() for one in held] == ["first"] * 3
    assert [director.connections(key, server("first").key) for key in (WEB, mark)] == [1, 2]
    director.reconcile(service(server("second"), key=mark), service(*both))
    assert held[0].ask() == "first"
    for one in held[1:]:
        with pytest.raises(ConnectionResetError):
            one.ask()
    for one in held:
        one.close()


def test_udp_of_ipv6_moves_when_its_server_is_taken_out(director: NftablesDirector, lab: PoolLab) -> None:
    dns6 = ServiceKey("UDP", NAT_VIP6, PORT)
    first, second = (Destination(DestinationKey(SERVERS6[name], PORT), "NAT", 1) for name in ("first", "second"))
    director.reconcile(service(first, key=dns6))
    held = lab.datagrams(NAT_VIP6)
    assert held.ask() == "first"
    director.reconcile(service(second, key=dns6))
    assert held.ask() == "second"
    held.close()

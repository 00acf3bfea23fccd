# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets which connection: schedulers and their flags, persistence, thresholds."""

from __future__ import annotations

import contextlib
import typing as t
from collections import Counter
from dataclasses import replace

import pytest
from netns.pool_lab import CLIENTS, NAT_VIP, PORT, SERVERS, Conversation, PoolLab

from mainstay.lvs.table import Service, ServiceKey

from .ipvs_director import DNS, WEB, IpvsDirector, server, service


def flagged(lb_algo: str, *flags: str, first: int = 1) -> Service:
    pool = service(WEB, server("first", weight=first), server("second"), lb_algo=lb_algo)
    return replace(pool, flags=frozenset(flags))


def per_client(lab: PoolLab, port: int = PORT) -> dict[str, str]:
    """Who answers each of the clients."""
    return {client: lab.ask(NAT_VIP, port, client) for client in CLIENTS}


@contextlib.contextmanager
def open_connections(lab: PoolLab, port: int, count: int) -> t.Iterator[list[str]]:
    """Opened one after the other and kept; who answers each."""
    held: list[Conversation] = []
    try:
        for _number in range(count):
            held.append(lab.connect(NAT_VIP, port))
        yield [conversation.ask() for conversation in held]
    finally:
        for conversation in held:
            conversation.close()


@pytest.mark.parametrize("lb_algo", ["sh", "mh"])
def test_a_hash_spreads_clients_and_keeps_each_with_its_server(
    director: IpvsDirector, lab: PoolLab, lb_algo: str
) -> None:
    director.reconcile(flagged(lb_algo))
    placed = per_client(lab)
    assert set(placed.values()) == {"first", "second"}
    assert per_client(lab) == placed


@pytest.mark.parametrize("lb_algo", ["sh", "mh"])
def test_with_the_flag_port_the_connections_of_one_client_are_spread(
    director: IpvsDirector, lab: PoolLab, lb_algo: str
) -> None:
    director.reconcile(flagged(lb_algo, "port"))
    assert len({lab.ask(NAT_VIP) for _ in CLIENTS}) == 2
    director.reconcile(flagged(lb_algo))
    assert len({lab.ask(NAT_VIP) for _ in CLIENTS}) == 1, "the flag was not taken away in place"


@pytest.mark.parametrize("lb_algo", ["sh", "mh"])
def test_with_the_flag_fallback_clients_of_a_drained_server_go_elsewhere(
    director: IpvsDirector, lab: PoolLab, lb_algo: str
) -> None:
    director.reconcile(flagged(lb_algo, "fallback"))
    assert set(per_client(lab).values()) == {"first", "second"}
    director.reconcile(flagged(lb_algo, "fallback", first=0))
    assert set(per_client(lab).values()) == {"second"}


@pytest.mark.parametrize(("lb_algo", "port"), [("sh", 5031), ("mh", 5032)])
def test_without_it_clients_of_a_drained_server_are_refused(
    director: IpvsDirector, lab: PoolLab, lb_algo: str, port: int
) -> None:
    """What the warning of sh_fallback and mh_fallback is about. Ports of their own: see below."""
    key = ServiceKey("TCP", NAT_VIP, port)
    director.reconcile(service(key, server("first"), server("second"), lb_algo=lb_algo))
    placed = per_client(lab, port)
    director.reconcile(service(key, server("first", weight=0), server("second"), lb_algo=lb_algo))
    for client, name in placed.items():
        if name == "second":
            assert lab.ask(NAT_VIP, port, client) == name
        else:
            with pytest.raises(ConnectionRefusedError):
                lab.ask(NAT_VIP, port, client)
    assert set(placed.values()) == {"first", "second"}


@pytest.mark.parametrize(("port", "lb_algo", "weights", "expected"), [
    (5001, "rr", (3, 1), [6, 6]), (5002, "wrr", (3, 1), [9, 3]), (5003, "wlc", (3, 1), [9, 3]),
    (5004, "lc", (3, 1), [6, 6]), (5005, "sed", (3, 1), [9, 3]), (5006, "nq", (3, 1), [9, 3]),
    (5007, "fo", (3, 1), [12, 0]), (5008, "ovf", (7, 5), [8, 4]), (5009, "dh", (99, 99), [12, 0]),
    (5010, "lblc", (99, 99), [12, 0]), (5011, "lblcr", (99, 99), [12, 0]),
])  # fmt: skip
def test_open_connections_are_shared_as_the_scheduler_says(
    director: IpvsDirector, lab: PoolLab, port: int, lb_algo: str, weights: tuple[int, int], expected: list[int]
) -> None:
    """By destination (dh, lblc, lblcr) all connections to one address have one server, whichever it is.

    Each has a port of its own: ip_vs remembers connections of servers that were just removed.
    """
    pool = [server(name, weight=weight) for name, weight in zip(SERVERS, weights)]
    director.reconcile(service(ServiceKey("TCP", NAT_VIP, port), *pool, lb_algo=lb_algo))
    with open_connections(lab, port, 12) as placed:
        shares = [placed.count(name) for name in SERVERS]
    assert sorted(shares, reverse=True) == expected
    assert max(weights) == min(weights) or shares == expected


def test_persistence_keeps_a_network_together(director: IpvsDirector, lab: PoolLab) -> None:
    """By /28 the clients are two networks, each with one server; by itself each would get the next server.

    Ports of their own: ip_vs remembers persistent clients beyond the end of a service.
    """
    alone, together = (
        service(ServiceKey("TCP", NAT_VIP, port), server("first"), server("second"), persistence=300)
        for port in (5013, 5014)
    )
    director.reconcile(alone, replace(together, persistence_granularity=28))
    assert Counter(per_client(lab, 5013).values()) == {"first": 8, "second": 8}
    placed = per_client(lab, 5014)
    lower, upper = ({placed[client] for client in part} for part in (CLIENTS[:12], CLIENTS[12:]))
    assert len(lower) == len(upper) == 1
    assert lower != upper


def test_ops_schedules_every_datagram_by_itself(director: IpvsDirector, lab: PoolLab) -> None:
    plain = service(DNS, server("first"), server("second"))
    for flags, made in ((frozenset[str](), 1), (frozenset({"ops"}), 5)):
        director.reconcile(replace(plain, flags=flags))
        conversation = lab.datagrams(NAT_VIP, PORT)
        for _number in range(4):
            conversation.say()
        director.wait_for_connections_made(DNS, made)
        conversation.close()


def test_a_server_at_its_upper_threshold_gets_no_more(director: IpvsDirector, lab: PoolLab) -> None:
    limited, port = replace(server("first"), upper_threshold=2, lower_threshold=1), 5012
    director.reconcile(service(ServiceKey("TCP", NAT_VIP, port), limited, server("second")))
    with open_connections(lab, port, 8) as placed:
        assert Counter(placed) == {"first": 2, "second": 6}

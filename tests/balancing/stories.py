# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every engine must do for real clients, whatever the family. See scene.Scene for the words.

ip_vs remembers connections and clients beyond the end of a service and counts them for the server of the next story.
So stories that count, or that need a client whom nobody knows, have ports and clients of their own.
"""

from __future__ import annotations

import typing as t

import pytest
from netns.pool_lab import OTHER_PORT, PORT

from mainstay.lvs.table import Service

from .scene import Scene

Story = t.Callable[[Scene], None]


# ---- who gets a new connection


def rr_takes_turns_whatever_the_weights(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first", weight=9), scene.server("second")))
    assert scene.answers(10) == {"first": 5, "second": 5}


def wrr_shares_by_weight(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first", weight=6), scene.server("second", weight=2), lb_algo="wrr"))
    assert scene.answers(8) == {"first": 6, "second": 2}


def a_weight_that_changes_in_place_changes_the_shares(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first"), scene.server("second"), lb_algo="wrr"))
    scene.serve(scene.service(scene.server("first", weight=3), scene.server("second"), lb_algo="wrr"))
    assert scene.answers(8) == {"first": 6, "second": 2}


def sh_keeps_every_client_with_one_server_and_spreads_clients(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first"), scene.server("second"), lb_algo="sh"))
    _each_client_has_a_home(scene)


def mh_keeps_every_client_with_one_server_and_spreads_clients(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first"), scene.server("second"), lb_algo="mh"))
    _each_client_has_a_home(scene)


def mh_moves_only_the_clients_of_the_server_that_goes(scene: Scene) -> None:
    pool = [scene.server(name, port=port) for name in ("first", "second") for port in (PORT, OTHER_PORT)]
    scene.serve(scene.service(*pool, lb_algo="mh"))
    before = {client: scene.ask(client) for client in scene.clients}
    scene.serve(scene.service(*pool[1:], lb_algo="mh"))
    stayed = {client: home for client, home in before.items() if home != "first"}
    assert stayed, f"every client was the first server's: {before}"
    assert {client: scene.ask(client) for client in stayed} == stayed
    scene.serve(scene.service(*pool, lb_algo="mh"))
    assert {client: scene.ask(client) for client in before} == before, "the clients of one that returns come back"


def sh_port_spreads_the_connections_of_one_client(scene: Scene) -> None:
    flags = frozenset(["port"])
    scene.serve(scene.service(scene.server("first"), scene.server("second"), lb_algo="sh", flags=flags))
    assert set(scene.answers(40)) == {"first", "second"}


def udp_is_balanced_by_flow(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first"), scene.server("second"), key=scene.dns))
    assert [scene.lab.ask_udp(scene.vip) for _ in range(6)].count("first") == 3
    client = scene.datagrams()
    assert len({client.ask() for _ in range(4)}) == 1, "one flow stays with one server"


# ---- what a service is


def several_addresses_and_ports_share_one_pool(scene: Scene) -> None:
    """As the services of a group: each has the whole pool."""
    other = scene.web._replace(port=OTHER_PORT)
    pool = [scene.server("first"), scene.server("second")]
    scene.serve(scene.service(*pool), scene.service(*pool, key=other))
    assert scene.answers(4) == scene.answers(4, port=OTHER_PORT) == {"first": 2, "second": 2}


def an_address_with_every_port_reaches_the_port_that_the_client_asked_for(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first", port=0), key=scene.every_port, persistence_timeout=300))
    assert [scene.ask(port=port) for port in (PORT, OTHER_PORT)] == ["first", f"first:{OTHER_PORT}"]


def a_service_of_one_port_comes_before_that_of_every_port(scene: Scene) -> None:
    whole = scene.service(scene.server("first", port=0), key=scene.every_port, persistence_timeout=300)
    scene.serve(whole, scene.service(scene.server("second")))
    assert [scene.ask(port=port) for port in (PORT, OTHER_PORT)] == ["second", f"first:{OTHER_PORT}"]


def a_mark_makes_several_ports_one_service(scene: Scene) -> None:
    scene.director.mark(scene.vip, [PORT, OTHER_PORT], scene.mark.fwmark)
    pool = [scene.server("first", port=0), scene.server("second", port=0)]
    scene.serve(scene.service(*pool, key=scene.mark, persistence_timeout=300))
    home = scene.ask(scene.clients[0])
    assert scene.ask(scene.clients[0], OTHER_PORT) == f"{home}:{OTHER_PORT}", "persistence is the whole mark's"
    scene.serve(scene.service(scene.server("second"), key=scene.mark), owned=[scene.mark])
    assert scene.answers(2, port=OTHER_PORT) == {"second": 2}, "a server's own port comes before the client's"


def without_its_mark_a_packet_is_nobodys(scene: Scene) -> None:
    scene.director.mark(scene.vip, [PORT], scene.mark.fwmark)
    scene.serve(scene.service(scene.server("first", port=0), key=scene.mark))
    assert scene.ask() == "first"
    with pytest.raises(ConnectionRefusedError):
        scene.ask(port=OTHER_PORT)


# ---- persistence


def a_persistent_client_stays_with_its_server(scene: Scene) -> None:
    scene.serve(_persistent(scene))
    homes = {client: scene.answers(3, client) for client in scene.clients[:6]}
    assert all(len(home) == 1 for home in homes.values()), homes
    assert {"first", "second"} == {name for home in homes.values() for name in home}


def persistence_outlives_a_reconciliation(scene: Scene) -> None:
    scene.serve(_persistent(scene))
    homes = {client: scene.ask(client) for client in scene.clients[:6]}
    scene.serve(_persistent(scene, weight=3))
    assert {client: scene.ask(client) for client in homes} == homes


def persistence_never_leads_to_a_server_that_is_gone(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first"), persistence_timeout=300))
    assert scene.ask() == "first"
    scene.serve(scene.service(scene.server("second"), persistence_timeout=300))
    assert scene.ask() == "second"
    scene.serve(_persistent(scene))
    assert scene.answers(3) == {"second": 3}, "the client belongs to the server that took it over"


def a_drained_server_keeps_its_persistent_clients_and_gets_no_other(scene: Scene) -> None:
    """The kernel's default: expire_quiescent_template is 0."""
    old, new = scene.clients[6:8]  # of no other story: ip_vs remembers clients beyond the end of a service
    scene.serve(scene.service(scene.server("first"), persistence_timeout=300))
    assert scene.ask(old) == "first"
    drained = scene.service(scene.server("first", weight=0), scene.server("second"), persistence_timeout=300)
    scene.serve(drained)
    assert (scene.ask(old), scene.ask(new)) == ("first", "second")


def clients_of_one_network_stay_together(scene: Scene) -> None:
    one, other = scene.clients[:12], scene.clients[12:]
    scene.serve(_persistent(scene, persistence_granularity=scene.network_length))
    assert len({scene.ask(client) for client in one}) == 1
    assert len({scene.ask(client) for client in other}) == 1


# ---- servers that leave, and come back


def a_drained_server_keeps_its_connection_and_gets_no_new_one(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first", port=OTHER_PORT)))
    held = scene.connect()
    scene.serve(scene.service(scene.server("first", weight=0, port=OTHER_PORT), scene.server("second")))
    assert scene.answers(4) == {"second": 4}
    assert held.ask() == f"first:{OTHER_PORT}"
    scene.wait_for_connections(scene.server("first", port=OTHER_PORT), 1)
    held.close()
    scene.wait_for_connections(scene.server("first", port=OTHER_PORT), 0)


def a_deletion_ends_the_connection_that_draining_would_have_kept(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first"), scene.server("second", weight=0)))
    held = scene.connect()
    assert held.ask() == "first"
    scene.serve(scene.service(scene.server("second")))
    with pytest.raises(OSError):  # a reset, or no answer at all
        held.ask()
    assert scene.ask() == "second"


def a_server_that_returns_gets_connections_again(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first"), scene.server("second")))
    scene.serve(scene.service(scene.server("second")))
    assert scene.answers(4) == {"second": 4}
    scene.serve(scene.service(scene.server("first"), scene.server("second")))
    assert scene.answers(4) == {"first": 2, "second": 2}


def a_sorry_server_stands_in_for_the_pool(scene: Scene) -> None:
    scene.serve(scene.service(scene.server("first")))
    scene.serve(scene.service(scene.server("second", port=OTHER_PORT)))
    assert scene.answers(3) == {f"second:{OTHER_PORT}": 3}
    scene.serve(scene.service(scene.server("first")))
    assert scene.answers(3) == {"first": 3}


def a_service_that_has_nobody_refuses_at_once(scene: Scene) -> None:
    for pool in ([], [scene.server("first", weight=0)]):
        scene.serve(scene.service(*pool))
        with pytest.raises(ConnectionRefusedError):
            scene.ask()


# ---- other programs, and a new daemon


def what_someone_flushed_comes_back_and_is_seen_before(scene: Scene) -> None:
    desired = [scene.service(scene.server("first"), scene.server("second")), scene.service(key=scene.dns)]
    scene.serve(*desired)
    scene.director.someone_flushes()
    with pytest.raises(ConnectionRefusedError):
        scene.ask()
    assert scene.director.missing(*desired) != []
    scene.serve(*desired)
    assert scene.answers(4) == {"first": 2, "second": 2}


def what_someone_took_out_comes_back_and_is_seen_before(scene: Scene) -> None:
    desired = scene.service(scene.server("first"), scene.server("second"))
    scene.serve(desired)
    scene.director.someone_takes_out(scene.web, scene.server("first").key)
    assert scene.director.missing(desired) != []
    scene.serve(desired)
    assert scene.answers(4) == {"first": 2, "second": 2}


def a_new_daemon_adopts_what_is_right_and_no_connection_is_lost(scene: Scene) -> None:
    desired = _persistent(scene, weight=3)
    scene.serve(desired)
    held = [scene.connect(client) for client in scene.clients[:4]]
    homes = [one.ask() for one in held]
    restarted = scene.director.restarted()
    try:
        assert restarted.missing(desired) == []
        changed = _persistent(scene, weight=2)
        assert restarted.reconcile(changed) == []
        assert [one.ask() for one in held] == homes
        assert [scene.ask(client) for client in scene.clients[:4]] == homes
    finally:
        restarted.close()


def connections_are_counted_per_server(scene: Scene) -> None:
    pool = [scene.server(name, port=OTHER_PORT) for name in ("first", "second")]
    scene.serve(scene.service(*pool))
    for _ in range(4):
        scene.connect().ask()
    for server in pool:
        scene.wait_for_connections(server, 2)


# ---- said more than once


def _persistent(scene: Scene, weight: int = 1, **rest: t.Any) -> Service:
    pool = [scene.server("first", weight=weight), scene.server("second")]
    return scene.service(*pool, lb_algo="wrr", persistence_timeout=300, **rest)


def _each_client_has_a_home(scene: Scene) -> None:
    homes = {client: set(scene.answers(3, client)) for client in scene.clients}
    assert all(len(home) == 1 for home in homes.values()), homes
    assert {"first", "second"} == set().union(*homes.values())


STORIES: t.Sequence[Story] = (
    rr_takes_turns_whatever_the_weights,
    wrr_shares_by_weight,
    a_weight_that_changes_in_place_changes_the_shares,
    sh_keeps_every_client_with_one_server_and_spreads_clients,
    mh_keeps_every_client_with_one_server_and_spreads_clients,
    mh_moves_only_the_clients_of_the_server_that_goes,
    sh_port_spreads_the_connections_of_one_client,
    udp_is_balanced_by_flow,
    several_addresses_and_ports_share_one_pool,
    an_address_with_every_port_reaches_the_port_that_the_client_asked_for,
    a_service_of_one_port_comes_before_that_of_every_port,
    a_mark_makes_several_ports_one_service,
    without_its_mark_a_packet_is_nobodys,
    a_persistent_client_stays_with_its_server,
    persistence_outlives_a_reconciliation,
    persistence_never_leads_to_a_server_that_is_gone,
    a_drained_server_keeps_its_persistent_clients_and_gets_no_other,
    clients_of_one_network_stay_together,
    a_drained_server_keeps_its_connection_and_gets_no_new_one,
    a_deletion_ends_the_connection_that_draining_would_have_kept,
    a_server_that_returns_gets_connections_again,
    a_sorry_server_stands_in_for_the_pool,
    a_service_that_has_nobody_refuses_at_once,
    what_someone_flushed_comes_back_and_is_seen_before,
    what_someone_took_out_comes_back_and_is_seen_before,
    a_new_daemon_adopts_what_is_right_and_no_connection_is_lost,
    connections_are_counted_per_server,
)

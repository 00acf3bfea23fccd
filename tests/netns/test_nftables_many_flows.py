# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A busy director: tens of thousands of flows are counted and ended without stopping the loop of the health checks."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from netns.health_director import HealthDirector, talk_service
from netns.many_flows import flows_of, write_flows
from netns.nftables_director import DNS, NftablesPlane, server, service
from netns.pool_lab import NAT_VIP, PATIENCE_SECONDS, PORT, SERVERS, PoolLab

from lab.waiting import wait_for
from mainstay.daemon.health.connection_count import UNDER_WAY
from mainstay.daemon.health.pool_keeper import PoolKeeper
from mainstay.daemon.reactor import Reactor
from mainstay.daemon.worker import LogLine
from mainstay.lvs.table import DestinationKey, Service, ServiceKey
from mainstay.net import conntrack

MANY = 20_000
FOREIGN = ServiceKey("TCP", "203.0.113.9", 443)
ELSEWHERE = DestinationKey("203.0.113.9", 443)
FIRST, SECOND = server("first").key, server("second").key
OWN_NETWORK, SECOND_NETWORK, FOREIGN_NETWORK = 1, 2, 3


class Keeper:
    """A health worker's keeper of the table on the director, and the loop that it shares with checks."""

    def __init__(self, lab: PoolLab) -> None:
        self.lab = lab
        self.lines: list[t.Any] = []
        self.turns = 0
        self.reactor = Reactor()
        with lab.director.inside():
            self.pools = PoolKeeper(self.reactor, self.lines.append, lambda _name: NftablesPlane())
            self.pools.use("nftables")

    def close(self) -> None:
        with self.lab.director.inside():
            self.pools.rest()
        self.reactor.close()
        self.lab.director.run("nft", "flush", "ruleset")
        self.lab.director.run("conntrack", "--flush")

    def keep(self, desired: Service) -> None:
        with self.lab.director.inside():
            self.pools.own({desired.key: "web"})
            self.pools.keep({desired.key: desired})

    def turn_until(self, condition: t.Callable[[], bool], what: str) -> None:
        """Something is always due, as in a worker with many checks."""
        deadline = self.reactor.now() + int(PATIENCE_SECONDS * 4e9)
        with self.lab.director.inside():
            while not condition():
                assert self.reactor.now() < deadline, f"{what}: {self.lines}"
                self.reactor.call_at(self.reactor.now(), lambda _now: None)
                self.reactor.run_once()
                self.turns += 1

    def counted(self) -> dict[str, int]:
        """Connections by address, as somebody is told who asks now."""
        with self.lab.director.inside():
            found = self.pools.connections.counters()
        return {
            place.address: one.active_connections + one.inactive_connections for (_key, place), one in found.items()
        }


@pytest.fixture
def keeper(lab: PoolLab) -> t.Iterator[Keeper]:
    keeper = Keeper(lab)
    yield keeper
    keeper.close()


def busy(lab: PoolLab, key: ServiceKey) -> None:
    """More flows than one turn has time for, most of them of others."""
    write_flows(lab.director, key, FIRST, 3000, OWN_NETWORK)
    write_flows(lab.director, FOREIGN, ELSEWHERE, MANY, FOREIGN_NETWORK)
    write_flows(lab.director, key, SECOND, 2000, SECOND_NETWORK)


def test_more_flows_than_a_turn_has_time_for_are_counted_in_many(keeper: Keeper, lab: PoolLab) -> None:
    keeper.keep(service(server("first"), server("second"), key=DNS))
    busy(lab, DNS)
    assert (keeper.counted(), keeper.pools.connections.uncounted) == ({}, UNDER_WAY)
    keeper.turn_until(lambda: keeper.counted() != {}, "they were never counted")
    assert keeper.counted() == {FIRST.address: 3000, SECOND.address: 2000}
    assert (keeper.pools.connections.uncounted, keeper.turns > 2) == ("", True)


def test_flows_of_a_server_taken_out_are_ended_after_it_and_no_others(keeper: Keeper, lab: PoolLab) -> None:
    keeper.keep(service(server("first"), server("second"), key=DNS))
    busy(lab, DNS)
    keeper.keep(service(server("second"), key=DNS))
    assert SERVERS["first"] not in lab.director.run("nft", "list", "ruleset"), "the table does not wait for the flows"
    assert flows_of(lab.director, FIRST) == 3000
    keeper.turn_until(lambda: flows_of(lab.director, FIRST) == 0, "flows of a server that is out live on")
    assert keeper.turns > 2
    assert [flows_of(lab.director, one) for one in (SECOND, ELSEWHERE)] == [2000, MANY]


def test_a_worker_that_stops_in_between_ends_them_before_it_goes(keeper: Keeper, lab: PoolLab) -> None:
    keeper.keep(service(server("first"), server("second"), key=DNS))
    busy(lab, DNS)
    keeper.keep(service(server("second"), key=DNS))
    with lab.director.inside():
        keeper.pools.rest()
    assert [flows_of(lab.director, one) for one in (FIRST, SECOND, ELSEWHERE)] == [0, 0, MANY]


def test_a_kernel_that_tells_of_no_flows_is_named_with_the_remedy(
    keeper: Keeper, lab: PoolLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is asked for a part of netfilter that it does not have."""
    monkeypatch.setattr(conntrack, "_CT_GET", 0x7F01)
    missing = "this kernel has no nf_conntrack_netlink: load it with 'modprobe nf_conntrack_netlink'"
    write_flows(lab.director, FOREIGN, ELSEWHERE, 1, FOREIGN_NETWORK)
    keeper.keep(service(server("first"), server("second"), key=DNS))
    keeper.turn_until(lambda: bool(keeper.lines), "nothing was said")
    assert keeper.lines == [
        LogLine("error", "virtual_server web", f"done, but flows of servers taken out live on: {missing}")
    ]
    assert (keeper.counted(), keeper.pools.connections.uncounted) == ({}, missing)


def test_drain_waits_for_the_last_connection_among_many(lab: PoolLab, tmp_path: Path) -> None:
    director = HealthDirector(lab, tmp_path, web=talk_service("first", "second", port=PORT))
    web = ServiceKey("TCP", NAT_VIP, PORT)
    held = {}
    try:
        director.start()
        director.await_states(first="up", second="up")
        while len(held) < 2:
            conversation = lab.connect(NAT_VIP)
            held[conversation.ask()] = conversation
        write_flows(lab.director, FOREIGN, ELSEWHERE, MANY, FOREIGN_NETWORK)
        write_flows(lab.director, web, SECOND, 5000, SECOND_NETWORK)

        waited = director.mainstay("drain", "web", "192.0.2.21", "--wait", "6")
        assert waited.returncode == 3, waited
        assert "not drained after 6 s: 1 established connections, 0 opening" in waited.stdout.splitlines()[-1]
        assert held["first"].ask() == "first"
        shown = json.loads(director.mainstay("servers", "web", "--json").stdout)["lvs"]["virtual_servers"]["web"]
        assert [one["active_connections"] for one in shown["real_servers"]] == [1, 5001]

        held["first"].close()
        gone = director.mainstay("drain", "web", "192.0.2.21", "--wait", "30")
        assert gone.returncode == 0 and "192.0.2.21:80: drained, " in gone.stdout.splitlines()[-1], gone
        assert held["second"].ask() == "second"

        director.reload(web=talk_service("second", port=PORT))
        lab.director.run("conntrack", "--delete", "--orig-dst", NAT_VIP, "--reply-src", SERVERS["first"])  # TIME_WAIT
        wait_for(
            lambda: not director.service()["leaving"], 15, "the drained server to leave", evidence=director.evidence
        )
        assert "has left the pool: it has no connections" in director.log.read_text()
    finally:
        for conversation in held.values():
            conversation.close()
        t.cast(t.Any, director.node).close()
        lab.director.run("nft", "flush", "ruleset")
        lab.director.run("conntrack", "--flush")

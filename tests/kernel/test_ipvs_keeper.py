# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper of the table on a real ip_vs: repair of what others do, adoption, and a table of 10,000 servers."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

import pytest
from netns.pool_lab import NAT_VIP, PORT, PoolLab

from mainstay.daemon.health.pool_keeper import CHECK_PERIOD, PoolKeeper
from mainstay.daemon.reactor import Reactor
from mainstay.daemon.worker import LogLine
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.net.data_plane import DataPlane
from mainstay.net.ipvs import IpvsPlane

from .conftest import ModuleLoading
from .ipvs_director import WEB, IpvsDirector, server, service

PATIENCE_SECONDS = 30.0
OURS = service(WEB, server("first"), server("second", weight=2), lb_algo="wrr")


class Kept:
    """A keeper with its loop in the director's namespace."""

    def __init__(self, director: IpvsDirector) -> None:
        self._director = director
        self.reactor = Reactor()
        self.lines: list[LogLine] = []
        self.keeper = PoolKeeper(self.reactor, self.lines.append, self._open)

    def _open(self, _name: str) -> DataPlane:
        with self._director.inside():
            return IpvsPlane()

    def start(self, *services: Service) -> None:
        """As a worker does at its first configuration."""
        self.keeper.use("ipvs")
        self.keeper.own({one.key: "web" for one in services})
        self.keeper.keep({one.key: one for one in services})

    def turn_until(self, reached: t.Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            assert time.monotonic() < deadline, f"{what}\n{self._director.ipvsadm('-Sn')}\n{self.lines}"
            self.reactor.call_at(self.reactor.now() + CHECK_PERIOD // 10, lambda _now: None)
            self.reactor.run_once()

    def said(self) -> list[str]:
        return [line.message for line in self.lines]

    def close(self) -> None:
        self.keeper.rest()
        self.reactor.close()


@pytest.fixture
def kept(director: IpvsDirector) -> t.Iterator[Kept]:
    kept = Kept(director)
    yield kept
    kept.close()


@pytest.mark.fault("F55")
def test_what_others_do_is_told_and_repaired_and_open_connections_live_on(
    director: IpvsDirector, kept: Kept, lab: PoolLab
) -> None:
    kept.start(OURS)
    right = director.saved()
    held = [lab.connect(NAT_VIP) for _ in range(3)]
    names = [conversation.ask() for conversation in held]
    assert set(names) == {"first", "second"}

    director.ipvsadm("-e", "-t", "198.51.100.10:80", "-r", "192.0.2.21:80", "-g", "-w", "9")
    director.ipvsadm("-a", "-t", "198.51.100.10:80", "-r", "192.0.2.99:80", "-m")
    director.ipvsadm("-E", "-t", "198.51.100.10:80", "-s", "sh", "-b", "sh-port", "-p", "60")
    kept.turn_until(lambda: director.saved() == right, "edits were not repaired")
    assert kept.said() == [
        "somebody else changed the kernel's table, repaired: it had lb_algo sh instead of wrr and flags port instead of"
        " none and persistence_timeout 60 instead of 0, real_server 192.0.2.21:80 had weight 9 instead of 1 and lb_kind"
        " DR instead of NAT, real_server 192.0.2.99:80 does not belong there"
    ]
    assert [conversation.ask() for conversation in held] == names

    director.ipvsadm("--clear")
    kept.turn_until(lambda: director.saved() == right, "the flush was not repaired")
    assert kept.said()[1:] == ["somebody else changed the kernel's table, repaired: the service was missing"]
    assert kept.keeper.repairs(WEB) == 2
    for conversation in held:
        conversation.close()


@pytest.mark.fault("F58")
def test_a_restart_with_an_open_connection_edits_only_what_is_different(
    director: IpvsDirector, kept: Kept, lab: PoolLab
) -> None:
    director.reconcile(OURS)
    director.ipvsadm("-A", "-f", "9")
    held = lab.connect(NAT_VIP)
    name = held.ask()
    director.wait_for_connections_made(WEB, 1)
    changed = replace(OURS, destinations={one.key: replace(one, weight=5) for one in OURS.destinations.values()})
    kept.start(changed)
    assert [line.endswith("-w 5") for line in director.saved()] == [False, True, True, False]
    assert director.connections_made(WEB) == 1, "the service was made anew"
    assert held.ask() == name
    assert kept.said() == []
    held.close()
    kept.keeper.rest()
    assert director.saved() == ["-A -f 9 -s wlc"], "what is not ours went too, or ours stayed"


@pytest.mark.fault("F57")
def test_a_service_without_its_scheduler_is_named_and_the_others_are_served(
    director: IpvsDirector, kept: Kept, lab: PoolLab
) -> None:
    other = ServiceKey("TCP", NAT_VIP, PORT + 1)
    kept.start(OURS, service(other, server("first"), lb_algo="twos"))
    reason = "scheduler twos is not in this kernel: load it with 'modprobe ip_vs_twos' (No such file or directory)"
    assert kept.keeper.refusals(other) == [reason]
    assert lab.ask(NAT_VIP) in ("first", "second")
    director.ipvsadm("-d", "-t", "198.51.100.10:80", "-r", "192.0.2.21:80")
    kept.turn_until(lambda: len(kept.lines) == 2, "no check came")
    assert kept.said()[0] == f"refused by the kernel: {reason}"
    assert "real_server 192.0.2.21:80 was missing" in kept.said()[1], "the refusal was said again"


def test_a_module_that_goes_and_comes_back_is_filled_again(
    director: IpvsDirector, without_ip_vs: ModuleLoading, lab: PoolLab
) -> None:
    kept = Kept(director)
    kept.start(OURS)
    assert "modprobe ip_vs" in str(kept.keeper.error)
    without_ip_vs.load()
    kept.turn_until(lambda: kept.keeper.error is None, "it was not opened again")
    assert lab.ask(NAT_VIP) in ("first", "second")
    kept.close()


def big(number: int) -> Service:
    """One of a thousand services with ten servers each."""
    places = [DestinationKey(f"10.200.{place}.{number % 250 + 1}", 80) for place in range(10)]
    pool = {place: Destination(place, "NAT", 1) for place in places}
    return Service(ServiceKey("TCP", f"10.{number // 250}.{number % 250}.1", 80), "wrr", destinations=pool)


def test_a_table_of_ten_thousand_servers_is_kept_without_stopping_the_loop(director: IpvsDirector, kept: Kept) -> None:
    """Drift in the last part is found, edits go on meanwhile, and nobody waits for the whole table."""
    services = [big(number) for number in range(1000)]
    kept.start(*services)
    assert director.missing(*services) == []
    somewhere = services[700]
    director.ipvsadm("-d", "-t", f"{somewhere.key.address}:80", "-r", "10.200.3.201:80")
    director.ipvsadm("-D", "-t", f"{services[10].key.address}:80")
    kept.turn_until(lambda: len(kept.lines) == 2, "the drift was not found")
    assert director.missing(*services) == []
    heavier = {key: replace(one, weight=7) for key, one in somewhere.destinations.items()}
    changed = replace(somewhere, destinations=heavier)
    kept.keeper.adjust(changed)
    kept.turn_until(lambda: director.missing(changed) == [], "the edit did not arrive")
    connections = kept.keeper.connections
    kept.turn_until(lambda: len(connections.counters()) == 10_000, "connections of some servers are not known")

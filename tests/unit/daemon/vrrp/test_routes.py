# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes and rules that are held: shared, taken, missed, moved, let go. The kernel is a set that the test plays."""

from __future__ import annotations

import errno
import typing as t

import pytest

from mainstay.daemon.vrrp import routing_claims
from mainstay.daemon.vrrp.routes import HeldRoutes
from mainstay.daemon.vrrp.routing_claims import SharedRouting
from mainstay.daemon.vrrp.static_network import STATIC_LIFETIME, StaticNetwork
from mainstay.daemon.worker import LogLine
from mainstay.model.config import Config, GlobalDefs, VirtualAddress
from mainstay.model.route_text import parse_route, parse_rule
from mainstay.model.units import seconds
from mainstay.net import rtnl
from mainstay.net.routing_socket import Answer, Entry, Outcome

from ...scripted_poller import ScriptedPoller

DEFAULT = "default via 192.0.2.254"
NET = "10.0.0.0/8 via 192.0.2.253 dev eth0"
RULE = "from 10.0.0.0/8 table 100 priority 9"


class PlayedRouting:
    """What the kernel holds, by the texts of entries; the worker's sockets in one."""

    def __init__(self) -> None:
        self.table: list[str] = []
        self.refuse: dict[str, Answer] = {}
        self.renewed: list[str] = []
        self.closed = False

    def add(self, entries: t.Sequence[Entry]) -> Outcome:
        refused = tuple((entry, self.refuse[entry.text]) for entry in entries if entry.text in self.refuse)
        new = tuple(entry for entry in entries if entry.text not in (*self.table, *self.refuse))
        self.table += [entry.text for entry in new]
        return Outcome(new, refused)

    def remove(self, entries: t.Sequence[Entry]) -> Outcome:
        gone = tuple(entry for entry in entries if entry.text in self.table)
        self.table = [text for text in self.table if text not in {entry.text for entry in gone}]
        return Outcome(gone)

    def renew(self, entries: t.Sequence[Entry]) -> None:
        self.renewed += [entry.text for entry in entries if entry.renew]

    def fileno(self) -> int:
        return 77

    def drain(self) -> None:
        """Nothing is left."""

    def close(self) -> None:
        self.closed = True


class PlayedMirror:
    """Links and addresses; also takes the orders for addresses."""

    def __init__(self) -> None:
        self.links = {"eth0": rtnl.Link(2, "eth0", True, True, b"\2\0\0\0\0\1")}
        self.addresses: dict[rtnl.AddressKey, rtnl.HeldAddress] = {}
        self.caught_up = 0
        self._sequence = 0

    def named(self, name: str) -> rtnl.Link | None:
        return self.links.get(name)

    def held(self, key: rtnl.AddressKey) -> rtnl.HeldAddress | None:
        return self.addresses.get(key)

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def send(self, batch: bytes) -> list[rtnl.Refused]:
        for notice in rtnl.notices(batch):
            if isinstance(notice, rtnl.HeldAddress):
                self.addresses[notice.key] = notice
            elif isinstance(notice, rtnl.AddressGone):
                self.addresses.pop(notice.key, None)
        self.caught_up += 1
        return []


class Bench:
    """One worker's shared routing over a played kernel."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.kernel = PlayedRouting()
        self.mirror = PlayedMirror()
        self.looks: list[int] = []
        self.lines: list[LogLine] = []
        self.shared = SharedRouting(self.poller, self.looks.append)

    def holder(self, *texts: str) -> HeldRoutes:
        """An instance with these routes and rules."""
        held = HeldRoutes(self.shared, t.cast(t.Any, self.mirror))
        prepare(held, *texts)
        return held

    def static(self) -> StaticNetwork:
        mirror = t.cast(t.Any, self.mirror)
        return StaticNetwork(mirror, mirror, self.shared, self.lines.append)


def prepare(held: HeldRoutes, *texts: str) -> None:
    rules = [text for text in texts if "priority" in text]
    held.prepare(
        tuple(parse_route(text) for text in texts if text not in rules), tuple(parse_rule(text) for text in rules)
    )


@pytest.fixture()
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench()
    monkeypatch.setattr(routing_claims, "RoutingOrders", lambda: bench.kernel)
    monkeypatch.setattr(routing_claims, "RoutingListener", lambda: bench.kernel)
    return bench


def test_a_master_takes_routes_before_rules_and_gives_them_back(bench: Bench) -> None:
    held = bench.holder(RULE, DEFAULT)
    assert held.take() == []
    assert bench.kernel.table == [f"route {DEFAULT}", f"rule {RULE}"] == held.held
    assert held.release() == [f"rule {RULE}", f"route {DEFAULT}"], "rules first: they name the table"
    assert bench.kernel.table == [] == held.held


def test_a_route_that_two_instances_want_goes_with_the_last_of_them(bench: Bench) -> None:
    first, second = bench.holder(DEFAULT, NET), bench.holder(DEFAULT)
    first.take()
    second.take()
    assert first.release() == [f"route {NET}"]
    assert bench.kernel.table == [f"route {DEFAULT}"]
    assert second.release() == [f"route {DEFAULT}"]


def test_what_moves_to_another_instance_in_a_reload_is_never_away(bench: Bench) -> None:
    giver, taker = bench.holder(DEFAULT), bench.holder(NET)
    giver.take()
    taker.take()
    prepare(giver)
    prepare(taker, NET, DEFAULT)
    giver.let_go()
    assert f"route {DEFAULT}" in bench.kernel.table
    taker.let_go()
    assert taker.take() == []


def test_a_backup_holds_nothing_and_puts_nothing_back(bench: Bench) -> None:
    held = bench.holder(DEFAULT, RULE)
    assert held.put_back() == []
    assert bench.kernel.table == []


def test_what_a_killed_worker_left_is_named_when_it_is_removed(bench: Bench) -> None:
    bench.kernel.table = [f"route {DEFAULT}"]
    assert bench.holder(DEFAULT, RULE).release() == [f"route {DEFAULT}"]


def test_what_somebody_removed_comes_back_and_is_named(bench: Bench) -> None:
    held = bench.holder(DEFAULT, RULE)
    held.take()
    bench.kernel.table.remove(f"route {DEFAULT}")
    assert held.put_back() == [f"route {DEFAULT}"]
    assert held.put_back() == [], "it is reported once"


def test_a_refusal_is_told_with_its_remedy_tried_again_and_no_removal(bench: Bench) -> None:
    held = bench.holder(DEFAULT)
    text = f"route {DEFAULT}"
    bench.kernel.refuse[text] = Answer(errno.ENETUNREACH, "Nexthop has invalid gateway")
    held.take()
    assert held.held == []
    assert held.problems == [
        f"{text} cannot be installed: Nexthop has invalid gateway;"
        " via must be reachable through an interface that is up, or say onlink"
    ]
    bench.poller.run_for(seconds(1.1))
    assert len(bench.looks) == 1, "it may succeed now: look again after a second"
    del bench.kernel.refuse[text]
    assert held.put_back() == [], "it was not there before: nobody removed it"
    assert (held.problems, held.held) == ([], [text])


def test_a_route_waits_for_its_interface(bench: Bench) -> None:
    eth0 = bench.mirror.links.pop("eth0")
    held = bench.holder(NET)
    held.take()
    assert held.problems == ["route 10.0.0.0/8: interface eth0 does not exist"]
    bench.shared.look_soon()
    bench.poller.run_for(seconds(0.1))
    assert len(bench.looks) == 1
    bench.mirror.links["eth0"] = eth0
    held.put_back()
    assert (held.problems, bench.kernel.table) == ([], [f"route {NET}"])


def test_many_notices_are_one_look_and_none_without_a_holder(bench: Bench) -> None:
    held = bench.holder(DEFAULT)
    bench.shared.look_soon()
    bench.poller.run_for(seconds(1))
    assert bench.looks == []
    held.take()
    for _notice in range(100):
        bench.shared.look_soon()
    bench.poller.run_for(seconds(1))
    assert len(bench.looks) == 1


def test_an_ipv6_route_with_a_source_is_made_anew_when_the_addresses_were_away(bench: Bench) -> None:
    """The kernel keeps such a route without its source and would answer that it is there."""
    text = "2001:db8:1::/48 via 2001:db8::1 src 2001:db8::10"
    held = bench.holder(text, DEFAULT)
    held.take()
    assert bench.kernel.renewed == []
    held.take(renew=True)
    assert bench.kernel.renewed == [f"route {text}"]


def test_a_reload_removes_what_left_and_adds_what_came(bench: Bench) -> None:
    held = bench.holder(DEFAULT, NET)
    held.take()
    prepare(held, NET, RULE)
    held.let_go()
    assert bench.kernel.table == [f"route {NET}"]
    assert held.take() == []
    assert bench.kernel.table == [f"route {NET}", f"rule {RULE}"]


# ---- the static network

STATIC = VirtualAddress("192.0.2.9", 24)
KEY = rtnl.AddressKey(2, "192.0.2.9", 24)


def static_config(*addresses: VirtualAddress, routes: tuple[str, ...] = ()) -> Config:
    return Config(
        global_defs=GlobalDefs(default_interface="eth0"),
        static_ipaddress=addresses,
        static_routes=tuple(parse_route(text) for text in routes),
    )


def test_static_things_are_added_at_the_start_and_removed_at_the_end(bench: Bench) -> None:
    static = bench.static()
    static.configure(static_config(STATIC, routes=(DEFAULT,)), 0)
    assert bench.mirror.addresses[KEY].valid_seconds == STATIC_LIFETIME
    assert bench.kernel.table == [f"route {DEFAULT}"]
    assert static.status() == {
        "addresses": ["192.0.2.9/24"],
        "addresses_held": ["192.0.2.9/24"],
        "routes": [f"route {DEFAULT}"],
        "routes_held": [f"route {DEFAULT}"],
        "problems": [],
    }
    static.stop()
    assert (bench.mirror.addresses, bench.kernel.table) == ({}, [])


def test_an_address_that_the_host_has_for_good_stays_its_own(bench: Bench) -> None:
    bench.mirror.addresses[KEY] = rtnl.HeldAddress(KEY, False, 0, None)
    static = bench.static()
    static.configure(static_config(STATIC), 0)
    static.configure(static_config(), 0)
    static.stop()
    assert bench.mirror.addresses[KEY].valid_seconds is None


def test_what_an_earlier_daemon_added_is_still_ours(bench: Bench) -> None:
    bench.mirror.addresses[KEY] = rtnl.HeldAddress(KEY, False, 0, STATIC_LIFETIME - 4711)
    static = bench.static()
    static.configure(static_config(STATIC), 0)
    assert bench.mirror.addresses[KEY].valid_seconds == STATIC_LIFETIME - 4711, "adopted, not added again"
    static.configure(static_config(), 0)
    assert bench.mirror.addresses == {}


def test_a_static_address_that_somebody_removed_comes_back_and_is_reported(bench: Bench) -> None:
    static = bench.static()
    static.configure(static_config(STATIC), 0)
    bench.mirror.addresses.clear()
    bench.mirror.caught_up += 1
    static.look(0)
    assert KEY in bench.mirror.addresses
    assert [line.message for line in bench.lines] == ["somebody removed 192.0.2.9/24 from eth0; put back"]


def test_a_static_address_waits_for_its_interface_and_says_so_once(bench: Bench) -> None:
    eth0 = bench.mirror.links.pop("eth0")
    static = bench.static()
    static.configure(static_config(STATIC), 0)
    static.look(0)
    assert [line.message for line in bench.lines] == ["192.0.2.9/24: interface eth0 does not exist"]
    bench.mirror.links["eth0"] = eth0
    static.look(0)
    assert KEY in bench.mirror.addresses and static.problems == []

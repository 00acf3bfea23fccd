# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a large table: in parts, with turns of the loop and edits of our own in between."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.health.errand import TURN
from mainstay.daemon.health.pool_keeper import CHECK_PERIOD, PoolKeeper
from mainstay.daemon.worker import LogLine
from mainstay.lvs.effects import apply_operation
from mainstay.lvs.operations import Operation
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Table
from mainstay.model.units import Duration
from mainstay.net.data_plane import Counting, DataPlaneUnavailable, Refusal

from ...scripted_poller import ScriptedPoller

MANY = 40
KEYS = [ServiceKey("TCP", "192.0.2.10", 1000 + number) for number in range(MANY)]
SERVER = DestinationKey("192.0.2.21", 80)


def service(key: ServiceKey, weight: int = 1) -> Service:
    return Service(key, "wrr", destinations={SERVER: Destination(SERVER, "NAT", weight)})


class SlowPlane:
    """A kernel whose parts, a service each, take as long as a whole turn may."""

    def __init__(self, poller: ScriptedPoller) -> None:
        self._poller = poller
        self.table: Table = {}
        self.parts_read: list[int] = []
        """Instants."""
        self.refuse: t.Callable[[Operation], bool] = lambda _operation: False
        self.asked: list[set[ServiceKey] | None] = []
        """What read() was asked for."""
        self.lost_at: ServiceKey | None = None

    def read(self, keys: t.Collection[ServiceKey] | None = None) -> Table:
        self.asked.append(None if keys is None else set(keys))
        return {key: one for key, one in self.table.items() if keys is None or key in keys}

    def parts(self) -> t.Iterator[Table]:
        """As ip_vs does it: the services as of the start, each with its pool as of now, none when it is gone."""
        for key, head in list(self.table.items()):
            if key == self.lost_at:
                raise DataPlaneUnavailable("gone")
            self.parts_read.append(self._poller.now())
            self._poller.clock += TURN
            pool = self.table[key].destinations if key in self.table else {}
            yield {key: replace(head, destinations=pool)}

    def apply(self, operations: t.Sequence[Operation]) -> list[Refusal]:
        refused = [operation for operation in operations if self.refuse(operation)]
        for operation in operations:
            if operation not in refused:
                self.table = apply_operation(self.table, operation)
        return [Refusal(operation, "no such scheduler") for operation in refused]

    def finish(self) -> t.Generator[None, None, None]:
        yield from ()

    def counters(self) -> Counting:
        yield {}

    def flush(self) -> None:
        self.table = {}

    def close(self) -> None: ...


class Lab:
    """A keeper with MANY services in such a kernel."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.plane = SlowPlane(self.poller)
        self.lines: list[LogLine] = []
        self.keeper = PoolKeeper(self.poller, self.lines.append, lambda _name: self.plane)
        self.keeper.use("ipvs")
        self.keeper.own({key: f"s{key.port}" for key in KEYS})
        self.keeper.keep({key: service(key) for key in KEYS})

    def run(self, duration: Duration) -> None:
        self.poller.run_for(duration)

    def said(self) -> list[str]:
        return [f"{line.subject}: {line.message}" for line in self.lines]

    def change(self, key: ServiceKey, found: Service | None) -> None:
        """Somebody else does."""
        table = {**self.plane.table, key: found or service(key)}
        self.plane.table = {known: one for known, one in table.items() if known != key or found is not None}


@pytest.fixture
def lab() -> Lab:
    return Lab()


LONG_ENOUGH = CHECK_PERIOD + 2 * MANY * TURN


def test_a_large_table_is_read_in_several_turns_and_then_again_after_the_period(lab: Lab) -> None:
    lab.run(LONG_ENOUGH)
    assert len(lab.plane.parts_read) == MANY
    turns = [later - earlier for earlier, later in zip(lab.plane.parts_read, lab.plane.parts_read[1:])]
    assert min(turns) >= TURN, "more than one part in a turn that was over"
    lab.run(LONG_ENOUGH)
    assert len(lab.plane.parts_read) == 2 * MANY
    assert lab.said() == []


def test_what_somebody_changed_in_any_part_is_repaired_and_told_with_both_values(lab: Lab) -> None:
    lab.change(KEYS[0], service(KEYS[0], weight=9))
    lab.change(KEYS[-1], None)
    lab.run(LONG_ENOUGH)
    assert lab.plane.table == {key: service(key) for key in KEYS}
    assert lab.said() == [
        "virtual_server s1000: somebody else changed the kernel's table, repaired: "
        "real_server 192.0.2.21:80 had weight 9 instead of 1",
        "virtual_server s1039: somebody else changed the kernel's table, repaired: the service was missing",
    ]


def test_our_own_edits_while_the_check_goes_on_are_no_drift(lab: Lab) -> None:
    lab.run(CHECK_PERIOD + 3 * TURN)
    assert 0 < len(lab.plane.parts_read) < MANY, "the check is not on its way"
    told, about_to_be_told = KEYS[0], KEYS[len(lab.plane.parts_read)]
    changed = {key: replace(service(key, weight=5), lb_algo="sh") for key in (told, about_to_be_told, KEYS[-1])}
    for one in changed.values():
        lab.keeper.adjust(one)
    lab.run(LONG_ENOUGH)
    assert lab.said() == []
    assert {key: lab.plane.table[key] for key in changed} == changed


def test_a_service_that_is_removed_while_the_check_goes_on_stays_away(lab: Lab) -> None:
    lab.run(CHECK_PERIOD + 3 * TURN)
    lab.keeper.keep({key: service(key) for key in KEYS[:-1]})
    lab.run(LONG_ENOUGH)
    assert KEYS[-1] not in lab.plane.table
    assert lab.said() == []


def test_a_service_that_is_added_while_the_check_goes_on_was_not_missing(lab: Lab) -> None:
    lab.keeper.keep({key: service(key) for key in KEYS[:-1]})
    lab.run(CHECK_PERIOD + 3 * TURN)
    lab.keeper.own({KEYS[-1]: "new"})
    lab.keeper.keep({key: service(key) for key in KEYS})
    lab.run(LONG_ENOUGH)
    assert lab.said() == []
    assert KEYS[-1] in lab.plane.table


def test_after_a_refusal_only_that_service_is_read_again(lab: Lab) -> None:
    lab.plane.asked.clear()
    lab.plane.refuse = lambda operation: True
    lab.keeper.adjust(service(KEYS[3], weight=5))
    lab.run(CHECK_PERIOD // 2)
    assert lab.plane.asked == [{KEYS[3]}, {KEYS[3]}]
    assert lab.keeper.refusals(KEYS[3]) == ["no such scheduler"]
    lab.plane.refuse = lambda _operation: False
    lab.run(LONG_ENOUGH)
    assert lab.keeper.refusals(KEYS[3]) == []
    assert lab.plane.table[KEYS[3]] == service(KEYS[3], weight=5)


def test_an_engine_that_is_lost_in_the_middle_of_a_check_is_opened_again(lab: Lab) -> None:
    lab.plane.lost_at = KEYS[5]
    lab.run(CHECK_PERIOD + 10 * TURN)
    assert lab.keeper.error is not None
    lab.plane.lost_at = None
    lab.change(KEYS[30], None)
    lab.run(LONG_ENOUGH)
    assert lab.keeper.error is None
    assert lab.plane.table == {key: service(key) for key in KEYS}


def test_a_flush_takes_everything_and_what_is_desired_comes_back(lab: Lab) -> None:
    foreign = ServiceKey("UDP", "203.0.113.1", 25)
    lab.change(foreign, service(foreign))
    lab.keeper.flush()
    assert (lab.plane.table, lab.keeper.current) == ({}, {})
    lab.keeper.keep({key: service(key) for key in KEYS})
    assert set(lab.plane.table) == set(KEYS)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that leave: who keeps his connections for a while, for how long, and who goes at once."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from mainstay.lvs.desired import desired_services
from mainstay.lvs.draining import LeavingBook, leaving_after, next_end, still_leaving
from mainstay.lvs.member import Pool
from mainstay.lvs.overrides import DRAIN, MAINTENANCE
from mainstay.lvs.pool import decide
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.model.lvs_defaults import RunningService
from mainstay.model.units import seconds

from .pools import NOW, SORRY, failed, members, order, passing, real, web

WEB = ServiceKey("TCP", "192.0.2.10", 80)
BOTH = web(real(21), real(22, 3))
ONE = web(real(21))
GONE = DestinationKey("192.0.2.22", 80)

Standing = t.Dict[ServiceKey, Service]


def stands(service: RunningService, *said: t.Any) -> Standing:
    """What is in the table for this configuration and health."""
    return desired_services(service, decided(service, *said), {})


def decided(service: RunningService, *said: t.Any) -> Pool:
    return decide(service, members(service, *said), None, NOW)


def leavers(before: Standing, service: RunningService, *said: t.Any, book: LeavingBook | None = None) -> list[str]:
    after = leaving_after(book or {}, service, decided(service, *said), before, NOW)
    assert all(one.destination.weight == 0 for one in after.values())
    return [str(place[1]) for place in after]


def test_a_server_that_left_the_configuration_keeps_its_connections() -> None:
    after = leaving_after({}, ONE, decided(ONE), stands(BOTH), NOW)
    (leaving,) = after.values()
    assert leaving.destination == Destination(GONE, "NAT", 0)
    assert leaving.until == next_end(after) == NOW + seconds(300)


def test_a_second_decision_does_not_begin_again() -> None:
    book = leaving_after({}, ONE, decided(ONE), stands(BOTH), NOW)
    standing = desired_services(ONE, decided(ONE), book)
    assert leaving_after(book, ONE, decided(ONE), standing, NOW + seconds(5)) == book


def test_it_is_gone_without_connections_or_at_the_end_of_its_time() -> None:
    book = leaving_after({}, ONE, decided(ONE), stands(BOTH), NOW)
    assert still_leaving(book, {(WEB, GONE): 1}, NOW + seconds(299)) == book
    assert still_leaving(book, {(WEB, GONE): 1}, NOW + seconds(300)) == {}
    assert still_leaving(book, {(WEB, GONE): 0}, NOW + 1) == {}
    assert still_leaving(book, {}, NOW + 1) == {}


def test_once_gone_it_does_not_come_back() -> None:
    without = desired_services(ONE, decided(ONE), {})
    assert leavers(without, ONE) == []


def test_another_port_is_another_server_to_the_kernel() -> None:
    moved = web(real(21), real(22, 3, port=8080))
    assert leavers(stands(BOTH), moved) == ["192.0.2.22:80"]


def test_another_weight_or_forwarding_is_the_same_server() -> None:
    assert leavers(stands(BOTH), web(real(21), real(22, 9, lb_kind="DR"))) == []


def test_one_that_comes_back_into_the_configuration_serves_again() -> None:
    book = leaving_after({}, ONE, decided(ONE), stands(BOTH), NOW)
    assert leavers(desired_services(ONE, decided(ONE), book), BOTH, book=book) == []


def test_with_a_drain_timeout_of_0_nobody_is_waited_for() -> None:
    assert leavers(stands(BOTH), replace(ONE, drain_timeout=0)) == []


def test_failed_servers_and_servers_in_maintenance_go_at_once() -> None:
    assert leavers(stands(BOTH), BOTH, passing(), failed()) == []
    assert leavers(stands(BOTH), BOTH, passing(), (passing(), order(MAINTENANCE))) == []


def test_one_that_leaves_and_is_then_put_in_maintenance_goes_at_once() -> None:
    book = leaving_after({}, ONE, decided(ONE), stands(BOTH), NOW)
    assert leavers(stands(BOTH), BOTH, passing(), (passing(), order(MAINTENANCE)), book=book) == []


def test_one_that_was_drained_when_it_left_the_configuration_leaves_in_order() -> None:
    assert leavers(stands(BOTH, passing(), (passing(), order(DRAIN))), ONE) == ["192.0.2.22:80"]


def test_backup_servers_that_are_not_needed_any_more_leave_in_order() -> None:
    service = web(real(21), real(22, backup=True))
    assert leavers(stands(service, failed()), service) == ["192.0.2.22:80"]
    assert leavers(stands(service, failed()), service, passing(), (passing(), order(DRAIN))) == ["192.0.2.22:80"]
    assert leavers(stands(service, failed()), service, passing(), failed()) == []


def test_the_sorry_server_goes_at_once() -> None:
    service = web(real(21), sorry_server=SORRY)
    assert leavers(stands(service, failed()), service) == []


def test_what_is_found_at_the_start_and_unknown_to_the_configuration_goes_on_leaving() -> None:
    found = {key: replace(entry, destinations={
        **entry.destinations, GONE: Destination(GONE, "NAT", 0),
    }) for key, entry in stands(ONE).items()}  # fmt: skip
    assert leavers(found, ONE) == ["192.0.2.22:80"]


def test_of_a_service_that_is_served_no_more_nobody_is_remembered() -> None:
    book = leaving_after({}, ONE, decided(ONE), stands(BOTH), NOW)
    elsewhere = web(real(21), port=81)
    assert leavers(stands(BOTH), elsewhere, book=book) == []

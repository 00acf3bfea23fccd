# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health of a real server: what several checks come to."""

from __future__ import annotations

import pytest

from mainstay.lvs.health import Health
from mainstay.lvs.server_health import ServerHealth, server_health, unchecked
from mainstay.model.check_config import Check, FileCheck, HttpCheck, MiscCheck, TcpCheck

from .pools import real, web

UP = Health("up", 3, "connected")
DOWN = Health("down", 7, "HTTP 503")
WAITING = Health("waiting", 1, "not checked yet")


def of(*pairs: tuple[Check, Health], weight: int = 10) -> ServerHealth:
    server = web(real(21, weight, checks=tuple(check for check, _health in pairs))).real_servers[0]
    return server_health(server, [health for _check, health in pairs], now=9)


def test_a_server_without_a_check_is_always_in_the_pool() -> None:
    assert of() == unchecked(9) == ServerHealth("unchecked", 9, "no check configured")
    assert of().in_pool


def test_a_single_check_speaks_for_its_server() -> None:
    assert of((TcpCheck(), DOWN)) == ServerHealth("down", 7, "HTTP 503")
    assert not of((TcpCheck(), DOWN)).in_pool
    assert of((TcpCheck(), WAITING)) == ServerHealth("waiting", 1, "not checked yet")


def test_one_failed_check_is_enough_and_is_named() -> None:
    health = of((TcpCheck(), UP), (HttpCheck(), DOWN), (HttpCheck(path="/b"), Health("waiting", 0, "not checked yet")))
    assert (health.state, health.reason, health.since) == ("down", "http 1: HTTP 503", 7)


def test_it_is_down_since_the_first_of_them_failed() -> None:
    health = of((TcpCheck(), Health("down", 9, "connection refused")), (HttpCheck(), DOWN))
    assert (health.since, health.reason) == (7, "tcp: connection refused; http: HTTP 503")


def test_up_needs_all_of_them() -> None:
    assert of((TcpCheck(), UP), (HttpCheck(), WAITING)).state == "waiting"
    both = of((TcpCheck(), UP), (HttpCheck(), Health("up", 5, "HTTP 200")))
    assert (both.state, both.reason, both.since) == ("up", "tcp: connected; http: HTTP 200", 5)


def test_one_check_that_waits_with_alpha_keeps_the_server_out() -> None:
    held = of((TcpCheck(), UP), (HttpCheck(), Health("waiting", 0, "alpha", trusted=False)))
    assert held.state == "waiting"
    assert not held.in_pool
    assert of((TcpCheck(), Health("up", 3, "connected", trusted=False))).in_pool, "that is over once it has passed"


@pytest.mark.parametrize(
    ("pairs", "weight"),
    [
        ([(TcpCheck(), UP)], None),
        ([(MiscCheck(), Health("up", 0, "exit status 7", weight=5))], 5),
        ([(MiscCheck(), Health("up", 0, "", weight=5)), (MiscCheck(), Health("up", 0, "", weight=3))], 3),
        ([(FileCheck(), Health("up", 0, "", weight=-4))], 6),
        ([(FileCheck(), Health("up", 0, "", weight=-4)), (FileCheck(), Health("up", 0, "", weight=9))], 15),
        ([(FileCheck(), Health("up", 0, "", weight=-40))], 0),
        ([(FileCheck(), Health("up", 0, "", weight=70000))], 65535),
        ([(MiscCheck(), Health("up", 0, "", weight=5)), (FileCheck(), Health("up", 0, "", weight=2))], 7),
    ],
)
def test_misc_replaces_the_weight_and_file_adds_to_it(pairs: list[tuple[Check, Health]], weight: int | None) -> None:
    assert of(*pairs).weight == weight


def test_notes_come_from_every_check() -> None:
    noted = Health("up", 0, "", notes=("certificate ends in 5 days",))
    assert of((TcpCheck(), UP), (HttpCheck(), noted)).notes == ("http: certificate ends in 5 days",)

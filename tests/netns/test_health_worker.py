# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks decide who serves: a real daemon, real web servers, real requests through the nftables engine."""

from __future__ import annotations

import signal
import typing as t
from collections import Counter
from pathlib import Path

import pytest
from netns.health_director import HealthDirector, WebServer, fetch, web_service
from netns.pool_lab import SERVERS, PoolLab

from lab.waiting import wait_for


@pytest.fixture(scope="module")
def lab() -> t.Iterator[PoolLab]:
    lab = PoolLab()
    yield lab
    lab.close()


@pytest.fixture
def webs(lab: PoolLab) -> t.Iterator[dict[str, WebServer]]:
    webs = {name: WebServer(namespace, name) for name, namespace in lab.servers.items()}
    yield webs
    for web in webs.values():
        web.stop()


@pytest.fixture
def director(lab: PoolLab, webs: dict[str, WebServer], tmp_path: Path) -> t.Iterator[HealthDirector]:
    """A running daemon with one service on two servers, both found up."""
    director = HealthDirector(lab, tmp_path, web=web_service("first", "second"))
    try:
        director.start().await_states(first="up", second="up")
        yield director
    finally:
        t.cast(t.Any, director.node).close()
        lab.director.run("nft", "flush", "ruleset")
        lab.director.run("conntrack", "--flush")
        print(director.log.read_text())


def test_requests_are_shared_by_the_servers_that_are_up(director: HealthDirector, lab: PoolLab) -> None:
    assert Counter(fetch(lab) for _ in range(10)) == {"first": 5, "second": 5}


def test_a_stopped_server_gets_no_request_until_it_is_back(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    webs["first"].stop()
    director.await_states(first="down", second="up")
    assert SERVERS["first"] not in director.pool()
    assert {fetch(lab) for _ in range(10)} == {"second"}
    assert "real_server 192.0.2.21:8080 is down: connection refused (2 of 2 tries)" in director.log.read_text()
    webs["first"].start()
    director.await_states(first="up", second="up")
    assert {fetch(lab) for _ in range(10)} == {"first", "second"}


def test_a_server_that_answers_wrongly_is_out_with_its_answer_as_the_reason(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    webs["second"].status = 503
    director.await_states(first="up", second="down")
    assert director.servers()["second"]["reason"] == "HTTP 503, accepted are 200-299"
    assert {fetch(lab) for _ in range(4)} == {"first"}


def test_what_an_operator_deletes_comes_back_and_is_reported(director: HealthDirector, lab: PoolLab) -> None:
    lab.director.run("nft", "delete", "table", "ip", "mainstay")
    wait_for(director.pool, 15, "the table to come back", evidence=director.evidence)
    assert {fetch(lab) for _ in range(4)} == {"first", "second"}
    assert "somebody else changed the kernel's table, repaired: the service was missing" in director.log.read_text()


def test_a_reload_changes_what_changed_and_leaves_the_rest(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    webs["first"].stop()
    director.await_states(first="down", second="up")
    before = director.servers()
    director.serve(web=web_service("first", "second"), more=web_service("second", port=81))
    assert director.ask("reload")["ok"]
    director.await_states(service="more", second="up")
    after = director.servers()
    assert {name: server["since"] for name, server in after.items()} == {
        name: server["since"] for name, server in before.items()
    }
    assert fetch(lab, port=81) == "second"
    director.serve(web=web_service("first", "second"))
    assert director.ask("reload")["ok"]
    wait_for(lambda: "/81" not in director.pool(), 15, "the second service to go", evidence=director.evidence)
    assert fetch(lab) == "second"


def test_a_killed_worker_leaves_the_table_and_its_successor_adopts_it(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    webs["first"].stop()
    director.await_states(first="down", second="up")
    before, dead = director.pool(), director.worker()
    dead.signal(signal.SIGKILL)
    wait_for(lambda: not dead.alive(), 5, "the worker to die")
    assert director.pool() == before
    assert fetch(lab) == "second"

    def respawned() -> bool:
        section = director.ask("status")["lvs"]
        return bool(section["alive"] and section["pid"] != dead.pid)

    wait_for(respawned, 15, "a new health worker", evidence=director.evidence)
    director.await_states(first="down", second="up")
    assert director.pool() == before, "the failed server must not come back with the new worker"


def test_an_orderly_end_leaves_nothing_behind(director: HealthDirector, lab: PoolLab) -> None:
    director.signal_and_await_end()
    assert lab.director.run("nft", "list", "ruleset") == ""

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks decide who serves: a real daemon, real web servers, real requests through the nftables engine."""

from __future__ import annotations

import signal
import time
from collections import Counter

import pytest
from netns.health_director import WEB_PORT, HealthDirector, WebServer, fetch, talk_service, web_service
from netns.pool_lab import NAT_VIP, SERVERS, PoolLab

from lab.waiting import wait_for


@pytest.fixture
def director(director: HealthDirector, webs: dict[str, WebServer]) -> HealthDirector:
    """Running, with one service on two servers, both found up."""
    director.serve(web=web_service("first", "second"))
    director.start().await_states(first="up", second="up")
    return director


def test_requests_are_shared_by_the_servers_that_are_up(director: HealthDirector, lab: PoolLab) -> None:
    assert Counter(fetch(lab) for _ in range(10)) == {"first": 5, "second": 5}


def test_a_stopped_server_gets_no_request_until_it_is_back(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    webs["first"].stop()
    director.await_states(first="down", second="up")
    assert SERVERS["first"] not in director.pool()
    assert {fetch(lab) for _ in range(10)} == {"second"}
    assert "real_server 192.0.2.21:8000 is down: connection refused (2 of 2 tries)" in director.log.read_text()
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
    lab.director.run("nft", "delete", "table", "inet", "mainstay")
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


def test_a_server_that_comes_back_is_warmed_up(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    service = web_service("first", "second", lb_algo="wrr", slow_start=3)
    for server in service["real_servers"]:
        server["weight"] = 10
    director.reload(web=service)
    webs["first"].stop()
    director.await_states(first="down", second="up")
    webs["first"].start()
    seen: list[int] = []

    def warm() -> bool:
        server = director.servers()["first"]
        seen.append(server["effective_weight"])
        return bool(server["state"] == "up" and seen[-1] == 10)

    wait_for(warm, 20, "the server to be at its full weight", evidence=director.evidence)
    assert seen == sorted(seen)
    assert 0 < min(weight for weight in seen if weight) < 10, f"weights on the way: {seen}"
    assert {fetch(lab) for _ in range(10)} == {"first", "second"}


def test_a_server_that_leaves_the_configuration_keeps_its_connection_until_it_ends(
    director: HealthDirector, lab: PoolLab
) -> None:
    both, one = talk_service("first", "second"), talk_service("second")
    director.reload(web=web_service("first"), talk=both)
    director.await_states(service="talk", first="up", second="up")
    held = {conversation.ask(): conversation for conversation in (lab.connect(NAT_VIP, 82), lab.connect(NAT_VIP, 82))}
    assert set(held) == {"first", "second"}
    director.reload(web=web_service("first"), talk=one)
    wait_for(lambda: director.service("talk")["leaving"], 10, "the server to leave", evidence=director.evidence)
    assert {lab.ask(NAT_VIP, 82) for _ in range(6)} == {"second"}, "it gets nobody new"
    assert held["first"].ask() == "first", "and keeps who is there"
    for conversation in held.values():
        conversation.close()
    # The kernel remembers a closed connection for a while; an operator who cannot wait cuts it as conntrack(8) does.
    lab.director.run("conntrack", "--flush")
    wait_for(lambda: not director.service("talk")["leaving"], 20, "it to be gone", evidence=director.evidence)
    assert "has left the pool: it has no connections" in director.log.read_text()


def test_without_quorum_the_sorry_server_answers_alone(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    director.reload(web=web_service("first", sorry_server=f"{SERVERS['second']} {WEB_PORT}"))
    director.await_states(first="up")
    assert {fetch(lab) for _ in range(4)} == {"first"}
    webs["first"].stop()
    director.await_states(first="down")
    assert {fetch(lab) for _ in range(4)} == {"second"}
    assert director.service()["sorry_in"] and not director.service()["quorum_up"]
    webs["first"].start()
    director.await_states(first="up")
    assert {fetch(lab) for _ in range(4)} == {"first"}
    assert director.events("VS")[-2:] == [("web", "DOWN"), ("web", "UP")]


def test_with_inhibit_on_failure_a_failed_server_stays_in_the_table_and_gets_nobody_new(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    director.reload(web=web_service("first", "second", inhibit_on_failure=True))
    webs["first"].status = 503
    failed = lambda: director.servers()["first"]["state"] == "down"  # noqa: E731
    wait_for(failed, 10, "the verdict", evidence=director.evidence)
    assert director.servers()["first"]["effective_weight"] == 0
    assert SERVERS["first"] in director.pool()
    assert {fetch(lab) for _ in range(4)} == {"second"}
    webs["first"].status = 200
    director.await_states(first="up", second="up")


@pytest.mark.fault("F61")
def test_while_all_are_down_the_sorry_server_stays_over_a_reload_and_a_new_worker_and_the_quorum_is_told_once(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    def service(weight: int) -> dict[str, object]:
        return web_service("first", sorry_server=f"{SERVERS['second']} {WEB_PORT}", weight=weight)

    director.reload(web=service(1))
    director.await_states(first="up")
    told = len(director.events("VS"))
    webs["first"].stop()
    director.await_states(first="down")
    director.reload(web=service(2))
    assert {fetch(lab) for _ in range(4)} == {"second"}, "a reload"

    dead = director.worker()
    dead.signal(signal.SIGKILL)
    fresh = lambda: director.ask("status")["lvs"]["pid"] not in (dead.pid, None) and director.answers()  # noqa: E731
    wait_for(fresh, 15, "a new health worker", evidence=director.evidence)
    director.await_states(first="down")
    assert director.service()["sorry_in"]
    assert {fetch(lab) for _ in range(4)} == {"second"}, "a new worker"
    assert director.events("VS")[told:] == [("web", "DOWN")]

    webs["first"].start()
    director.await_states(first="up")
    assert {fetch(lab) for _ in range(4)} == {"first"}
    assert director.events("VS")[told:] == [("web", "DOWN"), ("web", "UP")]


@pytest.mark.fault("F61")
def test_with_a_floor_the_last_that_failed_stays_in_and_that_is_an_alarm(
    director: HealthDirector, webs: dict[str, WebServer]
) -> None:
    """A check that is wrong about everybody must not take the service away."""
    director.reload(web=web_service("first", "second", pool_floor=50))
    director.await_states(first="up", second="up")
    webs["first"].status = 500
    director.await_states(first="down", second="up")
    webs["second"].status = 500
    wait_for(lambda: director.service()["floor_holds"], 10, "the floor to hold", evidence=director.evidence)
    assert director.service()["floor_holds"] == [f"{SERVERS['second']}:{WEB_PORT}"]
    assert not director.service()["quorum_up"], "they are not live, so somebody hears of it"
    assert SERVERS["second"] in director.pool() and SERVERS["first"] not in director.pool()


def test_an_operator_drains_a_server_and_puts_it_back(director: HealthDirector, lab: PoolLab) -> None:
    server = f"{SERVERS['first']}:{WEB_PORT}"
    assert director.ask("drain", service="web", server=server, reason="new disk")["ok"]
    wait_for(
        lambda: director.servers()["first"]["effective_weight"] == 0, 10, "the drain", evidence=director.evidence
    )
    assert director.servers()["first"]["state"] == "draining"
    assert {fetch(lab) for _ in range(6)} == {"second"}
    assert director.servers()["first"]["override"]["reason"] == "new disk"
    assert director.ask("restore", names=["web", server])["ok"]
    director.await_states(first="up", second="up")
    assert {fetch(lab) for _ in range(6)} == {"first", "second"}


def test_five_services_on_one_server_probe_it_once(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    services = {f"web{port}": web_service("first", "second", port=port, delay_loop=0.5) for port in range(91, 96)}
    director.reload(**services)
    wait_for(lambda: director.ask("status")["lvs"]["checks"]["configured"] == 10, 10, "the five services")
    assert director.ask("status")["lvs"]["checks"]["running"] == 2
    before, began = webs["first"].probes, time.monotonic()
    wait_for(lambda: webs["first"].probes >= before + 6, 20, "six probes", evidence=director.evidence)
    assert time.monotonic() - began > 2, "six probes take five periods of 0.5 s; five times as many would take half one"


def test_with_ha_suspend_nobody_is_probed_while_the_address_is_elsewhere(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    director.reload(web=web_service("first", "second", ha_suspend=True))
    lab.director.ip(f"addr del {NAT_VIP}/32 dev clients\n")
    try:
        wait_for(lambda: director.service()["suspended"], 10, "the checks to rest", evidence=director.evidence)
        webs["first"].stop()
        before = webs["second"].probes
        time.sleep(1.0)  # five periods: nothing is to happen in them
        assert webs["second"].probes == before
        assert director.servers()["first"]["state"] == "up", "nobody has looked"
    finally:
        lab.director.ip(f"addr add {NAT_VIP}/32 dev clients\n")
    director.await_states(first="down", second="up")


def test_an_orderly_end_leaves_nothing_behind(director: HealthDirector, lab: PoolLab) -> None:
    director.signal_and_await_end()
    assert lab.director.run("nft", "list", "ruleset") == ""

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health worker from verdict to kernel table, told as an operator would tell it."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from mainstay.daemon.pool_keeper import CHECK_PERIOD, REOPEN_PERIOD
from mainstay.lvs.operations import AddDestination, AddService, RemoveDestination, SetDestination
from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey
from mainstay.model.config import TcpCheck
from mainstay.model.units import as_seconds, seconds

from .health_lab import CHECK, LATENCY, REFUSED, SHORTAGE, UP, WEB, HealthLab, real, web

ONE, TWO = "192.0.2.21", "192.0.2.22"


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


def hand_made(key: ServiceKey, *addresses: str, weight: int = 1) -> Service:
    """An entry that somebody, or a former daemon, put into the kernel."""
    places = [DestinationKey(address, 80) for address in addresses]
    return Service(key, "wlc", destinations={place: Destination(place, "NAT", weight) for place in places})


class TestPool:
    def test_a_fresh_service_is_installed_with_all_its_servers_at_once(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}
        assert {server["state"] for server in lab.servers().values()} == {"waiting"}

    def test_a_failed_server_leaves_after_its_retries_and_returns_with_its_first_good_answer(
        self, lab: HealthLab
    ) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(1)
        lab.answers[ONE] = REFUSED
        while ONE in lab.ipvs.pool():
            lab.run(0.1)
        first, retry = lab.probes_of(ONE)[-2:]
        assert retry - first == LATENCY + CHECK.delay_before_retry
        assert lab.ipvs.pool() == {TWO: 1}
        del lab.answers[ONE]
        lab.run(6)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_one_failure_within_the_retries_changes_nothing(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(1)
        before = list(lab.ipvs.applied)
        lab.answers[ONE] = REFUSED
        while len(lab.probes_of(ONE)) < 2:
            lab.run(0.1)
        lab.answers[ONE] = UP
        lab.run(20)
        assert lab.ipvs.applied == before
        assert lab.servers()[ONE]["state"] == "up"

    def test_the_kernel_knows_in_the_turn_of_the_verdict(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, TcpCheck(retry=0)), real(TWO))))
        lab.answers[ONE] = REFUSED
        reads = lab.ipvs.reads
        while not lab.probes_of(ONE):
            lab.run(0.001)
        lab.poller.run_until(lab.probes_of(ONE)[0] + LATENCY)
        assert lab.ipvs.pool() == {TWO: 1}
        assert lab.ipvs.reads == reads, "no reading of the whole table between verdict and edit"

    def test_verdicts_of_one_turn_are_carried_out_together_and_each_once(self, lab: HealthLab) -> None:
        servers = [f"192.0.2.{number}" for number in range(100, 120)]
        lab.answers.update(dict.fromkeys(servers, REFUSED))
        lab.configure(web(real_servers=tuple(real(one, TcpCheck(retry=0)) for one in servers)))
        lab.run(1)
        removed = [edit.key.address for edit in lab.ipvs.applied if isinstance(edit, RemoveDestination)]
        assert sorted(removed) == servers
        assert lab.ipvs.pool() == {}

    def test_with_inhibit_on_failure_a_failed_server_stays_at_weight_0(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO, inhibit_on_failure=True))
        lab.run(5)
        assert lab.ipvs.pool() == {ONE: 0, TWO: 1}
        assert (lab.servers()[ONE]["in_pool"], lab.servers()[ONE]["effective_weight"]) == (True, 0)

    def test_a_server_without_a_check_is_always_in(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, None),)))
        lab.run(20)
        assert (lab.ipvs.pool(), lab.probes) == ({ONE: 1}, [])
        assert lab.servers()[ONE]["state"] == "unchecked"
        assert lab.servers()[ONE]["age"] is None

    def test_a_shortage_of_this_host_takes_nobody_out(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(1)
        lab.answers.update({ONE: SHORTAGE, TWO: SHORTAGE})
        lab.run(60)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}
        assert lab.servers()[ONE]["reason"] == (
            "HTTP 200; not checked since: this process has no file descriptors left"
        )
        assert lab.said(f"{ONE}:80 stays up") == [
            f"warning: virtual_server web: real_server {ONE}:80 stays up: it could not be checked, "
            "this process has no file descriptors left"
        ]


class TestTiming:
    def test_regular_probes_start_one_delay_loop_apart(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(60)
        starts = lab.probes_of(ONE)[1:]
        assert {later - earlier for earlier, later in zip(starts, starts[1:])} == {seconds(6)}

    def test_checks_are_spread_over_the_period(self, lab: HealthLab) -> None:
        servers = [f"10.0.{high}.{low}" for high in range(4) for low in range(250)]
        lab.configure(web(*servers, delay_loop=seconds(10)))
        lab.run(20)
        lab.probes.clear()
        lab.run(10)
        tenths = [0] * 10
        for instant, _address in lab.probes:
            tenths[instant // seconds(1) % 10] += 1
        assert sum(tenths) == 1000
        assert min(tenths) > 50, f"probes per second of the period: {tenths}"

    def test_never_more_than_the_allowed_number_at_once(self, lab: HealthLab) -> None:
        servers = [f"10.1.{high}.{low}" for high in range(4) for low in range(250)]
        lab.configure(web(*servers, delay_loop=seconds(0.001)))
        lab.run(0.01)
        starts = sorted(instant for instant, _address in lab.probes)
        assert starts, "nothing was probed"
        for index in range(400, len(starts)):
            assert starts[index] - starts[index - 400] >= LATENCY, "more than 400 probes within one latency"


class TestReload:
    def test_what_did_not_change_is_left_alone(self, lab: HealthLab) -> None:
        lab.answers[TWO] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(30)
        before, edits, due = lab.servers(), list(lab.ipvs.applied), lab.poller.pending
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.applied == edits
        assert lab.poller.pending == due, "a check was started anew"
        assert lab.servers() == before

    def test_a_new_weight_is_an_edit_in_place_and_keeps_state_and_check(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(10)
        edits, probes = len(lab.ipvs.applied), lab.probes_of(ONE)
        lab.configure(web(real_servers=(real(ONE, weight=5),)))
        assert lab.ipvs.applied[edits:] == [SetDestination(WEB, Destination(DestinationKey(ONE, 80), "NAT", 5))]
        lab.run(1)
        assert lab.servers()[ONE]["state"] == "up"
        assert lab.probes_of(ONE) == probes

    def test_a_changed_check_starts_at_once_and_the_state_stays_until_it_says_otherwise(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(10)
        lab.configure(web(real_servers=(real(ONE, replace(CHECK, path="/healthz")), real(TWO))))
        assert lab.servers()[ONE]["state"] == "down"
        del lab.answers[ONE]
        lab.run(0.1)
        assert lab.servers()[ONE]["state"] == "up"

    def test_a_removed_service_leaves_the_kernel_and_its_checks_end(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), web(TWO, name="other", port=81))
        lab.run(3)
        lab.configure(web(ONE))
        assert set(lab.ipvs.table) == {WEB}
        lab.probes.clear()
        lab.run(30)
        assert lab.probes_of(TWO) == []

    def test_a_removed_server_leaves_its_pool(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.configure(web(TWO))
        assert lab.ipvs.pool() == {TWO: 1}

    def test_the_last_service_removed_lets_the_engine_go(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.configure()
        assert (dict(lab.ipvs.table), lab.ipvs.is_open) == ({}, False)

    def test_another_data_plane_takes_over_and_the_old_one_is_left_clean(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(3)
        probes = len(lab.probes)
        lab.configure(web(ONE), data_plane="nftables")
        assert dict(lab.ipvs.table) == {}
        assert lab.nftables.pool() == {ONE: 1}
        assert len(lab.probes) == probes, "the check knows nothing of engines"
        assert lab.status()["data_plane"] == "nftables"


class TestAdoption:
    def test_a_restart_touches_nothing_that_is_right(self, lab: HealthLab) -> None:
        lab.answers[TWO] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(10)
        edits = list(lab.ipvs.applied)
        lab.worker = lab.new_worker()
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.applied == edits, "the failed server must not come back with the restart"
        assert lab.servers()[TWO]["reason"] == "was out of the pool when the daemon started, not checked yet"

    def test_a_server_that_was_out_comes_in_with_its_first_good_answer(self, lab: HealthLab) -> None:
        lab.ipvs.table = {WEB: hand_made(WEB, ONE)}
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.pool() == {ONE: 1}
        lab.run(1)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_a_pool_without_any_of_our_servers_tells_nothing_about_them(self, lab: HealthLab) -> None:
        lab.ipvs.table = {WEB: hand_made(WEB, "198.51.100.1")}
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_a_server_added_by_a_reload_is_trusted_as_at_a_fresh_start(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_foreign_services_live_through_start_reload_and_stop(self, lab: HealthLab) -> None:
        foreign = ServiceKey("TCP", "203.0.113.1", 443)
        lab.ipvs.table = {foreign: hand_made(foreign, "198.51.100.1")}
        lab.configure(web(ONE))
        lab.run(30)
        lab.configure(web(TWO))
        lab.worker.stop(lab.poller.now())
        assert set(lab.ipvs.table) == {foreign}
        assert lab.said("203.0.113.1") == []

    def test_a_service_that_left_and_was_added_again_by_hand_is_foreign_from_then_on(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), web(TWO, name="other", port=81))
        lab.configure(web(TWO, name="other", port=81))
        lab.ipvs.table = {**lab.ipvs.table, WEB: hand_made(WEB, ONE)}
        lab.run(30)
        lab.worker.stop(lab.poller.now())
        assert set(lab.ipvs.table) == {WEB}

    def test_in_the_nftables_engine_whatever_is_in_our_table_is_ours(self, lab: HealthLab) -> None:
        stale = ServiceKey("TCP", "203.0.113.1", 443)
        lab.nftables.table = {stale: hand_made(stale, "198.51.100.1")}
        lab.configure(web(ONE), data_plane="nftables")
        assert set(lab.nftables.table) == {WEB}


class TestDrift:
    def test_what_somebody_deletes_comes_back_and_is_reported_once(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(1)
        lab.ipvs.table = {}
        lab.run(30)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}
        assert lab.said("somebody else") == [
            "warning: virtual_server web: somebody else changed the kernel's table, repaired: the service was missing"
        ]
        assert lab.status()["virtual_servers"]["web"]["repairs"] == 1

    def test_a_changed_weight_and_a_stranger_are_named(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(1)
        lab.ipvs.table = {WEB: hand_made(WEB, ONE, "198.51.100.1", weight=9)}
        lab.run(as_seconds(CHECK_PERIOD))
        assert lab.ipvs.pool() == {ONE: 1}
        assert lab.said("somebody else") == [
            "warning: virtual_server web: somebody else changed the kernel's table, repaired: "
            f"real_server {ONE}:80 had another weight or lb_kind, "
            "real_server 198.51.100.1:80 does not belong there"
        ]

    def test_a_verdict_meets_a_table_that_changed_meanwhile(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, TcpCheck(retry=0)), real(TWO))))
        lab.ipvs.table = {}
        lab.answers[ONE] = REFUSED
        lab.run(0.1)
        assert lab.ipvs.pool() == {TWO: 1}, "the edit was refused, the table read, the right edits made"

    def test_our_own_edits_are_no_drift(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(60)
        assert lab.said("somebody else") == []


class TestRefusals:
    def test_a_refused_service_is_told_once_shown_in_the_status_and_tried_again(self, lab: HealthLab) -> None:
        reason = "scheduler mh is not in this kernel"
        lab.ipvs.refuse = lambda edit: reason if isinstance(edit, AddService) else ""
        lab.configure(web(ONE, lb_algo="mh"))
        lab.run(30)
        status = lab.status()["virtual_servers"]["web"]
        assert (status["installed"], status["refusals"]) == (False, [reason])
        assert lab.said("") == [
            f"error: virtual_server web: refused by the kernel: {reason}",
            f"info: virtual_server web: real_server {ONE}:80 is up: HTTP 200",
        ]
        lab.ipvs.refuse = lambda _edit: ""
        lab.run(as_seconds(CHECK_PERIOD))
        status = lab.status()["virtual_servers"]["web"]
        assert (status["installed"], status["refusals"]) == (True, [])

    def test_one_refused_server_does_not_hold_back_the_others(self, lab: HealthLab) -> None:
        def refuse(edit: object) -> str:
            refused = isinstance(edit, AddDestination) and edit.destination.key.address == ONE
            return "no route" if refused else ""

        lab.ipvs.refuse = refuse
        lab.configure(web(ONE, TWO), web(TWO, name="other", port=81))
        assert lab.ipvs.pool() == {TWO: 1}
        assert lab.status()["virtual_servers"]["other"]["refusals"] == []
        assert (lab.servers()[ONE]["in_pool"], lab.servers()[TWO]["in_pool"]) == (False, True)

    def test_an_edit_with_an_unfinished_rest_counts_and_the_rest_is_shown_until_it_is_done(
        self, lab: HealthLab
    ) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(1)
        lab.ipvs.unfinished = "done, but its flows live on"
        lab.answers[ONE] = REFUSED
        lab.run(30)
        assert lab.servers()[ONE]["in_pool"] is False
        assert lab.status()["virtual_servers"]["web"]["refusals"] == ["done, but its flows live on"]
        assert lab.said("flows") == ["error: virtual_server web: done, but its flows live on"]
        assert lab.said("somebody else") == []
        lab.ipvs.unfinished = ""
        lab.run(as_seconds(CHECK_PERIOD))
        assert lab.status()["virtual_servers"]["web"]["refusals"] == []

    def test_the_unfinished_rest_of_a_removed_service_is_tried_again_too(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), web(TWO, name="other", port=81))
        lab.ipvs.unfinished = "done, but its flows live on"
        lab.configure(web(ONE))
        assert lab.said("flows") == ["error: virtual_server other: done, but its flows live on"]
        lab.ipvs.unfinished = ""
        lab.run(as_seconds(CHECK_PERIOD))
        assert lab.ipvs.left == []


class TestMissingEngine:
    def test_one_clear_error_and_a_new_attempt_every_ten_seconds(self, lab: HealthLab) -> None:
        lab.ipvs.missing = "this kernel has no ip_vs: load it"
        lab.configure(web(ONE))
        lab.run(25)
        assert lab.status()["error"] == "this kernel has no ip_vs: load it"
        assert lab.status()["virtual_servers"]["web"]["installed"] is False
        assert lab.said("not available") == [
            "error: mainstayd: data_plane ipvs is not available: this kernel has no ip_vs: load it"
        ]
        lab.ipvs.missing = ""
        lab.run(as_seconds(REOPEN_PERIOD))
        assert lab.ipvs.pool() == {ONE: 1}
        assert lab.status()["error"] is None
        assert lab.said("available now") == ["info: mainstayd: data_plane ipvs is available now"]

    def test_checks_go_on_meanwhile_and_their_result_counts_when_it_is_back(self, lab: HealthLab) -> None:
        lab.ipvs.missing = "this kernel has no ip_vs"
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(9)
        assert lab.servers()[ONE]["state"] == "down"
        lab.ipvs.missing = ""
        lab.run(2)
        assert lab.ipvs.pool() == {TWO: 1}

    def test_an_engine_that_vanishes_in_operation_comes_back(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(1)
        lab.ipvs.missing, lab.ipvs.table = "ip_vs was unloaded", {}
        lab.run(6)
        assert lab.status()["error"] == "ip_vs was unloaded"
        assert lab.said("somebody else") == [], "an engine that is gone is not somebody's edit"
        lab.ipvs.missing = ""
        lab.run(10)
        assert lab.ipvs.pool() == {ONE: 1}

    def test_without_services_no_engine_is_needed(self, lab: HealthLab) -> None:
        lab.ipvs.missing = "this kernel has no ip_vs"
        lab.configure()
        lab.run(30)
        assert (lab.status()["error"], lab.lines) == (None, [])

    def test_stop_without_an_engine_is_quiet(self, lab: HealthLab) -> None:
        lab.ipvs.missing = "this kernel has no ip_vs"
        lab.configure(web(ONE))
        lab.worker.stop(lab.poller.now())
        lab.run(30)
        assert (lab.poller.pending, len(lab.lines)) == ([], 1)


class TestStop:
    def test_leaves_nothing_of_ours_and_nothing_pending(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(10)
        lab.worker.stop(lab.poller.now())
        assert dict(lab.ipvs.table) == {}
        assert (lab.poller.pending, lab.ipvs.is_open) == ([], False)


class TestWords:
    def test_the_journal_tells_every_change_with_reason_and_tries(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE))
        lab.run(5)
        lab.answers[ONE] = UP
        lab.run(10)
        assert lab.said("") == [
            f"warning: virtual_server web: real_server {ONE}:80 is down: connection refused (2 of 2 tries)",
            "error: virtual_server web: every real_server is down, connections fail until one is up",
            f"info: virtual_server web: real_server {ONE}:80 is up: HTTP 200",
        ]

    def test_the_status_says_what_the_contract_promises(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(3)
        status = lab.status()
        assert set(status) == {"alive", "pid", "as_of", "data_plane", "error", "virtual_servers"}
        service = status["virtual_servers"]["web"]
        (server,) = service.pop("real_servers")
        assert service == {
            "address": "192.0.2.10",
            "port": 80,
            "protocol": "TCP",
            "lb_algo": "wlc",
            "lb_kind": "NAT",
            "installed": True,
            "refusals": [],
            "repairs": 0,
        }
        assert 0 <= server.pop("age") <= 6
        assert datetime.datetime.fromisoformat(server.pop("since")).tzinfo is not None
        assert server == {
            "address": ONE,
            "port": 80,
            "weight": 1,
            "effective_weight": 1,
            "in_pool": True,
            "state": "up",
            "reason": "HTTP 200",
            "active_connections": 3,
            "inactive_connections": 7,
        }

    def test_since_does_not_move_between_two_answers(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(3)
        first = lab.servers()[ONE]["since"]
        lab.run(100)
        assert lab.servers()[ONE]["since"] == first

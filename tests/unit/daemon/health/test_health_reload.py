# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reload and a restart of the health worker change, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainstay.lvs.operations import SetDestination
from mainstay.lvs.table import Destination, DestinationKey, ServiceKey
from mainstay.model.units import seconds

from .health_lab import CHECK, ONE, REFUSED, TWO, WEB, HealthLab, hand_made, real, web


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


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
        lab.run(8)
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

    def test_a_removed_server_leaves_its_pool_at_once_where_draining_is_turned_off(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO, drain_timeout=0))
        lab.configure(web(TWO, drain_timeout=0))
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
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1, "198.51.100.1": 0}
        lab.ipvs.connections["198.51.100.1"] = (0, 0)
        lab.run(2)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_a_pool_that_failed_as_a_whole_stays_out_for_a_worker_that_is_told_so(self, lab: HealthLab) -> None:
        """Given a pool that is empty because its servers failed; when the worker dies; then its successor, told who was
        down, puts nobody back on trust and has nothing to tell, until a server is back.
        """
        lab.answers.update({ONE: REFUSED, TWO: REFUSED})
        lab.configure(web(ONE, TWO))
        lab.run(10)
        assert lab.ipvs.pool() == {}
        lab.worker_dies()
        lab.sayings.clear()
        lab.tell("was_down", servers={f"web {ONE}:80": "connection refused", f"web {TWO}:80": "connection refused"})
        lab.configure(web(ONE, TWO))
        lab.run(10)
        assert lab.ipvs.pool() == {}
        assert lab.happenings() == []
        del lab.answers[ONE]
        lab.run(10)
        assert lab.ipvs.pool() == {ONE: 1}
        assert lab.happenings() == [(f"web {ONE}:80", "UP"), ("web", "UP")]

    def test_who_was_down_counts_for_the_first_configuration_alone(self, lab: HealthLab) -> None:
        lab.tell("was_down", servers={f"web {TWO}:80": "connection refused"})
        lab.configure(web(ONE))
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_a_server_that_was_warming_goes_on_from_its_weight(self, lab: HealthLab) -> None:
        slow = web(ONE, TWO, weight=100, slow_start=seconds(100))
        lab.configure(slow)
        lab.answers[TWO] = REFUSED
        lab.run(10)
        del lab.answers[TWO]
        lab.run(56)
        stood = lab.ipvs.pool()[TWO]
        assert 10 < stood < 90
        lab.worker_dies()
        lab.configure(slow)
        assert (lab.ipvs.pool(), lab.servers()[TWO]["state"]) == ({ONE: 100, TWO: stood}, "warming")
        lab.run(40)
        assert stood < lab.ipvs.pool()[TWO] < 100
        lab.run(60)
        assert (lab.ipvs.pool(), lab.servers()[TWO]["state"]) == ({ONE: 100, TWO: 100}, "up")

    def test_without_slow_start_a_found_weight_is_set_right_at_once(self, lab: HealthLab) -> None:
        lab.ipvs.table = {WEB: hand_made(WEB, ONE, TWO, weight=40)}
        lab.configure(web(ONE, TWO, weight=100))
        assert lab.ipvs.pool() == {ONE: 100, TWO: 100}

    def test_an_ordered_weight_is_no_warming(self, lab: HealthLab) -> None:
        slow = web(ONE, TWO, weight=100, slow_start=seconds(100))
        lab.configure(slow)
        lab.order({"server": f"{TWO}:80", "action": "weight", "weight": 40})
        lab.worker_dies()
        lab.order({"server": f"{TWO}:80", "action": "weight", "weight": 40})
        lab.configure(slow)
        lab.order()
        lab.run(1)
        assert lab.ipvs.pool() == {ONE: 100, TWO: 100}

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

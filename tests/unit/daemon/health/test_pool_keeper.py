# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kernel that drifts, refuses, fails or is not there, as the health worker takes it."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.health import pool_keeper
from mainstay.daemon.health.engines import FIRST_PAUSE, LONGEST_PAUSE
from mainstay.daemon.health.pool_keeper import CHECK_PERIOD, PoolKeeper
from mainstay.lvs.operations import AddDestination, AddService, Operation
from mainstay.lvs.reconcile import operations
from mainstay.lvs.table import ServiceKey, Table
from mainstay.model.config import TcpCheck
from mainstay.model.lvs_config import GroupEntry, VirtualServerGroup
from mainstay.model.units import as_seconds, seconds

from .health_lab import ONE, REFUSED, TWO, WEB, HealthLab, hand_made, real, web


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


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

    def test_a_group_whose_entries_all_have_the_same_trouble_is_one_line(self, lab: HealthLab) -> None:
        entries = VirtualServerGroup("g", (GroupEntry("192.0.2.10", "192.0.2.99", 80),))
        lab.ipvs.refuse = lambda edit: "no scheduler" if isinstance(edit, AddService) else ""
        lab.configure(web(ONE, address=None, port=None, virtual_server_group="g"), groups=[entries])
        lab.run(1)
        assert lab.said("no scheduler") == ["error: virtual_server web: refused by the kernel: no scheduler (90 times)"]
        lab.ipvs.refuse = lambda _edit: ""
        lab.run(as_seconds(CHECK_PERIOD))
        lab.ipvs.table = {}
        lab.run(as_seconds(CHECK_PERIOD))
        assert lab.said("somebody else") == [
            "warning: virtual_server web: somebody else changed the kernel's table, repaired: the service was missing "
            "(90 times)"
        ]

    def test_a_changed_weight_and_a_stranger_are_named(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(1)
        lab.ipvs.table = {WEB: hand_made(WEB, ONE, "198.51.100.1", weight=9)}
        lab.run(as_seconds(CHECK_PERIOD))
        assert lab.ipvs.pool() == {ONE: 1}
        assert lab.said("somebody else") == [
            "warning: virtual_server web: somebody else changed the kernel's table, repaired: "
            f"real_server {ONE}:80 had weight 9 instead of 1, "
            "real_server 198.51.100.1:80 does not belong there"
        ]

    def test_a_verdict_meets_a_table_that_changed_meanwhile(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, TcpCheck(retry=0)), real(TWO))))
        lab.ipvs.table = {}
        lab.answers[ONE] = REFUSED
        lab.run(0.1)
        assert lab.ipvs.pool() == {TWO: 1}, "the edit was refused, the table read, the right edits made"

    def test_repairs_are_counted_for_what_is_configured_only(self, lab: HealthLab) -> None:
        """Whoever puts service after service into our table must not fill our memory."""
        other = web(TWO, name="other", port=81)
        lab.configure(web(ONE), other, data_plane="nftables")
        for number in range(100):
            stranger = ServiceKey("TCP", "203.0.113.1", 1000 + number)
            lab.nftables.table = {stranger: hand_made(stranger, "198.51.100.1")}
            lab.run(as_seconds(CHECK_PERIOD))
        assert lab.status()["virtual_servers"]["other"]["repairs"] == 100
        keeper = lab.worker._pools
        assert len(keeper._repairs) == 2
        lab.configure(web(ONE), data_plane="nftables")
        lab.configure(web(ONE), other, data_plane="nftables")
        assert lab.status()["virtual_servers"]["other"]["repairs"] == 0

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
            "info: virtual_server web: every real_server has been checked: 1 of 1 are up",
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
        lab.run(0)
        assert f"error: virtual_server TCP {WEB.address}:81: done, but its flows live on" in lab.said("flows")
        lab.ipvs.unfinished = ""
        lab.run(as_seconds(CHECK_PERIOD))
        assert lab.ipvs.left == set()

    def test_what_all_verdicts_of_a_moment_leave_to_be_done_is_one_go_after_the_edits(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO), web(ONE, TWO, name="other", port=81))
        lab.run(1)
        lab.ipvs.finished.clear()
        lab.answers[ONE] = REFUSED
        lab.run(30)
        assert lab.ipvs.finished == [{WEB, ServiceKey("TCP", WEB.address, 81)}]

    def test_nothing_is_left_undone_by_a_worker_that_stops(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.worker.stop(lab.poller.now())
        assert (lab.ipvs.table, lab.ipvs.left, lab.ipvs.is_open) == ({}, set(), False)
        assert lab.poller.pending == []

    def test_nor_in_the_engine_that_another_one_replaces(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO), data_plane="nftables")
        lab.configure(web(ONE, TWO), data_plane="ipvs")
        assert (lab.nftables.table, lab.nftables.left, lab.nftables.is_open) == ({}, set(), False)

    def test_what_a_replaced_engine_does_not_let_be_finished_is_told(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO), data_plane="nftables")
        lab.nftables.unfinished = "done, but its flows live on"
        lab.configure(web(ONE, TWO), data_plane="ipvs")
        assert "error: mainstayd: data_plane nftables: done, but its flows live on" in lab.said("flows")
        assert not lab.nftables.is_open


class TestMissingEngine:
    def test_one_clear_error_and_attempts_ever_more_seldom_down_to_every_ten_seconds(self, lab: HealthLab) -> None:
        lab.ipvs.missing = "this kernel has no ip_vs: load it"
        lab.configure(web(ONE))
        lab.run(35)
        pauses = [as_seconds(later - earlier) for earlier, later in zip(lab.opened, lab.opened[1:])]
        assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]
        assert lab.status()["error"] == "this kernel has no ip_vs: load it; tried again in 10 s"
        assert lab.status()["virtual_servers"]["web"]["installed"] is False
        assert lab.said("not available") == [
            "error: mainstayd: data_plane ipvs is not available: this kernel has no ip_vs: load it"
        ]
        lab.ipvs.missing = ""
        lab.run(as_seconds(LONGEST_PAUSE))
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
        lab.run(as_seconds(LONGEST_PAUSE))
        assert lab.ipvs.pool() == {TWO: 1}

    def test_an_engine_that_vanishes_in_operation_comes_back(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(1)
        lab.ipvs.missing, lab.ipvs.table = "ip_vs was unloaded", {}
        lab.run(6)
        assert lab.status()["error"].startswith("ip_vs was unloaded; tried again in ")
        assert lab.said("somebody else") == [], "an engine that is gone is not somebody's edit"
        lab.ipvs.missing = ""
        lab.run(10)
        assert lab.ipvs.pool() == {ONE: 1}

    def test_a_failure_that_passes_costs_a_tenth_of_a_second_of_verdicts(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, TcpCheck(retry=0)), real(TWO)), delay_loop=seconds(1)))
        lab.run(1)
        lab.answers[ONE], lab.ipvs.missing = REFUSED, "ip_vs does not answer: No buffer space available"
        while not lab.said(f"{ONE}:80 is down"):
            lab.run(0.001)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}
        assert lab.status()["error"] == "ip_vs does not answer: No buffer space available; tried again in 0.1 s"
        lab.ipvs.missing = ""
        lab.poller.run_for(FIRST_PAUSE)
        assert lab.ipvs.pool() == {TWO: 1}
        assert lab.status()["error"] is None
        assert [line for line in lab.said("data_plane") if "info" in line] == [
            "info: mainstayd: data_plane ipvs is available now"
        ]

    def test_an_engine_that_opens_and_fails_again_is_not_opened_ten_times_a_second(self, lab: HealthLab) -> None:
        lab.ipvs.unreadable = "ip_vs does not answer: no answer from the kernel in time"
        lab.configure(web(ONE))
        lab.run(60)
        assert len(lab.opened) < 15
        assert len(lab.said("data_plane")) == 1, "it was never available"

    def test_after_a_while_of_work_the_next_loss_is_a_new_one(self, lab: HealthLab) -> None:
        lab.ipvs.missing = "ip_vs does not answer"
        lab.configure(web(ONE))
        lab.run(30)
        lab.ipvs.missing = ""
        lab.run(30)
        lab.ipvs.missing = "ip_vs does not answer"
        attempts = len(lab.opened)
        lab.poller.run_for(CHECK_PERIOD + FIRST_PAUSE)
        assert len(lab.opened) > attempts

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


def test_an_edit_looks_at_the_service_that_changed_and_at_no_other(
    lab: HealthLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a thousand services the way from the verdict to the kernel is as short as with one."""
    others = [web(f"192.0.3.{number}", name=f"s{number}", port=number + 1000) for number in range(20)]
    lab.configure(web(ONE, TWO), *others)
    lab.run(10)
    looked_at: list[set[ServiceKey]] = []

    def compared(current: Table, desired: Table, keys: t.Collection[ServiceKey]) -> list[Operation]:
        looked_at.append({*current, *desired, *keys})
        return operations(current, desired, keys)

    monkeypatch.setattr(pool_keeper, "CHECK_PERIOD", seconds(3600))
    lab.run(6)
    monkeypatch.setattr(pool_keeper, "operations", compared)
    monkeypatch.setattr(PoolKeeper, "_ours", lambda *_asked: pytest.fail("all services were asked for"))
    reads, lab.answers[TWO] = lab.ipvs.reads, REFUSED
    lab.run(15)
    assert lab.ipvs.pool() == {ONE: 1}
    assert looked_at == [{WEB}]
    assert lab.ipvs.reads == reads

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reload asks for another data plane: one that is there, one that comes later, one that never comes."""

from __future__ import annotations

import pytest

from mainstay.daemon.health.engines import LONGEST_PAUSE
from mainstay.lvs.table import ServiceKey
from mainstay.model.units import as_seconds

from .health_lab import ONE, REFUSED, TWO, HealthLab, hand_made, web


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


class TestChangeOfEngine:
    """nftables -> ipvs on a kernel without ip_vs, and what becomes of it."""

    def test_an_engine_that_is_not_there_takes_nothing_from_the_one_that_serves(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO), data_plane="nftables")
        lab.ipvs.missing = "this kernel has no ip_vs: load it"
        lab.configure(web(ONE, TWO), data_plane="ipvs")
        assert lab.nftables.pool() == {ONE: 1, TWO: 1}
        lab.answers[ONE] = REFUSED
        lab.run(30)
        assert lab.nftables.pool() == {TWO: 1}, "the one that serves still follows the checks"
        assert lab.status()["error"] == (
            "this kernel has no ip_vs: load it; nftables serves on until then, tried again in 10 s"
        )
        assert lab.said("not available") == [
            "error: mainstayd: data_plane ipvs is not available, nftables serves on: this kernel has no ip_vs: load it"
        ]

    def test_it_takes_over_when_it_comes_and_the_old_one_is_left_clean(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO), data_plane="nftables")
        lab.ipvs.missing = "this kernel has no ip_vs: load it"
        lab.configure(web(ONE, TWO), data_plane="ipvs")
        lab.run(1)
        lab.ipvs.missing = ""
        lab.run(as_seconds(LONGEST_PAUSE))
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}
        assert (dict(lab.nftables.table), lab.nftables.is_open) == ({}, False)
        assert lab.status()["error"] is None
        assert lab.said("takes over") == ["info: mainstayd: data_plane ipvs is available now and takes over"]

    def test_the_successor_of_a_dead_worker_goes_on_with_the_one_that_serves(self, lab: HealthLab) -> None:
        """It is told which one that is. One that nobody told of it would serve nobody, and leave the table behind."""
        lab.configure(web(ONE, TWO), data_plane="nftables")
        lab.ipvs.missing = "this kernel has no ip_vs: load it"
        lab.configure(web(ONE, TWO), data_plane="ipvs")
        lab.worker = lab.new_worker()
        lab.tell("served_by", engine="nftables")
        lab.configure(web(ONE, TWO), data_plane="ipvs")
        lab.answers[ONE] = REFUSED
        lab.run(30)
        assert lab.nftables.pool() == {TWO: 1}
        assert lab.status()["serving"] == "nftables"
        assert lab.worker.ask("data_plane", {}, 0)["serving"] == "nftables"

        lab.ipvs.missing = ""
        lab.run(as_seconds(LONGEST_PAUSE))
        assert (lab.ipvs.pool(), dict(lab.nftables.table)) == ({TWO: 1}, {})

    def test_a_successor_finds_the_configured_one_and_leaves_the_other_clean(self, lab: HealthLab) -> None:
        """ip_vs, where only what is ours may be taken, and which the new worker never had services in itself."""
        foreign = ServiceKey("TCP", "203.0.113.1", 443)
        lab.ipvs.table = {foreign: hand_made(foreign, "198.51.100.1")}
        lab.configure(web(ONE))
        lab.worker = lab.new_worker()
        lab.tell("served_by", engine="ipvs")
        lab.configure(web(ONE), data_plane="nftables")
        assert lab.nftables.pool() == {ONE: 1}
        assert set(lab.ipvs.table) == {foreign}

    def test_the_new_one_is_full_before_the_old_one_is_emptied(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), data_plane="nftables")
        standing: list[int] = []
        lab.ipvs.refuse = lambda _edit: standing.append(len(lab.nftables.table)) or ""  # type: ignore[func-returns-value]
        lab.configure(web(ONE), data_plane="ipvs")
        assert set(standing) == {1}
        assert dict(lab.nftables.table) == {}

    def test_who_changes_his_mind_stays_where_he_was(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), data_plane="nftables")
        lab.ipvs.missing = "this kernel has no ip_vs"
        lab.configure(web(ONE), data_plane="ipvs")
        lab.configure(web(ONE), data_plane="nftables")
        lab.ipvs.missing = ""
        lab.run(30)
        assert lab.nftables.pool() == {ONE: 1}
        assert dict(lab.ipvs.table) == {}
        assert lab.status()["error"] is None

    def test_what_strangers_have_in_ip_vs_stays_when_we_leave_it(self, lab: HealthLab) -> None:
        foreign = ServiceKey("TCP", "203.0.113.1", 443)
        lab.ipvs.table = {foreign: hand_made(foreign, "198.51.100.1")}
        lab.configure(web(ONE))
        lab.configure(web(ONE), data_plane="nftables")
        assert set(lab.ipvs.table) == {foreign}

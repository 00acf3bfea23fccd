# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the decisions on a pool do to the kernel, and who hears of them."""

from __future__ import annotations

import pytest

from mainstay.lvs.table import ServiceKey
from mainstay.model.lvs_config import GroupEntry, SorryServer, VirtualServerGroup
from mainstay.model.units import seconds

from .health_lab import ONE, REFUSED, TWO, UP, WEB, HealthLab, hand_made, real, unchecked, web

SORRY = "192.0.2.30"


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


class TestQuorum:
    def test_below_it_the_sorry_server_replaces_the_pool_and_above_it_goes(self, lab: HealthLab) -> None:
        service = web(ONE, TWO, quorum=2, sorry_server=SorryServer(SORRY, 80))
        lab.configure(service)
        lab.run(2)
        lab.answers[ONE] = REFUSED
        lab.run(10)
        assert lab.ipvs.pool() == {SORRY: 1}
        assert lab.happenings("VS") == [("web", "UP"), ("web", "DOWN")]
        assert lab.said("the sorry server 192.0.2.30:80 takes the connections")
        del lab.answers[ONE]
        lab.run(10)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}
        assert lab.happenings("VS")[2:] == [("web", "UP")]

    def test_with_enough_left_nothing_of_the_kind_happens(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO, quorum=1, sorry_server=SorryServer(SORRY, 80)))
        lab.answers[ONE] = REFUSED
        lab.run(20)
        assert (lab.ipvs.pool(), lab.happenings("VS")) == ({TWO: 1}, [("web", "UP")])

    def test_a_backup_server_comes_before_the_sorry_server(self, lab: HealthLab) -> None:
        servers = (real(ONE), real(TWO, backup=True))
        lab.configure(web(real_servers=servers, sorry_server=SorryServer(SORRY, 80)))
        lab.run(2)
        assert lab.ipvs.pool() == {ONE: 1}
        lab.answers[ONE] = REFUSED
        lab.run(10)
        assert lab.ipvs.pool() == {TWO: 1}
        assert lab.status()["virtual_servers"]["web"]["backup_in"]
        lab.answers[TWO] = REFUSED
        lab.run(10)
        assert lab.ipvs.pool() == {SORRY: 1}

    def test_the_floor_holds_and_says_so(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO, pool_floor=50))
        lab.answers.update({ONE: REFUSED, TWO: REFUSED})
        lab.run(20)
        assert sum(lab.ipvs.pool().values()) == 1, "half of the pool stays in service"
        (held,) = lab.status()["virtual_servers"]["web"]["floor_holds"]
        assert lab.said(f"error: virtual_server web: pool_floor keeps servers in service whose checks failed: {held}")
        lab.answers.clear()
        lab.run(20)
        assert lab.said("pool_floor keeps nobody in service any more")


class TestAlpha:
    def test_with_alpha_a_server_waits_outside_until_it_has_passed(self, lab: HealthLab) -> None:
        lab.answers[TWO] = REFUSED
        lab.configure(web(ONE, TWO, alpha=True))
        assert lab.ipvs.pool() == {}
        lab.run(7)
        assert lab.ipvs.pool() == {ONE: 1}
        assert lab.happenings() == [(f"web {ONE}:80", "UP"), ("web", "UP")]

    def test_a_restart_with_alpha_empties_no_pool(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO, alpha=True))
        lab.run(7)
        lab.worker = lab.new_worker()
        edits = list(lab.ipvs.applied)
        lab.configure(web(ONE, TWO, alpha=True))
        assert lab.ipvs.applied == edits

    def test_a_reload_that_brings_alpha_empties_no_pool(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(7)
        lab.configure(web(ONE, TWO, alpha=True))
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}


class TestSlowStartAndDamping:
    def test_a_server_that_comes_back_gets_its_weight_step_by_step(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, weight=100), real(TWO, weight=100)), slow_start=seconds(10)))
        lab.run(2)
        assert lab.ipvs.pool()[ONE] == 100, "at the start nobody warms up"
        lab.answers[ONE] = REFUSED
        lab.run(10)
        del lab.answers[ONE]
        seen = []
        for _tenth in range(200):
            lab.run(0.1)
            seen += [lab.ipvs.pool()[ONE]] if ONE in lab.ipvs.pool() else []
        assert seen[-1] == 100
        assert seen[0] == 10
        assert seen == sorted(seen)
        assert len(set(seen)) > 10
        assert lab.ipvs.pool()[TWO] == 100
        assert lab.servers()[ONE]["state"] == "up"

    @pytest.mark.fault("F62")
    def test_a_server_that_flaps_is_kept_out_for_a_while_and_comes_back_by_itself(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO, flap_damping=seconds(60), delay_loop=seconds(1)))
        for _time in range(3):
            lab.answers[ONE] = REFUSED
            lab.run(4)
            lab.answers[ONE] = UP
            lab.run(4)
        assert lab.servers()[ONE]["state"] == "damped"
        assert ONE not in lab.ipvs.pool()
        lab.run(300)
        assert lab.servers()[ONE]["state"] == "up"
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}


class TestOrders:
    @pytest.mark.parametrize(
        ("action", "weight", "pool", "state"),
        [
            ("drain", None, {ONE: 0, TWO: 1}, "draining"),
            ("maintenance", None, {TWO: 1}, "maintenance"),
            ("weight", 7, {ONE: 7, TWO: 1}, "up"),
            ("force", None, {ONE: 1, TWO: 1}, "forced"),
        ],
    )
    def test_an_order_is_carried_out_at_once_and_shown_with_who_gave_it(
        self, lab: HealthLab, action: str, weight: int | None, pool: dict[str, int], state: str
    ) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(7)
        lab.order({"server": f"{ONE}:80", "action": action, "weight": weight})
        lab.run(0)
        assert lab.ipvs.pool() == pool
        server = lab.servers()[ONE]
        assert (server["state"], server["override"]["by"], server["override"]["action"]) == (state, "anna", action)
        assert lab.happenings("RS") == [], "an operator's order is no failure"
        lab.order()
        lab.run(0)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_a_forced_server_stays_in_whatever_its_checks_say(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(10)
        lab.order({"server": f"{ONE}:80", "action": "force"})
        lab.run(20)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_orders_told_before_the_configuration_count_from_the_first_moment(self, lab: HealthLab) -> None:
        lab.order({"server": f"{ONE}:80", "action": "maintenance"})
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.pool() == {TWO: 1}

    def test_an_order_outlives_a_reload_and_waits_for_a_server_that_is_not_there(self, lab: HealthLab) -> None:
        lab.configure(web(TWO))
        lab.order({"server": f"{ONE}:80", "action": "drain"}, {"server": "x", "service": "none", "action": "drain"})
        lab.configure(web(ONE, TWO))
        assert lab.ipvs.pool() == {ONE: 0, TWO: 1}

    def test_a_drained_server_is_not_taken_for_a_failed_one_after_a_restart(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.order({"server": f"{ONE}:80", "action": "drain"})
        lab.run(1)
        lab.worker = lab.new_worker()
        edits = list(lab.ipvs.applied)
        lab.order({"server": f"{ONE}:80", "action": "drain"})
        lab.configure(web(ONE, TWO))
        lab.run(20)
        assert lab.ipvs.applied == edits, "its connections would be gone"

    def test_who_was_out_by_order_is_trusted_when_the_order_ends_after_a_restart(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.order({"server": f"{ONE}:80", "action": "maintenance"})
        lab.run(1)
        lab.worker = lab.new_worker()
        lab.order({"server": f"{ONE}:80", "action": "maintenance"})
        lab.configure(web(ONE, TWO))
        lab.order()
        lab.run(0)
        assert lab.ipvs.pool() == {ONE: 1, TWO: 1}

    def test_connections_that_cannot_be_counted_are_unknown_and_said_to_be(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.order({"server": f"{ONE}:80", "action": "drain"})
        lab.ipvs.uncounted = "too many flows"
        lab.run(1)
        status = lab.status()
        (server,) = status["virtual_servers"]["web"]["real_servers"]
        assert (server["active_connections"], server["in_pool"], status["uncounted"]) == (None, True, "too many flows")
        lab.ipvs.uncounted = ""
        status = lab.status()
        (server,) = status["virtual_servers"]["web"]["real_servers"]
        assert (server["active_connections"], status["uncounted"]) == (3, "")

    def test_the_same_orders_again_change_nothing(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), web(name="other", port=81, real_servers=(unchecked(TWO),)))
        lab.order({"server": f"{ONE}:80", "action": "drain"})
        lab.run(5)
        said = len(lab.lines)
        lab.order({"server": f"{ONE}:80", "action": "drain"})
        lab.run(0)
        assert len(lab.lines) == said


class TestSuspension:
    def test_no_probes_while_the_address_is_elsewhere_and_the_state_stays(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO, ha_suspend=True))
        lab.answers[ONE] = REFUSED
        lab.run(10)
        lab.addresses.become(set(), lab.poller.now())
        before = len(lab.probes)
        del lab.answers[ONE]
        lab.run(60)
        assert len(lab.probes) == before
        assert lab.servers()[ONE]["state"] == "down"
        assert lab.status()["virtual_servers"]["web"]["suspended"]
        lab.addresses.become({WEB.address}, lab.poller.now())
        lab.run(7)
        assert lab.servers()[ONE]["state"] == "up"

    def test_a_service_that_a_reload_brings_rests_too(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, ha_suspend=True))
        lab.configure(web(ONE, ha_suspend=True), web(TWO, name="other", address="192.0.2.11", ha_suspend=True))
        lab.addresses.become({WEB.address}, lab.poller.now())
        lab.run(20)
        assert (bool(lab.probes_of(ONE)), lab.probes_of(TWO)) == (True, [])
        lab.addresses.become({WEB.address, "192.0.2.11"}, lab.poller.now())
        lab.run(20)
        assert lab.probes_of(TWO)

    def test_without_the_word_addresses_do_not_matter_and_are_not_watched(self, lab: HealthLab) -> None:
        lab.addresses.held = set()
        lab.configure(web(ONE))
        lab.run(7)
        assert lab.probes
        assert not lab.addresses.is_open

    def test_a_check_that_another_service_follows_goes_on(self, lab: HealthLab) -> None:
        lab.addresses.held = set()
        lab.configure(web(ONE, ha_suspend=True), web(ONE, name="other", port=81))
        lab.run(7)
        assert lab.probes_of(ONE)


class TestEnd:
    def test_with_omega_whoever_was_told_of_the_coming_is_told_of_the_end_before_the_table_goes(
        self, lab: HealthLab
    ) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO, omega=True))
        lab.run(10)
        before = len(lab.happenings())
        lab.worker.stop(lab.poller.now())
        assert lab.happenings()[before:] == [(f"web {TWO}:80", "STOP"), ("web", "STOP")]
        assert dict(lab.ipvs.table) == {}

    def test_with_omega_a_server_that_leaves_the_configuration_is_told_too(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO, omega=True))
        lab.run(10)
        lab.configure(web(TWO, omega=True))
        assert lab.happenings("RS") == [(f"web {ONE}:80", "STOP")]

    def test_without_omega_the_end_is_silent(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(10)
        before = lab.happenings()
        lab.worker.stop(lab.poller.now())
        assert lab.happenings() == before

    def test_what_others_have_stays_unless_all_is_said(self, lab: HealthLab) -> None:
        foreign = ServiceKey("TCP", "203.0.113.1", 443)
        lab.ipvs.table = {foreign: hand_made(foreign, "198.51.100.1")}
        lab.configure(web(ONE), lvs_flush_on_stop="all")
        lab.run(10)
        assert foreign in lab.ipvs.table
        lab.worker.stop(lab.poller.now())
        assert dict(lab.ipvs.table) == {}


class TestStart:
    def test_lvs_flush_takes_what_others_have_and_leaves_ours_untouched(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(3)
        foreign = ServiceKey("TCP", "203.0.113.1", 443)
        lab.ipvs.table = {**lab.ipvs.table, foreign: hand_made(foreign, "198.51.100.1")}
        ours = lab.ipvs.table[WEB]
        lab.worker = lab.new_worker()
        lab.configure(web(ONE), lvs_flush=True)
        assert dict(lab.ipvs.table) == {WEB: ours}

    def test_a_pool_that_was_down_stays_with_the_sorry_server_over_a_restart(self, lab: HealthLab) -> None:
        lab.answers.update({ONE: REFUSED, TWO: REFUSED})
        service = web(ONE, TWO, sorry_server=SorryServer(SORRY, 80))
        lab.configure(service)
        lab.run(10)
        assert lab.ipvs.pool() == {SORRY: 1}
        edits = list(lab.ipvs.applied)
        lab.worker = lab.new_worker()
        lab.configure(service)
        lab.run(10)
        assert lab.ipvs.applied == edits

    def test_a_backup_server_that_was_not_needed_is_not_taken_for_a_failed_one(self, lab: HealthLab) -> None:
        service = web(real_servers=(real(ONE), real(TWO, backup=True)))
        lab.configure(service)
        lab.run(10)
        lab.worker = lab.new_worker()
        lab.configure(service)
        assert lab.servers()[TWO]["state"] == "backup"

    def test_a_group_is_many_services_with_one_pool(self, lab: HealthLab) -> None:
        group = VirtualServerGroup("g", (GroupEntry("192.0.2.10", "192.0.2.12", 80), GroupEntry(fwmark=5)))
        service = web(ONE, TWO, address=None, port=None, virtual_server_group="g")
        lab.configure(service, groups=[group])
        lab.answers[ONE] = REFUSED
        lab.run(10)
        assert len(lab.ipvs.table) == 4
        assert [lab.ipvs.pool(key) for key in lab.ipvs.table] == [{TWO: 1}] * 4
        assert lab.status()["checks"] == {"configured": 2, "running": 2}

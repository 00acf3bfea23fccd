# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health worker from verdict to kernel table, told as an operator would tell it."""

from __future__ import annotations

import datetime
from collections import Counter

import pytest

from mainstay.daemon.health.check_phase import STEP
from mainstay.lvs.operations import RemoveDestination
from mainstay.model.check_config import TcpCheck
from mainstay.model.units import Instant, seconds

from .health_lab import CHECK, LATENCY, ONE, REFUSED, SHORTAGE, TWO, UP, HealthLab, real, unchecked, web


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


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
        lab.configure(web(real_servers=(unchecked(ONE),)))
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


def starts_in_a_period(lab: HealthLab, period: float) -> list[Instant]:
    """When the regular probes of a thousand servers start."""
    servers = [f"10.0.{high}.{low}" for high in range(4) for low in range(250)]
    lab.configure(web(*servers, delay_loop=seconds(period)))
    lab.run(20)
    lab.probes.clear()
    lab.run(period)
    return [instant for instant, _address in lab.probes]


class TestTiming:
    def test_regular_probes_start_one_delay_loop_apart(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(60)
        starts = lab.probes_of(ONE)[1:]
        assert {later - earlier for earlier, later in zip(starts, starts[1:])} == {seconds(6)}

    def test_checks_are_spread_over_the_period(self, lab: HealthLab) -> None:
        tenths = [0] * 10
        for instant in starts_in_a_period(lab, 10):
            tenths[instant // seconds(1) % 10] += 1
        assert sum(tenths) == 1000
        assert min(tenths) > 50, f"probes per second of the period: {tenths}"

    def test_regular_probes_start_a_few_at_a_time_so_that_one_wake_up_serves_them(self, lab: HealthLab) -> None:
        together = Counter(starts_in_a_period(lab, 1))
        assert (sum(together.values()), len(together)) == (1000, 100)
        assert {instant % STEP for instant in together} == {0}
        assert max(together.values()) < 30, f"of 1000 probes in 100 steps so many in one: {together.most_common(3)}"

    @pytest.mark.parametrize(("warmup", "within"), [(None, 5), (1, 1), (0, 0)])
    def test_first_probes_are_spread_over_warmup_and_come_soon(
        self, lab: HealthLab, warmup: float | None, within: float
    ) -> None:
        servers = [f"10.0.{high}.{low}" for high in range(4) for low in range(250)]
        spread = None if warmup is None else seconds(warmup)
        start = lab.poller.now()
        lab.configure(web(*servers, delay_loop=seconds(10), warmup=spread))
        while len({address for _instant, address in lab.probes}) < 1000:
            lab.run(0.01)
        first = {address: instant - start for instant, address in reversed(lab.probes)}
        # Where all may begin at once, only the number of slots holds them back.
        assert seconds(within) * 9 // 10 <= max(first.values()) <= seconds(within) + 3 * LATENCY

    def test_never_more_than_the_allowed_number_at_once(self) -> None:
        lab = HealthLab(probes_at_once=400)
        servers = [f"10.1.{high}.{low}" for high in range(4) for low in range(250)]
        lab.configure(web(*servers, delay_loop=seconds(0.001)))
        lab.run(0.01)
        starts = sorted(instant for instant, _address in lab.probes)
        assert starts, "nothing was probed"
        for index in range(400, len(starts)):
            assert starts[index] - starts[index - 400] >= LATENCY, "more than 400 probes within one latency"


class TestStop:
    def test_leaves_nothing_of_ours_and_nothing_pending(self, lab: HealthLab) -> None:
        lab.configure(web(ONE, TWO))
        lab.run(10)
        lab.worker.stop(lab.poller.now())
        assert dict(lab.ipvs.table) == {}
        assert (lab.poller.pending, lab.ipvs.is_open) == ([], False)


class TestWords:
    def test_the_journal_tells_every_change_with_reason_tries_and_what_is_left(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(5)
        lab.answers[TWO] = REFUSED
        lab.run(10)
        lab.answers[ONE] = UP
        lab.run(10)
        assert lab.said("") == [
            f"warning: virtual_server web: real_server {ONE}:80 is down: connection refused (2 of 2 tries); "
            "1 of 2 servers take connections, live weight 1, 1 needed",
            "info: virtual_server web: every real_server has been checked: 1 of 2 are up",
            f"warning: virtual_server web: real_server {TWO}:80 is down: connection refused (2 of 2 tries); "
            "0 of 2 servers take connections, live weight 0, 1 needed",
            "error: virtual_server web: connections fail until a real_server is up or put back: "
            "the quorum is LOST: live weight 0, 1 needed; NOTHING takes new connections",
            f"info: virtual_server web: real_server {ONE}:80 is up: HTTP 200; "
            "1 of 2 servers take connections, live weight 1, 1 needed",
            "info: virtual_server web: the quorum is up: live weight 1, 1 needed",
        ]

    def test_scripts_and_mails_hear_of_servers_and_of_the_quorum(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(2)
        lab.answers[ONE] = REFUSED
        lab.run(10)
        lab.answers[ONE] = UP
        lab.run(10)
        assert lab.happenings() == [
            ("web", "UP"),
            (f"web {ONE}:80", "DOWN"),
            ("web", "DOWN"),
            (f"web {ONE}:80", "UP"),
            ("web", "UP"),
        ]
        told = lab.last_happening(f"web {ONE}:80")
        assert (told.kind, told.before, told.priority, told.reason) == ("RS", "DOWN", 1, "HTTP 200")

    def test_the_status_says_what_the_contract_promises(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(3)
        status = lab.status()
        assert set(status) == {
            "alive", "pid", "as_of", "data_plane", "serving", "error", "uncounted", "counted_at", "checks",
            "probe_slots", "virtual_servers", "sync_daemon", "lvs_timeouts",
        }
        assert status["checks"] == {"configured": 1, "running": 1}
        service = status["virtual_servers"]["web"]
        (server,) = service.pop("real_servers")
        assert service == {
            "address": "192.0.2.10",
            "port": 80,
            "protocol": "TCP",
            "keys": ["TCP 192.0.2.10:80"],
            "lb_algo": "wlc",
            "lb_kind": "NAT",
            "installed": True,
            "suspended": False,
            "quorum_up": True,
            "live_weight": 1,
            "needed": 1,
            "why": "the quorum is up: live weight 1, 1 needed",
            "sorry_in": False,
            "backup_in": False,
            "floor_holds": [],
            "refusals": [],
            "repairs": 0,
            "leaving": [],
        }
        assert 0 <= server.pop("age") <= 6
        assert datetime.datetime.fromisoformat(server.pop("since")).tzinfo is not None
        assert server == {
            "address": ONE,
            "port": 80,
            "weight": 1,
            "effective_weight": 1,
            "in_pool": True,
            "backup": False,
            "state": "up",
            "reason": "HTTP 200",
            "active_connections": 3,
            "inactive_connections": 7,
            "override": None,
            "notes": [],
            "hindrances": [],
        }

    def test_since_does_not_move_between_two_answers(self, lab: HealthLab) -> None:
        lab.configure(web(ONE))
        lab.run(3)
        first = lab.servers()[ONE]["since"]
        lab.run(100)
        assert lab.servers()[ONE]["since"] == first


def test_a_server_that_this_host_cannot_check_is_told_with_what_hinders_it(lab: HealthLab) -> None:
    lab.answers[ONE] = SHORTAGE
    lab.configure(web(ONE, TWO))
    lab.run(3)
    assert [lab.servers()[one]["hindrances"] for one in (ONE, TWO)] == [[SHORTAGE.verdict.reason], []]
    del lab.answers[ONE]
    lab.run(10)
    assert lab.servers()[ONE]["hindrances"] == []

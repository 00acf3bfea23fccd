# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Equal checks of one target are one; what differs in anything is another."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.health import worker
from mainstay.daemon.health.worker import build_tasks
from mainstay.model.check_config import TcpCheck
from mainstay.model.units import seconds
from mainstay.probes.task import ProbeTask
from mainstay.probes.verdict import Verdict

from .health_lab import CHECK, LATENCY, ONE, REFUSED, SHORTAGE, TWO, HealthLab, real, web

TEN = range(81, 91)


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


def ten_services(lab: HealthLab, **more: object) -> None:
    lab.configure(*(web(ONE, TWO, name=f"web{port}", port=port, **more) for port in TEN))


class TestSharing:
    def test_ten_services_on_one_server_probe_it_once_and_all_of_them_follow(self, lab: HealthLab) -> None:
        ten_services(lab)
        assert lab.status()["checks"] == {"configured": 20, "running": 2}
        lab.run(5)
        probes = len(lab.probes_of(ONE))
        lab.run(6)
        assert len(lab.probes_of(ONE)) - probes == 1, "one probe in each delay_loop, not ten"
        lab.answers[ONE] = REFUSED
        lab.run(10)
        assert [lab.servers(f"web{port}")[ONE]["state"] for port in TEN] == ["down"] * 10
        assert lab.happenings("RS") == [(f"web{port} {ONE}:80", "DOWN") for port in TEN]

    def test_all_of_them_leave_the_kernel_in_the_turn_of_the_verdict(self, lab: HealthLab) -> None:
        ten_services(lab, real_servers=(real(ONE, TcpCheck(retry=0)), real(TWO)))
        lab.answers[ONE] = REFUSED
        while not lab.probes_of(ONE):
            lab.run(0.001)
        lab.poller.run_until(lab.probes_of(ONE)[0] + LATENCY)
        assert [lab.ipvs.pool(key) for key in lab.ipvs.table] == [{TWO: 1}] * 10

    @pytest.mark.parametrize(
        "other",
        [
            replace(CHECK, path="/healthz"),
            replace(CHECK, retry=2),
            replace(CHECK, delay_loop=seconds(3)),
            replace(CHECK, connect_port=8080),
            replace(CHECK, bindto="192.0.2.1"),
        ],
        ids=["path", "retry", "delay_loop", "port", "source"],
    )
    def test_what_differs_in_anything_is_probed_by_itself(self, lab: HealthLab, other: object) -> None:
        lab.configure(web(ONE), web(name="other", port=81, real_servers=(real(ONE, other),)))
        assert lab.status()["checks"] == {"configured": 2, "running": 2}

    def test_the_same_said_by_the_service_or_by_the_check_is_the_same(self, lab: HealthLab) -> None:
        said = replace(CHECK, delay_loop=seconds(9), retry=4)
        check = replace(CHECK, retry=None)
        lab.configure(
            web(name="by_check", real_servers=(real(ONE, said),)),
            web(name="by_service", port=81, delay_loop=seconds(9), retry=4, real_servers=(real(ONE, check),)),
        )
        assert lab.status()["checks"] == {"configured": 2, "running": 1}

    def test_it_runs_until_the_last_follower_is_gone(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), web(ONE, name="other", port=81))
        lab.run(2)
        lab.configure(web(ONE, name="other", port=81))
        lab.run(10)
        assert len(lab.probes_of(ONE)) == 3, "neither twice nor not at all"
        lab.configure(web(TWO, name="other", port=81))
        before = len(lab.probes_of(ONE))
        lab.run(10)
        assert len(lab.probes_of(ONE)) == before

    def test_a_service_that_joins_later_knows_at_once_what_the_others_know(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(10)
        lab.configure(web(ONE, TWO), web(ONE, TWO, name="other", port=81))
        assert lab.servers("other")[ONE]["state"] == "down"
        assert lab.servers("other")[ONE]["reason"].startswith("connection refused")

    def test_a_check_that_cannot_be_built_is_a_hindrance_of_ours_and_takes_nobody_out(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, replace(CHECK, path="/a b\r\nHost: x")),)))
        lab.run(30)
        assert lab.ipvs.pool() == {ONE: 1}
        assert "not checked since" in lab.servers()[ONE]["reason"]


class TestWords:
    def test_every_failed_probe_is_told_where_that_is_asked_for(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO), checker_log_all_failures=True)
        lab.run(20)
        probes, told = len(lab.probes_of(ONE)), lab.said("a http check failed: connection refused")
        assert len(told) == probes - 1, "all but the one that is told as the change"

    def test_without_being_asked_only_the_change_is_told(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(ONE, TWO))
        lab.run(60)
        assert len(lab.said("connection refused")) == 1

    def test_what_a_passed_check_notes_is_told_once_a_day_and_shown_all_the_time(self, lab: HealthLab) -> None:
        lab.answers[ONE] = Verdict(True, "HTTP 200", notes=("the certificate ends in 5 days",))
        lab.configure(web(ONE))
        lab.run(20 * 3600)
        assert len(lab.said("the certificate ends in 5 days")) == 1
        assert lab.servers()[ONE]["notes"] == ["the certificate ends in 5 days"]
        assert lab.servers()[ONE]["state"] == "up"
        lab.run(20 * 3600)
        assert len(lab.said("the certificate ends in 5 days")) == 2

    def test_a_shortage_of_this_host_is_told_by_every_service_once(self, lab: HealthLab) -> None:
        lab.configure(web(ONE), web(ONE, name="other", port=81))
        lab.answers[ONE] = SHORTAGE
        lab.run(60)
        assert len(lab.said("could not be checked")) == 2


class TestSeveral:
    def test_one_failed_check_of_two_is_enough_and_is_named(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, CHECK, TcpCheck(connect_ip=TWO, retry=0)), real("192.0.2.23"))))
        lab.answers[TWO] = REFUSED
        lab.run(10)
        server = lab.servers()[ONE]
        assert (server["state"], server["reason"]) == ("down", "tcp: connection refused")

    def test_and_back_only_when_both_pass(self, lab: HealthLab) -> None:
        lab.configure(web(real_servers=(real(ONE, CHECK, TcpCheck(connect_ip=TWO, retry=0)), real("192.0.2.23"))))
        lab.answers.update({ONE: REFUSED, TWO: REFUSED})
        lab.run(10)
        del lab.answers[ONE]
        lab.run(10)
        assert lab.servers()[ONE]["state"] == "down"
        del lab.answers[TWO]
        lab.run(10)
        assert lab.servers()[ONE]["state"] == "up"


@pytest.mark.parametrize(("delay_loop", "kept"), [(1, True), (6, False)])
def test_what_is_asked_often_keeps_its_conversations(
    delay_loop: int, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def build(*asked: t.Any) -> t.Sequence[ProbeTask]:
        built.append(asked)
        return build_tasks(*asked)

    monkeypatch.setattr(worker, "build_tasks", build)
    lab = HealthLab()
    lab.configure(web(ONE, delay_loop=seconds(delay_loop)))
    lab.run(60)
    probes = len(lab.probes_of(ONE))
    assert probes >= 9
    assert len(built) == (1 if kept else probes)

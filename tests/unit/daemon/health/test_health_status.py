# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status keeps what does not change between two answers: whatever happens, it says what a fresh look says."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.health.status import HealthStatus
from mainstay.lvs.overrides import DRAIN, MAINTENANCE
from mainstay.model.units import seconds
from mainstay.probes.verdict import Verdict

from .health_lab import ONE, REFUSED, SHORTAGE, TWO, UP, WEB, HealthLab, hand_made, web

Step = t.Callable[[HealthLab], None]


def fails(lab: HealthLab) -> None:
    lab.answers[ONE] = REFUSED


def recovers(lab: HealthLab) -> None:
    lab.answers[ONE] = UP


def says_otherwise(lab: HealthLab) -> None:
    lab.answers[TWO] = Verdict(True, "HTTP 204", notes=("the certificate ends in 5 days",))


def cannot_be_checked(lab: HealthLab) -> None:
    lab.answers[TWO] = SHORTAGE


def is_drained(lab: HealthLab) -> None:
    lab.order({"server": f"{TWO}:80", "action": DRAIN})


def is_mended(lab: HealthLab) -> None:
    lab.order({"server": f"{TWO}:80", "action": MAINTENANCE, "reason": "a disk"})


def is_put_back(lab: HealthLab) -> None:
    lab.order()


def has_another_weight(lab: HealthLab) -> None:
    lab.configure(web(ONE, TWO, weight=7))


def has_another_server(lab: HealthLab) -> None:
    lab.configure(web(ONE, "192.0.2.23", drain_timeout=seconds(60)))


def is_edited_by_hand(lab: HealthLab) -> None:
    lab.ipvs.table = {WEB: hand_made(WEB, ONE, weight=3)}


def is_busy(lab: HealthLab) -> None:
    lab.ipvs.connections[ONE] = (9, 9)


def is_gone(lab: HealthLab) -> None:
    lab.ipvs.missing = "ip_vs is not in this kernel"


STORY = (
    fails, recovers, says_otherwise, cannot_be_checked, is_drained, is_mended, is_put_back, has_another_weight,
    is_edited_by_hand, is_busy, has_another_server, is_gone,
)  # fmt: skip


def told(section: t.Any) -> dict[str, t.Any]:
    """All services as the status tells them; the text of an instant may differ by the second it is written in."""
    services: dict[str, t.Any] = section["virtual_servers"]
    for service in services.values():
        for server in service["real_servers"]:
            server.pop("since")
    return services


def fresh(lab: HealthLab) -> dict[str, t.Any]:
    """The words of one who has never looked before."""
    worker = lab.worker
    status = HealthStatus(worker._book, worker._pools, worker._addresses, worker._status._slots)
    return told(status.section("ipvs", worker._keepers.values(), lab.poller.now()))


@pytest.mark.parametrize("step", STORY, ids=lambda step: step.__name__)
def test_one_thing_that_happens_shows_in_the_next_answer(step: Step) -> None:
    lab = HealthLab()
    lab.configure(web(ONE, TWO))
    lab.run(20)
    before = told(lab.status())
    step(lab)
    for _moment in range(40):
        lab.run(0.5)
        assert told(lab.status()) == fresh(lab)
    assert told(lab.status()) != before, "the story changed nothing that is told"


def test_all_of_it_one_after_the_other() -> None:
    lab = HealthLab()
    lab.configure(web(ONE, TWO))
    for step in STORY:
        step(lab)
        for _moment in range(20):
            lab.run(1)
            assert told(lab.status()) == fresh(lab), step.__name__


def test_an_answer_is_not_changed_by_the_next_one() -> None:
    """Given an answer that somebody still holds; when a server fails; then it says what it did."""
    lab = HealthLab()
    lab.configure(web(ONE, TWO))
    lab.run(20)
    first = lab.status()["virtual_servers"]["web"]["real_servers"][0]
    before = dict(first)
    fails(lab)
    lab.run(20)
    assert lab.servers()[ONE]["state"] == "down"
    assert first == before


def test_a_thousand_services_are_told_whole() -> None:
    """The addresses, states and connections of ten thousand servers stand in one answer."""
    lab = HealthLab()
    services = [
        web(*(f"10.{number // 100}.{number % 100}.{one}" for one in range(10)), name=f"s{number}", port=number + 1)
        for number in range(1000)
    ]
    lab.configure(*services)
    told_services = lab.status()["virtual_servers"]
    servers = [(name, server["address"]) for name, one in told_services.items() for server in one["real_servers"]]
    assert servers == sorted(
        ((one.name, server.address) for one in services for server in one.real_servers), key=lambda pair: pair[0]
    )
    assert all(server["in_pool"] for one in told_services.values() for server in one["real_servers"])

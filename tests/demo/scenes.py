# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the site while the client keeps asking, one function a scene."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from demo.directors import Directors
from demo.flow import Download, Flow, settle
from demo.promises import Ledger
from lab.errors import LabError
from lab.lab import Lab
from lab.waiting import wait_for
from traffic.report import Report

# RFC 9568 with advert_int 1 and priority 100: master-down 3.61 s. A promise leaves room for two busy cores.
TAKEOVER_LIMIT = 5.0
HANDOVER_LIMIT = 1.0  # seconds; both directors are alive, so it is a matter of milliseconds
DETECTION_LIMIT = 10.0  # seconds: delay_loop, one retry and their timeouts
DRAIN_LIMIT = 60  # seconds for `mainstay drain --wait`; the page that it waits for takes six
SETTLE = 30.0  # seconds for elections and pools to come to rest
UML_PATIENCE = 4.0  # a guest without KVM takes this many times as long to answer a question
INSTANCES = ("VI_1", "VI_2", "VI_3")


@dataclass(frozen=True)
class Service:
    """One balanced service of the inventory, as the client sees it."""

    name: str
    address: str
    kind: str
    servers: t.Mapping[str, str]
    """{machine: address of its real_server}."""

    @property
    def url(self) -> str:
        return f"http://{self.address}/"


@dataclass(frozen=True)
class Row:
    """One line of the table of what the client saw."""

    scene: str
    service: str
    report: Report


@dataclass
class Stage:
    """Everything a scene works with."""

    lab: Lab
    services: t.Sequence[Service]
    ledger: Ledger
    say: t.Callable[[str], None]
    patience: float
    rows: list[Row]

    @property
    def directors(self) -> Directors:
        return Directors(self.lab)

    @property
    def main(self) -> Service:
        return self.services[0]


def come_to_rest(stage: Stage) -> None:
    """One master per instance, the better one, and every real server in its pool."""
    _wait_for_master(stage, "director1")
    stage.ledger.check("director1 (priority 150) is the one master", True, ", ".join(INSTANCES))
    for service in stage.services:
        _wait_for_pool(stage, service, dict.fromkeys(service.servers.values(), True))


def everything_up(stage: Stage) -> None:
    """Both real servers answer."""
    for service in stage.services:
        with Flow(stage.lab, service.url) as flow:
            settle(4)
        _seen(stage, "all up", service, flow.report)
        everyone = set(flow.report.answers) == set(service.servers)
        stage.ledger.check(
            f"{service.name} ({service.kind}): every real server answers", everyone, flow.report.summary()
        )
        stage.ledger.check(f"{service.name}: no request fails", not flow.report.failures, _failures(flow.report))


def real_server_stopped(stage: Stage) -> None:
    """A web server dies at work: it leaves the pool, and nobody is sent there any more. Until then requests fail."""
    service, victim = stage.main, "web1"
    address = service.servers[victim]
    with Flow(stage.lab, service.url) as flow:
        settle(2)
        download = Download(stage.lab, service.url, victim)
        stopped = time.time()
        stage.lab.machine(victim).run(["systemctl", "kill", "--signal=TERM", "nginx.service"])
        _wait_for_pool(stage, service, {**stage.directors.pool("director1", service.name), address: False})
        out = time.time()
        settle(6)
    _seen(stage, f"{victim} stopped", service, flow.report)
    stage.ledger.check(
        f"the stopped server is taken out within {DETECTION_LIMIT:g} s",
        out - stopped <= DETECTION_LIMIT,
        f"{out - stopped:.1f} s after it was told to stop",
    )
    later = flow.report.after(out)
    answered = bool(later.answers) and victim not in later.answers
    stage.ledger.check("no request fails after it was taken out", answered and not later.failures, later.summary())
    _lost_without_drain(stage, flow.report, download)
    stage.lab.machine(victim).run(["systemctl", "start", "nginx.service"])
    _wait_for_pool(stage, service, dict.fromkeys(service.servers.values(), True))
    stage.ledger.check("the server is back in the pool when it runs again", True, address)


def _lost_without_drain(stage: Stage, report: Report, download: Download) -> None:
    """The bad case, without which "no request is lost" would say nothing."""
    ended = download.ended()
    seen = f"{_failures(report)} failed, {ended['received']} of {download.length} bytes of a download arrived"
    lost = bool(report.failures) and bool(ended["error"])
    stage.ledger.check("undrained, it has cost requests and cut off what was under way", lost, seen)


def real_server_drained(stage: Stage) -> None:
    """The same server stops again, drained first: nobody notices, not even a download that is under way."""
    service, victim = stage.main, "web1"
    server, machine = f"{service.servers[victim]}:80", stage.lab.machine(victim)
    with Flow(stage.lab, service.url) as flow:
        settle(2)
        download = Download(stage.lab, service.url, victim)
        began = time.time()
        _order(stage, "drain", service.name, server)
        drained = _order(stage, "drain", service.name, server, "--wait", str(DRAIN_LIMIT))
        waited = time.time() - began
        machine.run(["systemctl", "kill", "--signal=TERM", "nginx.service"])
        stopped = time.time()
        settle(2)
        machine.run(["systemctl", "start", "nginx.service"])
        restored = time.time()
        _order(stage, "restore", service.name, server)
        _wait_for_pool(stage, service, dict.fromkeys(service.servers.values(), True))
        settle(2)
    _seen(stage, f"{victim} drained", service, flow.report)
    stage.say(f"  {drained}")
    ended = download.ended()
    seen = f"{ended['received']} of {download.length} bytes, it took {ended['took']:.1f} s; waited {waited:.1f} s"
    stage.ledger.check("drain --wait lets a download that is under way come to its end", not ended["error"], seen)
    stage.ledger.check(
        "drained, stopped, started, restored: not one request is lost", not flow.report.failures, _failures(flow.report)
    )
    between = flow.report.after(stopped).before(restored)
    alone = bool(between.answers) and victim not in between.answers
    stage.ledger.check("the drained server is asked nothing", alone, between.summary())
    back = victim in flow.report.after(restored).answers
    stage.ledger.check("restored, it answers again", back, flow.report.after(restored).summary())


def _order(stage: Stage, *words: str) -> str:
    """On every director, so that a failover does not undo it; the last line that the last one says."""
    said = ""
    for director in stage.directors.running():
        done = director.run(["mainstay", *words])
        if done.rc:
            raise LabError(f"{director.spec.name}: mainstay {' '.join(words)}: {done.stdout}{done.stderr}")
        said = done.stdout.strip().splitlines()[-1]
    return said


def cable_pulled(stage: Stage) -> None:
    """The active director loses the web servers' network: all of the sync group goes over, the other network's too."""
    machine = stage.lab.machine("director1")
    with Flow(stage.lab, stage.main.url) as flow:
        settle(2)
        machine.cut("eth1")
        _wait_for_master(stage, "director2")
        settle(2)
    _seen(stage, "cable pulled", stage.main, flow.report)
    gap = flow.report.longest_gap()
    promise = f"a cable of one network moves both, service is back within {TAKEOVER_LIMIT:g} s"
    stage.ledger.check(promise, gap <= TAKEOVER_LIMIT, f"longest gap {gap:.2f} s")
    _one_master(stage, "director2")
    machine.restore("eth1")
    _wait_for_master(stage, "director1")
    stage.ledger.check("with the cable back the whole group returns", True, ", ".join(INSTANCES))


def active_director_killed(stage: Stage) -> None:
    """Power failure of the master: the other director takes over."""
    with Flow(stage.lab, stage.main.url) as flow:
        settle(3)
        stage.lab.machine("director1").kill()
        _wait_for_master(stage, "director2")
        settle(3)
    _seen(stage, "director1 killed", stage.main, flow.report)
    gap = flow.report.longest_gap()
    promise = f"service is back within {TAKEOVER_LIMIT:g} s"
    stage.ledger.check(promise, gap <= TAKEOVER_LIMIT, f"longest gap {gap:.2f} s")
    _one_master(stage, "director2")


def director_back(stage: Stage) -> None:
    """The director boots again by itself and takes its place; the other one lets go."""
    machine = stage.lab.machine("director1")
    with Flow(stage.lab, stage.main.url) as flow:
        machine.create()
        machine.wait_until_up()
        _wait_for_master(stage, "director1")
        settle(3)
    _seen(stage, "director1 back", stage.main, flow.report)
    gap, limit = flow.report.longest_gap(), HANDOVER_LIMIT * stage.patience
    stage.ledger.check(f"taking back costs less than {limit:g} s", gap < limit, f"longest gap {gap:.2f} s")
    _one_master(stage, "director1")


def _wait_for_master(stage: Stage, expected: str) -> None:
    """Until the director is the one master of every instance."""
    wait_for(
        lambda: stage.directors.masters(INSTANCES) == {expected},
        SETTLE * stage.patience,
        f"{expected} to be the one master of {', '.join(INSTANCES)}",
        evidence=lambda: f"masters: {', '.join(sorted(stage.directors.masters(INSTANCES)))}",
    )


def _one_master(stage: Stage, expected: str) -> None:
    masters = stage.directors.masters(INSTANCES)
    holders = stage.directors.holders(stage.main.address)
    stage.ledger.check(f"exactly one master: {expected}", masters == {expected}, ", ".join(sorted(masters)))
    stage.ledger.check(f"{stage.main.address} is on one machine only", holders == [expected], ", ".join(holders))


def _wait_for_pool(stage: Stage, service: Service, wanted: t.Mapping[str, bool]) -> None:
    active = stage.directors.running()[0].spec.name
    wait_for(
        lambda: stage.directors.pool(active, service.name) == wanted,
        SETTLE * stage.patience,
        f"the pool of {service.name} to be {wanted}",
        evidence=lambda: str(stage.directors.pool(active, service.name)),
        interval=0.02,
    )


def _seen(stage: Stage, scene: str, service: Service, report: Report) -> None:
    stage.rows.append(Row(scene, service.name, report))
    stage.say(f"  {service.name}: {report.summary()}")


def _failures(report: Report) -> str:
    words = sorted({each.error or "" for each in report.failures})
    return f"{len(report.failures)} of {len(report.requests)}" + (f" ({', '.join(words)})" if words else "")

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of services and servers, to which program and FIFO, in which order."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from mainstay.lvs.table import endpoint_text
from mainstay.model.config import Config, GlobalDefs
from mainstay.model.lvs_config import GroupEntry, RealServer, VirtualServer, VirtualServerGroup

from .notifier_lab import Story

WEB = VirtualServer("web", "192.0.2.10", 80, protocol="TCP", real_servers=(RealServer("192.0.2.21", 8080),))
SERVER = "web 192.0.2.21:8080"


class PoolStory(Story):
    """One service; its programs write down how they were called."""

    def serve(self, service: VirtualServer = WEB, **defs: t.Any) -> None:
        config = Config(
            GlobalDefs(**defs),
            virtual_server_groups={"pages": VirtualServerGroup("pages", (GroupEntry(fwmark=9),))},
            virtual_servers={service.name: service},
        )
        self.notifier.configure(config, self.lab.loop.now())

    def with_programs(self, **options: t.Any) -> VirtualServer:
        own = {key: self.program(key) for key in ("notify_up", "notify_down")}
        servers = tuple(dataclasses.replace(server, **own) for server in WEB.real_servers)
        quorum = {key: self.program(key) for key in ("quorum_up", "quorum_down")}
        return dataclasses.replace(WEB, real_servers=servers, **quorum, **options)

    def server(self, *events: str) -> None:
        self.happens(*events, kind="RS", name=SERVER, priority=1)

    def service(self, *events: str) -> None:
        self.happens(*events, kind="VS", name="web", priority=1)


@pytest.fixture
def pools(folder: Path) -> t.Iterator[PoolStory]:
    made = PoolStory(folder)
    yield made
    made.close()


def test_servers_and_services_have_their_programs_without_further_arguments(pools: PoolStory) -> None:
    pools.serve(pools.with_programs())
    pools.service("UP", "DOWN")
    pools.server("DOWN", "UP")
    calls = pools.calls()
    assert [call for call in calls if "quorum" in call] == ["quorum_up ", "quorum_down "]
    assert [call for call in calls if "notify" in call] == ["notify_down ", "notify_up "]


def test_a_state_that_a_new_worker_finds_again_is_no_news(pools: PoolStory) -> None:
    pools.serve(pools.with_programs())
    pools.service("UP", "UP", "DOWN", "DOWN", "UP")
    assert pools.calls() == ["quorum_up ", "quorum_down ", "quorum_up "]


@pytest.mark.parametrize(
    ("service", "vs", "rs"),
    [
        (WEB, "[192.0.2.10]:tcp:80", "[192.0.2.21]:tcp:8080"),
        (
            dataclasses.replace(
                WEB, address="2001:db8::10", protocol="UDP", real_servers=(RealServer("2001:db8::21", 8080),)
            ),
            "[2001:db8::10]:udp:80",
            "[2001:db8::21]:udp:8080",
        ),
        (dataclasses.replace(WEB, address=None, port=None, protocol=None, fwmark=5), "FWM 5", "[192.0.2.21]:none:8080"),
        (
            dataclasses.replace(WEB, address=None, port=None, virtual_server_group="pages"),
            "[pages]:0",
            "[192.0.2.21]:tcp:8080",
        ),
    ],
    ids=["address", "IPv6", "mark", "group"],
)
def test_the_lines_are_those_of_keepalived(pools: PoolStory, service: VirtualServer, vs: str, rs: str) -> None:
    """As keepalived 2.2.7 wrote them in the kernel tests' guest."""
    path = pools.folder / "fifo"
    pools.serve(service, lvs_notify_fifo=str(path))
    server = f"web {endpoint_text(service.real_servers[0].address, 8080)}"
    pools.service("UP")
    pools.happens("DOWN", kind="RS", name=server)
    pools.service("DOWN")
    assert pools.fifo_lines(path) == f"VS {vs} UP\nRS {rs} {vs} DOWN\nVS {vs} DOWN\n"


def test_each_fifo_gets_its_part(pools: PoolStory) -> None:
    paths = {key: pools.folder / key for key in ("notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo")}
    pools.serve(**{key: str(path) for key, path in paths.items()})
    pools.happens("MASTER")
    pools.service("UP")
    instance, service = 'INSTANCE "VI_1" MASTER 150\n', "VS [192.0.2.10]:tcp:80 UP\n"
    assert pools.fifo_lines(paths["notify_fifo"]) == instance + service
    assert pools.fifo_lines(paths["vrrp_notify_fifo"]) == instance
    assert pools.fifo_lines(paths["lvs_notify_fifo"]) == service


def test_with_omega_the_end_runs_the_down_programs_and_writes_no_line(pools: PoolStory) -> None:
    """The worker says STOP of services with omega alone."""
    path = pools.folder / "fifo"
    pools.serve(pools.with_programs(omega=True, smtp_alert=True), lvs_notify_fifo=str(path))
    pools.service("UP")
    pools.service("STOP")
    pools.server("STOP")
    assert sorted(pools.calls()) == ["notify_down ", "quorum_down ", "quorum_up "]
    assert pools.fifo_lines(path) == "VS [192.0.2.10]:tcp:80 UP\n"
    assert [one.event for one in pools.mailed] == ["UP"]


def test_mails_of_services_are_asked_for_and_of_servers_not_refused(pools: PoolStory) -> None:
    pools.serve()
    pools.service("UP", "DOWN")
    pools.server("DOWN")
    assert [(one.kind, one.event) for one in pools.mailed] == [("RS", "DOWN")]
    assert pools.called == [("[192.0.2.21]:tcp:8080", "[192.0.2.10]:tcp:80")]
    pools.serve(smtp_alert_checker=False)
    pools.server("UP")
    assert len(pools.mailed) == 1
    pools.serve(dataclasses.replace(WEB, smtp_alert=True), smtp_alert_checker=False)
    pools.service("UP")
    assert pools.called[-1] == ("[192.0.2.10]:tcp:80",)


def test_a_service_that_left_has_its_last_word_and_begins_anew_when_it_comes_back(pools: PoolStory) -> None:
    service = pools.with_programs(omega=True)
    pools.serve(service)
    pools.service("UP")
    pools.serve(dataclasses.replace(WEB, name="other"))
    pools.service("STOP")
    pools.serve(service)
    pools.service("UP")
    assert pools.calls() == ["quorum_up ", "quorum_down ", "quorum_up "]


def test_bfd_sessions_are_nobody_s_to_tell(pools: PoolStory) -> None:
    path = pools.folder / "fifo"
    pools.serve(notify_fifo=str(path))
    pools.happens("DOWN", kind="BFD", name="gw")
    pools.service("UP")
    assert pools.fifo_lines(path) == "VS [192.0.2.10]:tcp:80 UP\n"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lvs_sync_daemon: who decides which threads run, and who keeps them running."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from mainstay.daemon.health.sync_keeper import CHECK_PERIOD, SyncKeeper
from mainstay.daemon.sync_role import SyncRole
from mainstay.daemon.worker import Happening, LogLine
from mainstay.model.config import Config, GlobalDefs, LvsSyncDaemon, VrrpInstance
from mainstay.model.units import seconds
from mainstay.net.data_plane import DataPlaneUnavailable
from mainstay.net.ipvs_sync import SyncSettings

from ..scripted_poller import ScriptedPoller

OURS = SyncSettings("eth0", 51)
SMALLEST = 1024
"""Of a backup's messages: the kernel rounds up."""


class Told:
    """What the health worker was told."""

    def __init__(self) -> None:
        self.all: list[dict[str, t.Any]] = []
        self.role = SyncRole(lambda verb, arguments: self.all.append({"verb": verb, **arguments}))

    def configure(self, sync: LvsSyncDaemon | None, *names: str) -> None:
        instances = {name: VrrpInstance(name, "eth0", 51 + number) for number, name in enumerate(names)}
        self.role.configure(Config(GlobalDefs(lvs_sync_daemon=sync), vrrp_instances=instances))

    def happens(self, event: str, name: str = "VI_1", kind: str = "INSTANCE") -> None:
        self.role.happened(Happening(kind, name, event, 100, "", "", ""), 0)

    def roles(self) -> list[t.Any]:
        return [one["roles"] for one in self.all]


class TestRole:
    def test_it_follows_the_instance_and_only_that(self) -> None:
        told = Told()
        told.configure(LvsSyncDaemon("eth0", "VI_1"), "VI_1", "VI_2")
        told.happens("MASTER", "VI_2")
        told.happens("MASTER", "VI_1", "GROUP")
        for event in ("BACKUP", "BACKUP", "MASTER", "MASTER_RX_LOWER_PRI", "FAULT", "MASTER", "STOP"):
            told.happens(event)
        assert told.roles() == [None, ["backup"], ["master"], ["backup"], ["master"]]

    def test_syncid_is_the_virtual_router_id_of_the_instance_or_what_is_said(self) -> None:
        told = Told()
        told.configure(LvsSyncDaemon("eth0", "VI_2"), "VI_1", "VI_2")
        told.configure(LvsSyncDaemon("eth0", "VI_2", syncid=7, maxlen=900, port=1, ttl=2, group="224.0.0.9"), "VI_2")
        told.configure(LvsSyncDaemon("eth0"))
        assert [one["settings"]["syncid"] for one in told.all] == [52, 7, 0]
        assert SyncSettings(**told.all[1]["settings"]) == SyncSettings("eth0", 7, 900, 1, 2, "224.0.0.9")

    def test_without_an_instance_both_run_whatever_happens(self) -> None:
        told = Told()
        told.configure(LvsSyncDaemon("eth0"), "VI_1")
        told.happens("MASTER")
        assert told.roles() == [["master", "backup"]]

    def test_another_instance_is_followed_from_the_reload_on_with_the_state_it_has(self) -> None:
        told = Told()
        told.configure(LvsSyncDaemon("eth0", "VI_1"), "VI_1", "VI_2")
        told.happens("MASTER", "VI_2")
        told.happens("BACKUP", "VI_1")
        told.configure(LvsSyncDaemon("eth0", "VI_2"), "VI_1", "VI_2")
        assert told.roles()[-1] == ["master"]

    def test_nothing_is_told_where_it_was_never_configured_and_the_end_where_it_was(self) -> None:
        told = Told()
        told.configure(None, "VI_1")
        told.happens("MASTER")
        assert told.all == []
        told.configure(LvsSyncDaemon("eth0"))
        told.configure(None)
        assert told.all[-1] == {"verb": "lvs_sync", "settings": None, "roles": []}


class FakeKernel:
    """Two threads as a value."""

    def __init__(self) -> None:
        self.running: dict[str, SyncSettings] = {}
        self.orders: list[str] = []
        self.missing = ""
        self.refusal = ""

    def open(self) -> FakeKernel:
        if self.missing:
            raise DataPlaneUnavailable(self.missing)
        return self

    def read(self) -> dict[str, SyncSettings]:
        return dict(self.open().running)

    def start(self, role: str, settings: SyncSettings) -> str:
        if not self.refusal:
            assert role not in self.running, "EEXIST"
            self.orders.append(f"start {role}")
            self.running[role] = dataclasses.replace(settings, maxlen=max(settings.maxlen or 1472, SMALLEST))
        return self.refusal

    def stop(self, role: str) -> str:
        self.orders.append(f"stop {role}")
        self.running.pop(role, None)
        return ""

    def close(self) -> None:
        pass


class Lab:
    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.kernel = FakeKernel()
        self.lines: list[LogLine] = []
        self.keeper = self.new()

    def new(self) -> SyncKeeper:
        self.keeper = SyncKeeper(self.poller, t.cast(t.Any, self.lines.append), t.cast(t.Any, self.kernel.open))
        return self.keeper

    def want(self, settings: SyncSettings | None, *roles: str, decided: bool = True) -> None:
        document = None if settings is None else dataclasses.asdict(settings)
        arguments = {"settings": document, "roles": list(roles) if decided else None}
        self.keeper.want(arguments, self.poller.now())

    def status(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.keeper.status())


@pytest.fixture
def lab() -> Lab:
    return Lab()


class TestKeeper:
    def test_a_change_of_role_stops_one_and_starts_the_other(self, lab: Lab) -> None:
        lab.want(OURS, "backup")
        lab.want(OURS, "master")
        assert lab.kernel.orders == ["start backup", "stop backup", "start master"]
        assert (lab.status()["wanted"], lab.status()["running"], lab.status()["problem"]) == (
            ["master"], ["master"], None,
        )  # fmt: skip

    def test_until_the_state_is_known_what_runs_stays(self, lab: Lab) -> None:
        lab.kernel.running = {"master": OURS}
        lab.want(OURS, decided=False)
        lab.poller.run_for(seconds(60))
        assert lab.kernel.orders == [] and lab.status()["wanted"] is None
        lab.want(OURS, "master")
        assert lab.kernel.orders == [], "it is adopted"

    def test_other_settings_mean_a_new_start(self, lab: Lab) -> None:
        lab.want(OURS, "master")
        lab.want(dataclasses.replace(OURS, syncid=52), "master")
        assert lab.kernel.orders == ["start master", "stop master", "start master"]
        assert lab.kernel.running["master"].syncid == 52

    def test_a_size_that_the_kernel_rounds_is_no_reason_to_start_again(self, lab: Lab) -> None:
        lab.want(dataclasses.replace(OURS, maxlen=500), "backup")
        lab.poller.run_for(10 * CHECK_PERIOD)
        assert lab.kernel.orders == ["start backup"]
        lab.want(dataclasses.replace(OURS, maxlen=2000), "backup")
        assert lab.kernel.orders[1:] == ["stop backup", "start backup"]

    @pytest.mark.fault("F59")
    def test_what_somebody_else_stops_comes_back_and_is_told(self, lab: Lab) -> None:
        lab.want(OURS, "backup")
        lab.kernel.running = {}
        lab.poller.run_for(CHECK_PERIOD)
        assert lab.kernel.running and lab.status()["repairs"] == 1
        assert "the backup was stopped by somebody else; it runs again" in lab.lines[-1].message

    def test_threads_of_others_stay_while_ours_come_and_go(self, lab: Lab) -> None:
        foreign = SyncSettings("eth9", 9)
        lab.kernel.running = {"backup": foreign}
        lab.want(OURS, "master")
        lab.poller.run_for(CHECK_PERIOD)
        lab.want(None)
        lab.keeper.stop()
        assert lab.kernel.running == {"backup": foreign}
        assert lab.kernel.orders == ["start master", "stop master"] and lab.keeper.status() is None

    def test_the_successor_of_a_worker_stops_what_that_one_started_for_the_other_role(self, lab: Lab) -> None:
        lab.want(OURS, "backup")
        lab.new()
        lab.want(OURS, "master")
        assert list(lab.kernel.running) == ["master"]

    def test_the_end_takes_ours_along(self, lab: Lab) -> None:
        lab.want(OURS, "master", "backup")
        lab.keeper.stop()
        assert lab.kernel.running == {} and lab.poller.pending == []

    @pytest.mark.fault("F56")
    def test_without_ip_vs_the_status_says_so_and_it_is_tried_again(self, lab: Lab) -> None:
        lab.kernel.missing = "no ip_vs"
        lab.want(OURS, "master")
        lab.poller.run_for(seconds(60))
        assert lab.status()["problem"].startswith("no ip_vs; tried again in ")
        assert [line.level for line in lab.lines] == ["error"], "told once"
        lab.kernel.missing = ""
        lab.poller.run_for(seconds(10))
        assert lab.status()["problem"] is None and lab.kernel.running

    @pytest.mark.fault("F59")
    def test_a_refusal_is_a_problem_until_the_kernel_takes_it(self, lab: Lab) -> None:
        lab.kernel.refusal = "there is no interface eth0, or it is down"
        lab.want(OURS, "backup")
        assert "the backup cannot be started: there is no interface eth0" in lab.status()["problem"]
        lab.poller.run_for(seconds(60))
        assert len(lab.lines) == 1
        lab.kernel.refusal = ""
        lab.poller.run_for(seconds(10))
        assert lab.status() == {
            "interface": "eth0", "syncid": 51, "wanted": ["backup"], "running": ["backup"],
            "problem": None, "repairs": 0,
        }  # fmt: skip

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""explain, events, demote, restore and plan as a shell sees them: the real supervisor with fake workers."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ..daemon.conftest import StartDaemon, folder, start_daemon
from ..daemon.daemon_process import INSTANCE, DaemonProcess, document, write_config
from .test_cli import Mainstay, mainstay

__all__ = ["folder", "mainstay", "start_daemon"]

SECRET = {"version": 2, "authentication": {"auth_type": "PASS", "auth_pass": "hush-1"}}


def run_dir(daemon: DaemonProcess) -> t.Tuple[str, str]:
    return "--run-dir", str(daemon.run_directory)


@pytest.fixture
def running(start_daemon: StartDaemon) -> DaemonProcess:
    return start_daemon().wait_until_ready()


def test_a_demotion_is_shown_survives_a_restart_and_is_undone(
    mainstay: Mainstay, running: DaemonProcess, start_daemon: StartDaemon
) -> None:
    asked = mainstay("demote", "VI_1", "--reason", "new kernel", *run_dir(running))
    assert asked == (0, "demoted: VI_1\ndemoted now: VI_1\n", "")
    first = mainstay("status", *run_dir(running)).out.splitlines()[1]
    assert first.startswith("!! vrrp_instance VI_1 demoted by uid 0 at ")
    assert first.endswith(": new kernel; 'mainstay restore VI_1' ends it")

    assert running.stop() == 0
    later = start_daemon().wait_until_ready()
    order = [one["event"] for one in later.events("vrrp") if one["pid"] == later.worker_pid("vrrp")]
    assert order.index("told") < order.index("configured"), "its first decision counts with it"
    assert later.events("vrrp", "told")[-1]["instances"] == ["VI_1"]

    assert mainstay("restore", "--all", *run_dir(later)) == (0, "restored: VI_1\ndemoted now: none\n", "")
    assert "demoted" not in mainstay("status", *run_dir(later)).out
    events = json.loads(mainstay("events", "--json", *run_dir(later)).out)["events"]
    assert [one["event"] for one in events] == ["START", "DEMOTE", "STOP", "START", "RESTORE"]


def test_the_page_of_events(mainstay: Mainstay, folder: Path, running: DaemonProcess) -> None:
    write_config(folder, document(VI_1={**INSTANCE, "priority": 900}))
    assert mainstay("reload", *run_dir(running)).status == 2
    mainstay("demote", "--all", "--reason", "night", *run_dir(running))

    page = mainstay("events", *run_dir(running)).out.splitlines()

    assert page[0].split() == ["TIME", "OBJECT", "EVENT", "PRIORITY", "WHY"]
    assert "RELOAD_REFUSED" in page[2] and "vrrp_instances.VI_1.priority: must be" in page[2]
    assert "all instances  DEMOTE" in page[3] and page[3].endswith("by uid 0: night")
    assert len(mainstay("events", "-n", "1", *run_dir(running)).out.splitlines()) == 2


def test_refusals_end_with_2_and_a_sentence(mainstay: Mainstay, running: DaemonProcess) -> None:
    for arguments, sentence in {
        ("explain", "VI_2"): "mainstay: there is no vrrp_instance or vrrp_sync_group VI_2. Did you mean VI_1?\n",
        ("demote",): "mainstay: name instances or groups, or ask for all of them, one of both\n",
        ("restore", "VI_1"): "mainstay: VI_1 is not demoted\n",
        ("events", "-n", "0"): "mainstay: count must be a whole number from 1 to 1000\n",
    }.items():
        assert mainstay(*arguments, *run_dir(running)) == (2, "", sentence)


@pytest.mark.parametrize("verb", ["explain VI_1", "events", "demote --all", "restore --all"])
def test_without_a_daemon_it_is_1(mainstay: Mainstay, tmp_path: Path, verb: str) -> None:
    outcome = mainstay(*verb.split(), "--run-dir", str(tmp_path))

    assert outcome.status == 1 and "mainstayd is not running" in outcome.err


class TestPlan:
    def plan(self, mainstay: Mainstay, daemon: DaemonProcess, folder: Path, *more: str, **instances: t.Any) -> t.Any:
        (folder / "new").mkdir(exist_ok=True)
        write_config(folder / "new", document(**instances))
        return mainstay("plan", str(folder / "new" / "mainstay.json"), *more, *run_dir(daemon))

    def test_nothing_to_do(self, mainstay: Mainstay, folder: Path, running: DaemonProcess) -> None:
        outcome = self.plan(mainstay, running, folder)
        assert outcome == (0, "a reload would change nothing\nno virtual IP moves by this alone\n", "")

    def test_what_would_change_and_nothing_does(self, mainstay: Mainstay, folder: Path, running: DaemonProcess) -> None:
        outcome = self.plan(mainstay, running, folder, VI_1={**INSTANCE, "priority": 90}, VI_2=_second())

        assert outcome.status == 0
        assert "vrrp_instance VI_1: changed\n  priority: 100 -> 90\n" in outcome.out
        assert "vrrp_instance VI_2: added\n" in outcome.out
        assert len(running.events("vrrp", "configured")) == 1
        plain = json.loads(self.plan(mainstay, running, folder, "--json", VI_2=_second()).out)
        assert [one["change"] for one in plain["changes"]] == ["removed", "added"]

    def test_a_missing_file_is_one_sentence(self, mainstay: Mainstay, tmp_path: Path) -> None:
        file = tmp_path / "nothing"
        outcome = mainstay("plan", str(file), "--run-dir", str(tmp_path))
        assert outcome == (2, "", f"{file}: cannot be read: No such file or directory\n")

    def test_a_bad_file_is_2_with_every_problem(self, mainstay: Mainstay, folder: Path, running: DaemonProcess) -> None:
        outcome = self.plan(mainstay, running, folder, VI_1={**INSTANCE, "priority": 900, "interface": "a b"})

        assert (outcome.status, outcome.out, len(outcome.err.splitlines())) == (2, "", 2)

    def test_without_a_daemon_it_is_1(self, mainstay: Mainstay, tmp_path: Path) -> None:
        write_config(tmp_path, document())
        outcome = mainstay("plan", str(tmp_path / "mainstay.json"), "--run-dir", str(tmp_path))
        assert outcome.status == 1 and "mainstayd is not running" in outcome.err

    def test_a_changed_password_is_seen_and_not_shown(
        self, mainstay: Mainstay, folder: Path, start_daemon: StartDaemon
    ) -> None:
        write_config(folder, document(VI_1={**INSTANCE, **SECRET}))
        daemon = start_daemon().wait_until_ready()
        other = {**SECRET, "authentication": {"auth_type": "PASS", "auth_pass": "hush-2"}}

        outcome = self.plan(mainstay, daemon, folder, VI_1={**INSTANCE, **other})

        assert "  authentication: changed, not shown\n" in outcome.out and "hush" not in outcome.out

    def test_a_configuration_larger_than_any_request(
        self, mainstay: Mainstay, folder: Path, running: DaemonProcess
    ) -> None:
        many = {f"VI_{number}": {**_second(), "virtual_router_id": number} for number in range(1, 256)}
        for number, instance in enumerate(many.values(), 1):
            instance["virtual_ipaddress"] = [f"10.0.{number}.{host}/24" for host in range(1, 20)]
        outcome = self.plan(mainstay, running, folder, **many)

        assert (folder / "new" / "mainstay.json").stat().st_size > 64 * 1024
        assert outcome.status == 0 and outcome.out.count(": added\n") == 254


def _second() -> t.Dict[str, t.Any]:
    return {**INSTANCE, "virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.11/24"]}

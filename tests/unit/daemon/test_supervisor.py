# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supervisor as a process, with fake workers: start, respawn, reload, watchdog; its end has a file of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import typing as t
from pathlib import Path

import pytest

from .daemon_process import INSTANCE, DaemonProcess, NotifyListener, document, wait_for, write_config

StartDaemon = t.Callable[..., DaemonProcess]
WORKERS = ("vrrp", "lvs")
WEB = {"address": "192.0.2.10", "port": 80, "protocol": "TCP"}
OTHER = {**INSTANCE, "virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.11/24"]}


def running_json(daemon: DaemonProcess) -> t.Any:
    return json.loads((daemon.run_directory / "running.json").read_text())


def leaving_router_ids(daemon: DaemonProcess) -> t.List[str]:
    return [one["global_defs"]["router_id"] for one in running_json(daemon)["leaving"]]


class TestStart:
    def test_both_workers_run_the_configuration_and_the_status_says_so(self, daemon: DaemonProcess) -> None:
        status = daemon.status()

        assert status["pid"] == daemon.process.pid
        assert len(status["digest"]) == 64
        assert status["config"]["path"] == str(daemon.config)
        assert status["config"]["digest"].startswith("sha256:")
        assert status["vrrp"]["alive"] is True
        assert status["vrrp"]["instances"] == {"VI_1": {"state": "FAKE"}}
        assert status["vrrp"]["real_time"] in (True, False)
        assert status["lvs"]["alive"] is True
        assert status["lvs"]["fake"] == "lvs"
        assert abs(status["as_of"] - time.monotonic_ns()) < 60_000_000_000
        assert list(running_json(daemon)["running"]["vrrp_instances"]) == ["VI_1"]

    def test_status_and_the_first_line_of_the_log_call_the_machine_by_its_router_id(
        self, folder: Path, daemon: DaemonProcess
    ) -> None:
        assert f"starts on lb1, pid {daemon.process.pid}" in daemon.stderr().splitlines()[0]
        assert daemon.status()["router_id"] == "lb1"

        write_config(folder, document(""))
        assert daemon.ask("reload")["ok"] is True
        assert daemon.status()["router_id"] == os.uname().nodename

    def test_the_control_socket_is_for_owner_and_group(self, daemon: DaemonProcess) -> None:
        assert (daemon.run_directory / "control.sock").stat().st_mode & 0o777 == 0o660

    @pytest.mark.fault("F20")
    def test_a_bad_configuration_ends_with_78_every_problem_and_nothing_touched(
        self, folder: Path, start_daemon: StartDaemon
    ) -> None:
        write_config(folder, document(VI_1={**INSTANCE, "virtual_router_id": 300, "priorty": 1}))
        daemon = start_daemon()

        assert daemon.wait() == 78
        assert "vrrp_instances.VI_1.virtual_router_id = 300" in daemon.stderr()
        assert "Did you mean priority?" in daemon.stderr()
        assert not daemon.run_directory.exists()

    @pytest.mark.fault("F15")
    def test_a_second_daemon_is_refused_and_the_first_goes_on(
        self, daemon: DaemonProcess, start_daemon: StartDaemon
    ) -> None:
        second = start_daemon()

        assert second.wait() == 1
        assert f"another mainstayd (pid {daemon.process.pid}) runs on {daemon.run_directory}" in second.stderr()
        assert daemon.status()["pid"] == daemon.process.pid

    def test_a_stale_socket_is_replaced(self, folder: Path, start_daemon: StartDaemon) -> None:
        (folder / "run").mkdir()
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(folder / "run" / "control.sock"))
        stale.close()

        assert start_daemon().wait_until_ready().status()["vrrp"]["alive"] is True

    def test_a_file_in_the_socket_s_place_is_left_alone(self, folder: Path, start_daemon: StartDaemon) -> None:
        (folder / "run").mkdir()
        (folder / "run" / "control.sock").write_text("precious")
        daemon = start_daemon()

        assert daemon.wait() == 1
        assert "is no socket; remove it" in daemon.stderr()
        assert (folder / "run" / "control.sock").read_text() == "precious"

    def test_a_damaged_running_json_is_a_warning(self, folder: Path, start_daemon: StartDaemon) -> None:
        (folder / "run").mkdir()
        (folder / "run" / "running.json").write_text("{")

        assert "running.json of the last run is damaged" in start_daemon().wait_until_ready().stderr()


class TestRespawn:
    @pytest.mark.parametrize(("section", "other"), [("vrrp", "lvs"), ("lvs", "vrrp")])
    def test_a_killed_worker_comes_back_with_the_configuration_and_the_other_lives_on(
        self, daemon: DaemonProcess, section: str, other: str
    ) -> None:
        before = daemon.status()
        os.kill(before[section]["pid"], signal.SIGKILL)

        fresh = daemon.new_worker(section, before[section]["pid"])

        told = [one["router_id"] for one in daemon.events(section, "configured") if one["pid"] == fresh]
        assert told == ["lb1"]
        assert daemon.status()[other]["pid"] == before[other]["pid"]
        assert "was killed by SIGKILL; a new one starts now" in daemon.stderr()

    @pytest.mark.fault("F08")
    def test_a_worker_that_always_fails_is_started_ever_more_slowly(
        self, folder: Path, start_daemon: StartDaemon
    ) -> None:
        write_config(folder, document("lvs fails"))
        daemon = start_daemon()

        wait_for("three starts", lambda: "a new one starts in 1 s" in daemon.stderr())

        log = daemon.stderr()
        assert log.index("a new one starts now") < log.index("starts in 0.5 s") < log.index("starts in 1 s")
        assert "ValueError: lvs fails on purpose" in log
        status = daemon.status()
        assert status["vrrp"]["alive"] is True
        assert status["lvs"]["alive"] is False

    def test_an_exception_in_a_callback_ends_the_worker_with_a_traceback(
        self, folder: Path, start_daemon: StartDaemon
    ) -> None:
        write_config(folder, document("vrrp fails later"))
        daemon = start_daemon()

        wait_for("a second life", lambda: len(daemon.events("vrrp", "built")) > 1)

        assert "ValueError: vrrp fails in a callback" in daemon.stderr()
        assert "ended with status 1; a new one starts" in daemon.stderr()

    def test_a_worker_dead_during_a_reload_first_gets_what_it_ran(self, folder: Path, daemon: DaemonProcess) -> None:
        """So that it adopts what the kernel still holds and removes what has left the configuration since."""
        pid = daemon.worker_pid("vrrp")
        for _death in range(3):
            os.kill(t.cast(int, pid), signal.SIGKILL)
            pid = daemon.new_worker("vrrp", pid)
        os.kill(pid, signal.SIGKILL)
        wait_for("the pause of 2 s", lambda: "a new one starts in 2 s" in daemon.stderr())

        write_config(folder, document("lb2", VI_2=OTHER))
        daemon.signal(signal.SIGHUP)
        wait_for("the other one told", lambda: daemon.events("lvs", "configured")[-1]["router_id"] == "lb2")
        (leaving,) = running_json(daemon)["leaving"]
        fresh = daemon.new_worker("vrrp", pid)

        told = [one["instances"] for one in daemon.events("vrrp", "configured") if one["pid"] == fresh]
        assert told == [["VI_1"], ["VI_2"]]
        assert list(leaving["vrrp_instances"]) == ["VI_1"]
        assert wait_for("the old one forgotten", lambda: running_json(daemon)["leaving"] == [])

    @pytest.mark.fault("F06")
    def test_a_frozen_worker_is_shown_dead_with_its_last_section_and_quiets_the_watchdog(
        self, folder: Path, start_daemon: StartDaemon
    ) -> None:
        listener = NotifyListener(str(folder / "notify"))
        daemon = start_daemon(NOTIFY_SOCKET=listener.address, WATCHDOG_USEC="400000").wait_until_ready()
        pid = t.cast(int, daemon.worker_pid("vrrp"))
        wait_for("a fed watchdog", lambda: listener.count("WATCHDOG=1") > 2)

        os.kill(pid, signal.SIGSTOP)
        wait_for("alive: false", lambda: daemon.status()["vrrp"]["alive"] is False)
        frozen = wait_for("stale heartbeat", lambda: stale_status(daemon))
        fed = listener.count("WATCHDOG=1")
        wait_for("0.5 s more, five times the interval", lambda: time.monotonic_ns() > frozen["as_of"] + 500_000_000)

        assert frozen["vrrp"]["instances"] == {"VI_1": {"state": "FAKE"}}
        assert frozen["lvs"]["alive"] is True
        assert listener.count("WATCHDOG=1") == fed
        os.kill(pid, signal.SIGCONT)
        wait_for("alive again", lambda: daemon.status()["vrrp"]["alive"] is True)
        wait_for("a fed watchdog again", lambda: listener.count("WATCHDOG=1") > fed)
        listener.close()


def stale_status(daemon: DaemonProcess) -> t.Any:
    """A status whose vrrp worker was known to be silent without asking: that takes no 500 ms."""
    before = time.monotonic_ns()
    status = daemon.status()
    return status if time.monotonic_ns() - before < 400_000_000 and not status["vrrp"]["alive"] else None


class TestReload:
    def test_a_good_one_reaches_both_workers_and_names_what_changed(self, folder: Path, daemon: DaemonProcess) -> None:
        before = daemon.status()["config"]
        write_config(folder, document("lb2", VI_1={**INSTANCE, "priority": 90}, VI_2=OTHER))

        answer = daemon.ask("reload")

        assert answer == {
            "ok": True,
            "changed": [
                "global_defs: changed router_id",
                "vrrp_instance VI_2: added",
                "vrrp_instance VI_1: changed priority",
            ],
        }
        assert daemon.events("vrrp", "configured")[-1]["instances"] == ["VI_1", "VI_2"]
        assert daemon.events("lvs", "configured")[-1]["router_id"] == "lb2"
        after = daemon.status()["config"]
        assert after["digest"] != before["digest"]
        assert after["last_reload"]["ok"] is True
        assert running_json(daemon)["leaving"] == []

    def test_each_worker_is_told_its_own_sections_and_only_when_they_change(
        self, folder: Path, daemon: DaemonProcess
    ) -> None:
        """However many services a file has, reading them must not come between two adverts."""
        write_config(folder, {**document(), "virtual_servers": {"web": WEB}})
        assert daemon.ask("reload") == {"ok": True, "changed": ["virtual_server web: added"]}
        assert daemon.ask("reload") == {"ok": True, "changed": []}
        write_config(folder, {**document(VI_2=OTHER), "virtual_servers": {"web": WEB}})
        assert daemon.ask("reload")["ok"] is True

        told = {w: [(one["instances"], one["services"]) for one in daemon.events(w, "configured")] for w in WORKERS}
        assert told["vrrp"] == [(["VI_1"], []), (["VI_2"], [])]
        assert told["lvs"] == [([], []), ([], ["web"])]
        running = running_json(daemon)
        assert (list(running["running"]["virtual_servers"]), running["leaving"]) == (["web"], [])

    def test_a_worker_that_does_not_take_it_is_named_and_gets_it_later(
        self, folder: Path, daemon: DaemonProcess
    ) -> None:
        frozen = t.cast(int, daemon.worker_pid("lvs"))
        os.kill(frozen, signal.SIGSTOP)
        write_config(folder, document("lb2"))

        answer = daemon.ask("reload")

        changed = ["global_defs: changed router_id"]
        assert answer == {"ok": True, "changed": changed, "unconfirmed": ["health worker"]}
        assert "not confirmed yet by health worker" in daemon.stderr()
        write_config(folder, document("lb3"))
        assert daemon.ask("reload")["unconfirmed"] == ["health worker"]
        assert leaving_router_ids(daemon) == ["lb1", "lb2"], "both may still be in the kernel"
        os.kill(frozen, signal.SIGCONT)
        wait_for("the old one forgotten", lambda: running_json(daemon)["leaving"] == [])
        assert daemon.events("lvs", "configured")[-1]["router_id"] == "lb3"

    def test_a_worker_that_died_of_it_has_not_taken_it(self, folder: Path, daemon: DaemonProcess) -> None:
        write_config(folder, document("lvs fails"))

        assert daemon.ask("reload")["unconfirmed"] == ["health worker"]

    @pytest.mark.fault("F19")
    def test_a_bad_one_changes_nothing_and_names_every_problem(self, folder: Path, daemon: DaemonProcess) -> None:
        before = daemon.status()
        write_config(folder, document(VI_1={**INSTANCE, "virtual_router_id": 300, "priorty": 1}))

        answer = daemon.ask("reload")

        assert answer["ok"] is False
        assert [problem["path"] for problem in answer["problems"]] == [
            "vrrp_instances.VI_1.priorty",
            "vrrp_instances.VI_1.virtual_router_id",
        ]
        after = daemon.status()
        assert after["config"]["digest"] == before["config"]["digest"]
        assert after["config"]["last_reload"]["ok"] is False
        assert after["config"]["last_reload"]["problems"] == answer["problems"]
        assert len(daemon.events("vrrp", "configured")) == 1
        assert after["vrrp"]["pid"] == before["vrrp"]["pid"]

    @pytest.mark.fault("F18")
    def test_many_hang_ups_are_few_reloads_and_the_last_state_of_the_files_wins(
        self, folder: Path, daemon: DaemonProcess
    ) -> None:
        for number in range(50):
            write_config(folder, document(f"lb{number}"))
            daemon.signal(signal.SIGHUP)

        wait_for("lb49", lambda: daemon.events("lvs", "configured")[-1]["router_id"] == "lb49")
        assert daemon.ask("reload")["changed"] == []

    def test_the_service_manager_hears_reloading_with_its_instant_and_ready_again(
        self, folder: Path, start_daemon: StartDaemon
    ) -> None:
        listener = NotifyListener(f"@mainstay-test-{os.getpid()}")
        daemon = start_daemon(NOTIFY_SOCKET=listener.address).wait_until_ready()
        assert listener.count("READY=1") == 1

        before = time.monotonic_ns()
        daemon.ask("reload")
        write_config(folder, {"colour": 1})
        daemon.ask("reload")

        reloading = [message for message in listener.messages() if message.startswith("RELOADING=1")]
        assert len(reloading) == 2
        instant = int(reloading[0].split("MONOTONIC_USEC=")[1].split("\n")[0]) * 1000
        assert before - 1000 <= instant <= time.monotonic_ns()
        assert listener.count("READY=1") == 3
        assert daemon.stop() == 0
        assert listener.count("STOPPING=1") == 1
        listener.close()


class TestFullDisk:
    """A folder in the place of running.json: writing it fails as on a full disk, for root too."""

    @pytest.fixture
    def full(self, daemon: DaemonProcess) -> DaemonProcess:
        (daemon.run_directory / "running.json").unlink()
        (daemon.run_directory / "running.json").mkdir()
        return daemon

    def test_a_reload_is_refused_and_nothing_changes(self, folder: Path, full: DaemonProcess) -> None:
        write_config(folder, document("lb2"))

        (problem,) = full.ask("reload")["problems"]

        assert (problem["path"], problem["message"]) == ("(run directory)", "cannot be written: Is a directory")
        assert [one["router_id"] for one in full.events("vrrp", "configured")] == ["lb1"]

    def test_a_respawn_goes_on(self, full: DaemonProcess) -> None:
        before = full.worker_pid("lvs")
        os.kill(t.cast(int, before), signal.SIGKILL)

        full.new_worker("lvs", before)

        wait_for("a warning", lambda: "running.json in" in full.stderr())
        assert full.status()["vrrp"]["alive"] is True


def test_a_reader_of_the_log_that_has_gone_ends_nothing(folder: Path, start_daemon: StartDaemon) -> None:
    os.mkfifo(folder / "stderr-0")
    reader = os.open(folder / "stderr-0", os.O_RDONLY | os.O_NONBLOCK)
    daemon = start_daemon()
    wait_for("both workers", lambda: len(daemon.events(event="configured")) == 2)

    os.close(reader)
    write_config(folder, document("lb2"))
    daemon.signal(signal.SIGHUP)

    wait_for("the reload", lambda: len(daemon.events(event="configured")) == 4)
    assert daemon.status()["vrrp"]["alive"] is True


def test_unknown_verbs_and_the_version(daemon: DaemonProcess) -> None:
    answer = daemon.ask("dance")
    assert answer["ok"] is False
    assert "unknown verb 'dance'; known are status, reload, version" in answer["error"]

    assert daemon.ask("version")["version"] == daemon.status()["version"]


def test_who_asked_for_a_reload_is_in_the_journal(daemon: DaemonProcess) -> None:
    daemon.ask("reload")

    assert f"reload asked for by pid {os.getpid()}, uid {os.getuid()}" in daemon.stderr()


def test_below_systemd_lines_carry_the_journal_s_priorities(start_daemon: StartDaemon) -> None:
    log = start_daemon(JOURNAL_STREAM="8:1").wait_until_ready().stderr()

    assert all(line[0] == "<" and line[2] == ">" for line in log.splitlines()), log


class TestTheStateDirectory:
    def test_is_made_for_the_daemon_alone(self, folder: Path, daemon: DaemonProcess) -> None:
        assert (folder / "state").stat().st_mode & 0o777 == 0o750

    def test_that_cannot_be_used_is_told_and_the_daemon_runs(self, folder: Path, start_daemon: StartDaemon) -> None:
        (folder / "state").write_text("no folder")

        daemon = start_daemon().wait_until_ready()

        assert f"state directory {folder}/state cannot be used: File exists" in daemon.stderr()
        assert daemon.status()["vrrp"]["alive"]

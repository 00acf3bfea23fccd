# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the supervisor ends, as a process with fake workers: in order, and whatever the workers do meanwhile."""

from __future__ import annotations

import os
import signal
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.client import DaemonUnreachable, request

from .daemon_process import INSTANCE, DaemonProcess, NotifyListener, document, wait_for, write_config

StartDaemon = t.Callable[..., DaemonProcess]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_vrrp_worker_ends_first_and_nothing_is_left(daemon: DaemonProcess, number: int) -> None:
    daemon.signal(number)

    assert daemon.wait() == 0
    assert [one["worker"] for one in daemon.events(event="stopped")] == ["vrrp", "lvs"]
    assert list(daemon.run_directory.iterdir()) == []
    assert "fake vrrp: last words" in daemon.stderr()


def test_ctrl_c_for_the_whole_group_is_an_end_in_order_too(daemon: DaemonProcess) -> None:
    os.killpg(daemon.process.pid, signal.SIGINT)

    assert daemon.wait() == 0
    assert [one["worker"] for one in daemon.events(event="stopped")] == ["vrrp", "lvs"]


def test_a_hang_up_meanwhile_is_no_reload(folder: Path, start_daemon: StartDaemon) -> None:
    listener = NotifyListener(str(folder / "notify"))
    daemon = start_daemon(NOTIFY_SOCKET=listener.address).wait_until_ready()
    os.kill(t.cast(int, daemon.worker_pid("vrrp")), signal.SIGSTOP)
    daemon.signal(signal.SIGTERM)
    wait_for("the end begins", lambda: listener.count("STOPPING=1"))
    write_config(folder, document("lb2"))

    daemon.signal(signal.SIGHUP)

    assert daemon.wait() == 0
    assert "no reload, mainstayd is stopping" in daemon.stderr()
    assert listener.count("RELOADING=1") == 0
    assert [one["router_id"] for one in daemon.events(event="configured")] == ["lb1", "lb1"]
    listener.close()


def test_a_frozen_worker_is_killed_after_its_deadline(daemon: DaemonProcess) -> None:
    os.kill(t.cast(int, daemon.worker_pid("vrrp")), signal.SIGSTOP)

    assert daemon.stop() == 0
    assert "vrrp worker: did not end in time and is killed" in daemon.stderr()
    assert [one["worker"] for one in daemon.events(event="stopped")] == ["lvs"]


def test_a_worker_that_fails_while_ending_is_cleaned_up_after(folder: Path, start_daemon: StartDaemon) -> None:
    write_config(folder, document("vrrp stops untidily", VI_1={**INSTANCE, "interface": "nowhere0"}))
    daemon = start_daemon().wait_until_ready()

    assert daemon.stop() == 0
    assert "ValueError: left something behind" in daemon.stderr()
    assert list(daemon.run_directory.iterdir()) == []


def test_an_end_while_a_worker_waits_for_its_next_start(folder: Path, start_daemon: StartDaemon) -> None:
    write_config(folder, document("vrrp fails"))
    daemon = start_daemon()
    wait_for("a pause", lambda: "a new one starts in 0.5 s" in daemon.stderr())

    assert daemon.stop() == 0
    assert [one["worker"] for one in daemon.events(event="stopped")] == ["lvs"]


def test_workers_end_in_order_when_the_supervisor_is_killed(daemon: DaemonProcess, start_daemon: StartDaemon) -> None:
    daemon.signal(signal.SIGKILL)
    daemon.wait()

    wait_for("both stopped", lambda: len(daemon.events(event="stopped")) == 2)
    assert (daemon.run_directory / "running.json").exists()
    with pytest.raises(DaemonUnreachable, match="is not running"):
        request("status", str(daemon.run_directory))


def test_the_lock_is_free_for_the_next_daemon_only_when_the_last_worker_is_gone(
    daemon: DaemonProcess, start_daemon: StartDaemon
) -> None:
    frozen = t.cast(int, daemon.worker_pid("lvs"))
    os.kill(frozen, signal.SIGSTOP)
    daemon.signal(signal.SIGKILL)
    daemon.wait()

    assert start_daemon().wait() == 1
    os.kill(frozen, signal.SIGKILL)
    wait_for("the frozen worker gone", lambda: not Path(f"/proc/{frozen}").exists())
    assert start_daemon().wait_until_ready().status()["vrrp"]["alive"] is True

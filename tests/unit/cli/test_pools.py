# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""servers, drain, maintenance, force, weight and their end as a shell sees them: the real supervisor, fake workers."""

from __future__ import annotations

import json
import os
import signal
import threading
import typing as t
from pathlib import Path

import pytest

from mainstay.cli import draining
from mainstay.cli.draining import Progress
from mainstay.daemon.drained import Look, look_at

from ..daemon.conftest import StartDaemon, folder, start_daemon
from ..daemon.daemon_process import DaemonProcess, document, wait_for, write_config
from .test_cli import Mainstay, mainstay
from .test_operations import run_dir

__all__ = ["folder", "mainstay", "start_daemon"]

A, B = "192.0.2.21:80", "192.0.2.22:80"
WEB = {
    "address": "192.0.2.10",
    "port": 80,
    "protocol": "TCP",
    "real_servers": [{"address": "192.0.2.21", "weight": 5}, {"address": "192.0.2.22"}],
}


@pytest.fixture
def running(start_daemon: StartDaemon, folder: Path) -> DaemonProcess:
    write_config(folder, {**document(), "virtual_servers": {"web": WEB}})
    return start_daemon().wait_until_ready()


def connections(daemon: DaemonProcess, count: t.Optional[int]) -> None:
    """So many are established on every server; None: nobody knows."""
    path = Path(f"{daemon.config.parent}/events.connections")
    path.with_suffix(".new").write_text(json.dumps(count))
    path.with_suffix(".new").rename(path)


def test_an_order_is_shown_survives_a_restart_and_is_undone(
    mainstay: Mainstay, running: DaemonProcess, start_daemon: StartDaemon
) -> None:
    asked = mainstay("drain", "web", "192.0.2.21", "--reason", "disk", *run_dir(running))
    assert asked == (0, f"drain: web {A}; 'mainstay restore web {A}' ends it\n", "")
    for verb in ("servers", "status"):
        line = next(one for one in mainstay(verb, *run_dir(running)).out.splitlines() if "drain by" in one)
        assert line.startswith(f"!! real_server web {A}: drain by uid 0 at ")
        assert line.endswith(f": disk; 'mainstay restore web {A}' ends it")

    assert running.stop() == 0
    later = start_daemon().wait_until_ready()
    order = [one["event"] for one in later.events("lvs") if one["pid"] == later.worker_pid("lvs")]
    assert order.index("told") < order.index("configured"), "its first decision counts with it"

    assert mainstay("restore", "web", A, *run_dir(later)) == (0, f"restored: web {A}, drain ended\n", "")
    assert "drain by" not in mainstay("servers", *run_dir(later)).out
    page = mainstay("events", "web", *run_dir(later)).out
    assert f"real_server web {A}  DRAIN " in page and f"real_server web {A}  RESTORE " in page


def test_plan_says_whose_order_a_rename_leaves_behind(mainstay: Mainstay, running: DaemonProcess, folder: Path) -> None:
    mainstay("maintenance", "web", A, *run_dir(running))
    (folder / "new").mkdir()
    write_config(folder / "new", {**document(), "virtual_servers": {"www": WEB}})
    page = mainstay("plan", str(folder / "new" / "mainstay.json"), *run_dir(running)).out
    assert f"!! real_server web {A}: the maintenance by uid 0 does not follow to www {A}, which serves like" in page
    assert f"after the reload 'mainstay maintenance www {A}' gives it anew" in page


def test_servers_shows_one_service_or_all_for_people_and_programs(mainstay: Mainstay, running: DaemonProcess) -> None:
    mainstay("weight", "web", B, "9", *run_dir(running))
    page = mainstay("servers", "web", *run_dir(running)).out
    assert f"  {B}  up     9 of 1  " in page and f"  {A}  up     5       " in page
    told = json.loads(mainstay("servers", "--json", *run_dir(running)).out)
    assert list(told["lvs"]["virtual_servers"]) == ["web"]
    assert [one["weight"] for one in told["overrides"]["orders"]] == [9]


def test_restore_all_tells_of_the_orders_that_it_does_not_mean(mainstay: Mainstay, running: DaemonProcess) -> None:
    assert "real servers" not in mainstay("restore", "--all", *run_dir(running)).out
    mainstay("drain", "web", A, *run_dir(running))
    said = mainstay("restore", "--all", *run_dir(running)).out.splitlines()
    assert said[-1] == "orders about real servers hold on, 1: 'mainstay restore --all --of servers' ends them"
    assert mainstay("restore", "--all", "--of", "servers", *run_dir(running)).out == f"restored: web {A}, drain ended\n"


def test_whoever_takes_the_last_server_out_is_told(mainstay: Mainstay, running: DaemonProcess) -> None:
    assert "!!" not in mainstay("maintenance", "web", A, *run_dir(running)).out
    wait_for("the first to be out", lambda: "0 of 5" in mainstay("servers", *run_dir(running)).out)
    second = mainstay("drain", "web", B, *run_dir(running))
    assert second.out.splitlines()[1:] == [
        "!! virtual_server web: quorum is lost, live weight 0, needed 1",
        "!! virtual_server web: no other real_server takes new connections",
    ]
    assert mainstay("force", "web", B, *run_dir(running)).out.count("\n") == 1


@pytest.mark.parametrize(
    ("sorry", "then"),
    [
        ({}, []),
        ({"sorry_server": "192.0.2.30 80"}, ["no real_server takes new connections, the sorry_server answers"]),
    ],
)
def test_whoever_takes_the_quorum_away_is_told(
    mainstay: Mainstay, start_daemon: StartDaemon, folder: Path, sorry: t.Dict[str, str], then: t.List[str]
) -> None:
    """With a sorry server the rest of the pool goes, too: nobody should hear of that from his clients."""
    write_config(folder, {**document(), "virtual_servers": {"web": {**WEB, "quorum": 6, **sorry}}})
    running = start_daemon().wait_until_ready()
    said = mainstay("drain", "web", B, *run_dir(running)).out.splitlines()[1:]
    told = ["quorum is lost, live weight 5, needed 6", *then]
    assert said == [f"!! virtual_server web: {sentence}" for sentence in told]
    less = mainstay("weight", "web", A, "4", *run_dir(running)).out.splitlines()[1:]
    assert less[0] == "!! virtual_server web: quorum is lost, live weight 4, needed 6"


def test_an_order_that_nobody_carries_out_yet_is_told_so(mainstay: Mainstay, running: DaemonProcess) -> None:
    os.kill(running.worker_pid("lvs"), signal.SIGSTOP)
    said = mainstay("drain", "web", B, *run_dir(running))
    assert said.status == 0 and said.out.splitlines()[1:] == [
        "!! the health worker does not answer, see 'mainstay status'; the order counts once it does"
    ]


@pytest.mark.parametrize(
    ("order", "told"),
    [("drain web {}", True), ("weight web {} 0", True), ("weight web {} 3", False), ("maintenance web {}", False)],
)
def test_whoever_drains_is_told_of_clients_that_may_come_back(
    mainstay: Mainstay, start_daemon: StartDaemon, folder: Path, order: str, told: bool
) -> None:
    write_config(folder, {**document(), "virtual_servers": {"web": {**WEB, "persistence_timeout": 90}}})
    running = start_daemon().wait_until_ready()
    note = "!! clients that it served in the last 90 s may come back (persistence_timeout)"
    assert (note in mainstay(*order.format(B).split(), *run_dir(running)).out.splitlines()) == told


@pytest.mark.parametrize("patience", ["-1", "nan", "soon"])
def test_a_patience_that_is_none_is_refused_before_anything_is_ordered(
    mainstay: Mainstay, running: DaemonProcess, patience: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        mainstay("drain", "web", A, f"--wait={patience}", *run_dir(running))
    assert ended.value.code == 2
    assert f"'{patience}': must be a number of seconds from 0 up" in capsys.readouterr().err
    assert "drain by" not in mainstay("servers", *run_dir(running)).out


def test_refusals_end_with_2_and_a_sentence(mainstay: Mainstay, running: DaemonProcess) -> None:
    for arguments, sentence in {
        ("servers", "wbe"): "there is no virtual_server wbe. Did you mean web?",
        ("drain", "web", "192.0.2.29:80"): f"virtual_server web has no real_server 192.0.2.29:80. Did you mean {B}?",
        ("drain", "wbe", A, "--wait"): "there is no virtual_server wbe. Did you mean web?",
        ("weight", "web", A, "70000"): "weight = 70000: must be a whole number from 0 to 65535",
        ("restore", "web"): "nothing is ordered about servers of virtual_server web",
        (
            "restore",
        ): "name instances or groups, or a service and some of its servers, or ask for all of them, one of both",
        ("restore", "wbe"): "there is no vrrp_instance, vrrp_sync_group or virtual_server wbe. Did you mean web?",
    }.items():
        assert mainstay(*arguments, *run_dir(running)) == (2, "", f"mainstay: {sentence}\n")


@pytest.mark.parametrize(
    "verb", ["servers", f"drain web {A} --wait", f"maintenance web {A}", f"force web {A}", f"weight web {A} 1"]
)
def test_without_a_daemon_it_is_1(mainstay: Mainstay, tmp_path: Path, verb: str) -> None:
    outcome = mainstay(*verb.split(), "--run-dir", str(tmp_path))
    assert outcome.status == 1 and "mainstayd is not running" in outcome.err


class TestDrainWait:
    def test_it_ends_with_0_when_no_connection_is_left(self, mainstay: Mainstay, running: DaemonProcess) -> None:
        connections(running, 2)
        threading.Timer(1.0, connections, (running, 0)).start()
        outcome = mainstay("drain", "web", A, "--wait", "30", *run_dir(running))
        lines = outcome.out.splitlines()
        assert outcome.status == 0, outcome
        assert f"web {A}: 2 established connections, 0 opening or closing" in lines
        assert lines[-1] == f"web {A}: drained, 0 connections are opening or closing"

    def test_it_ends_with_3_when_some_are_left(self, mainstay: Mainstay, running: DaemonProcess) -> None:
        connections(running, 2)
        outcome = mainstay("drain", "web", A, "--wait", "0.2", *run_dir(running))
        assert outcome.status == 3
        left = "not drained after 0.2 s: 2 established connections, 0 opening or closing; the order still holds"
        assert outcome.out.splitlines()[-1] == f"web {A}: {left}"

    @pytest.mark.parametrize("patience", ["0.2", "inf"])
    def test_it_ends_with_4_when_they_cannot_be_counted(
        self, mainstay: Mainstay, running: DaemonProcess, patience: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(draining, "_BLIND_FOR", 0.7)
        connections(running, None)
        outcome = mainstay("drain", "web", A, "--wait", patience, *run_dir(running))
        assert outcome.status == 4
        last = outcome.out.splitlines()[-1]
        assert "not known whether it is drained: connections cannot be counted: " in last and "still holds" in last


def answer(alive: bool = True, error: t.Optional[str] = None, **server: t.Any) -> t.Dict[str, t.Any]:
    usual = {"address": "192.0.2.21", "port": 80, "in_pool": True, "effective_weight": 0, "active_connections": 0}
    told = {**usual, "inactive_connections": 4, "override": {"action": "drain"}, **server}
    lvs = {"alive": alive, "error": error, "uncounted": "conntrack holds more than 20000 flows"}
    return {"lvs": {**lvs, "virtual_servers": {"web": {"real_servers": [told]}}}}


@pytest.mark.parametrize(
    ("told", "drained", "words"),
    [
        (answer(), True, "0 established connections, 4 opening or closing"),
        (answer(in_pool=False, active_connections=None, inactive_connections=None), True, "0 established"),
        (answer(active_connections=None), False, "connections cannot be counted: conntrack holds more than 2"),
        (answer(inactive_connections=None), False, "connections cannot be counted: conntrack"),
        (answer(error="no ip_vs", in_pool=False, active_connections=None), False, "cannot be counted: no ip_vs"),
        (answer(error="no ip_vs"), False, "cannot be counted: no ip_vs"),
        (answer(active_connections=1), False, "1 established connections"),
        (answer(override=None), False, "the health worker has not taken the order yet"),
        (answer(effective_weight=5, reason="pool_floor"), False, "still takes new connections: pool_floor"),
        (answer(alive=False), False, "the health worker does not answer"),
        (answer(address="192.0.2.29"), False, "the health worker does not know it"),
    ],
)
def test_what_counts_as_drained(told: t.Dict[str, t.Any], drained: bool, words: str) -> None:
    look = look_at(told, "web", A)
    assert look.drained is drained and words in look.text()


def test_on_a_terminal_it_is_one_line_that_changes(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(f"web {A}", terminal=True)
    progress.show(Look(True, 12, 0).text())
    progress.show(Look(True, 9, 0).text())
    progress.end("drained")
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.count("\r") == 3
    last = out.rstrip("\n").rpartition("\r")[2]
    assert last.rstrip() == f"web {A}: drained" and len(last) >= len(f"web {A}: 9 established connections"), (
        "overwritten"
    )

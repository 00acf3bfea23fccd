# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's verbs between two daemons: demote and restore, explain, events, and a plan that comes true."""

from __future__ import annotations

import json
import signal
import typing as t
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import CHECKOUT, PYTHON, Daemon
from netns.pairs import quick
from netns.segment import VIP, Segment

from lab import command
from lab.waiting import wait_for

OTHER_VIP = "192.0.2.11"


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> tuple[Daemon, Daemon]:
    """a is master with 200, b backup with 156."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(200)).start()
    a.await_state("MASTER")
    b = Daemon(segment.node("b"), tmp_path, VI_1=quick(156)).start()
    b.await_state("BACKUP")
    wait_for(lambda: b.status()["master_priority"] == 200, 10, "b to hear a", evidence=b.evidence)
    return a, b


def mainstay(daemon: Daemon, *words: str) -> command.Completed:
    """The command, on the daemon's machine."""
    path = f"PYTHONPATH={CHECKOUT}/plugins/module_utils"
    return daemon.node.run("env", path, PYTHON, "-m", "mainstay", *words, "--run-dir", str(daemon.folder / "run"))


def must(daemon: Daemon, *words: str) -> str:
    done = mainstay(daemon, *words)
    assert done.rc == 0, f"{words}: {done}\n{daemon.evidence()}"
    return done.stdout


def events(daemon: Daemon, name: str = "VI_1") -> list[str]:
    told = json.loads(must(daemon, "events", "--json", name))["events"]
    return [t.cast(str, one["event"]) for one in told]


def test_a_demoted_master_hands_over_stays_out_over_a_restart_and_comes_back(pair: tuple[Daemon, Daemon]) -> None:
    a, b = pair
    with AddressWatch([a.node, b.node]) as watch:
        must(a, "demote", "VI_1", "--reason", "new kernel")
        b.await_state("MASTER")
        assert watch.both_held(a.node, b.node) == 0
    assert b.status()["counters"]["priority_zero_received"] == 1, "it waited for its skew alone, not three adverts"
    assert "192.0.2.1 resigned (priority 0)" in b.status()["last_transition"]
    assert "!! vrrp_instance VI_1 demoted by uid 0 at " in must(a, "status")
    explained = must(a, "explain", "VI_1")
    assert "demoted by an operator" in explained and ": new kernel; 'mainstay restore VI_1' ends it" in explained

    transitions = b.status()["transitions"]
    a.signal_and_await_end()
    a.start()
    a.await_state("BACKUP")
    assert a.status()["demoted"] is True and a.status()["effective_priority"] == 1
    heard = a.status()["counters"]["adverts_received"]
    wait_for(
        lambda: a.status()["counters"]["adverts_received"] > heard + 4, 15, "a whole wait and more", evidence=a.evidence
    )
    assert (a.state(), b.state(), b.status()["transitions"]) == ("BACKUP", "MASTER", transitions)

    must(a, "restore", "VI_1")
    a.await_state("MASTER")
    b.await_state("BACKUP")
    assert a.node.holds() and "demoted by" not in must(a, "status")
    told = events(a)
    assert [one for one in told if one in ("DEMOTE", "RESTORE")] == ["DEMOTE", "RESTORE"], told
    assert told.index("DEMOTE") < told.index("STOP"), "the story began before the restart"
    assert "MASTER" in told[told.index("RESTORE") :], told


def test_a_worker_that_dies_is_still_demoted(pair: tuple[Daemon, Daemon]) -> None:
    a, b = pair
    must(a, "demote", "--all")
    b.await_state("MASTER")
    transitions, before = b.status()["transitions"], a.ask("status")["vrrp"]["pid"]

    next(process for process in a.node.processes() if process.pid == before).signal(signal.SIGKILL)

    wait_for(lambda: a.ask("status")["vrrp"]["pid"] not in (None, before), 10, "a new worker", evidence=a.evidence)
    a.await_state("BACKUP")
    heard = lambda: a.status()["counters"]["adverts_received"] > 4  # noqa: E731
    wait_for(heard, 15, "a whole wait and more", evidence=a.evidence)
    assert (a.status()["demoted"], a.state(), b.status()["transitions"]) == (True, "BACKUP", transitions)


def test_both_sides_explain_themselves(pair: tuple[Daemon, Daemon]) -> None:
    a, b = pair
    assert "because 192.0.2.1 advertises 200 > my 156" in must(b, "explain", "VI_1")
    plain = json.loads(must(b, "explain", "VI_1", "--json"))
    assert plain["sentence"] == f"BACKUP because {plain['why']}; {plain['outlook']}"
    assert must(a, "explain", "VI_1").startswith("vrrp_instance VI_1 is MASTER\n")

    a.node.cut()
    a.await_state("FAULT")
    assert "cause of FAULT: no carrier on eth0" in must(a, "explain", "VI_1")
    wrong = mainstay(a, "explain", "VI_l")
    assert (wrong.rc, "Did you mean VI_1?" in wrong.stderr) == (2, True), wrong


def test_a_plan_names_what_moves_and_the_reload_moves_exactly_that(segment: Segment, tmp_path: Path) -> None:
    def both(first: int, **second: t.Any) -> dict[str, t.Any]:
        other = {"virtual_router_id": 52, "virtual_ipaddress": [f"{OTHER_VIP}/24"]}
        return {"VI_1": quick(first), "VI_2": quick(first, **{**other, **second})}

    a = Daemon(segment.node("a"), tmp_path, **both(200)).start()
    for name in ("VI_1", "VI_2"):
        a.await_state("MASTER", name=name)
    b = Daemon(segment.node("b"), tmp_path, **both(100)).start()
    for name in ("VI_1", "VI_2"):
        b.await_state("BACKUP", name=name)
    untouched = a.status("VI_1")["transitions"], b.status("VI_1")["transitions"]
    a.write(**both(200, virtual_router_id=53))
    file = str(a.folder / "mainstay.json")

    plan = must(a, "plan", file)
    assert f"!! vrrp_instance VI_2: {OTHER_VIP}/24 on eth0 moves: becomes another virtual router to its peers" in plan
    assert "  virtual_router_id: 52 -> 53\n" in plan and "VI_1" not in plan
    assert a.status("VI_2")["virtual_router_id"] == 52, "nothing was changed"

    assert a.ask("reload")["ok"] is True
    b.await_state("MASTER", name="VI_2")
    assert b.node.holds(OTHER_VIP) and a.node.holds(VIP) and not b.node.holds(VIP)
    assert (a.status("VI_1")["transitions"], b.status("VI_1")["transitions"]) == untouched
    assert must(a, "plan", file).startswith("a reload would change nothing\n")


def test_a_plan_knows_that_a_better_priority_brings_the_address_here(pair: tuple[Daemon, Daemon]) -> None:
    a, b = pair
    b.write(VI_1=quick(220))

    plan = must(b, "plan", str(b.folder / "mainstay.json"))
    assert f"!! vrrp_instance VI_1: {VIP}/24 on eth0 moves: comes here: with priority 220 it preempts 192.0.2.1" in plan
    assert (a.state(), b.state()) == ("MASTER", "BACKUP")

    assert b.ask("reload")["ok"] is True
    b.await_state("MASTER")
    a.await_state("BACKUP")


@pytest.mark.fault("F24")
def test_what_the_state_directory_cannot_keep_fails_nobody(segment: Segment, tmp_path: Path) -> None:
    """F24: damaged demotions are an alarm, a journal that cannot be written is one too, the address is held."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(200))
    (a.folder / "state" / "events.jsonl").mkdir(parents=True)
    (a.folder / "state" / "demoted.json").write_text("{")
    a.start()
    a.await_state("MASTER")

    page = must(a, "status")
    assert "!! demotions: " in page and "it is damaged: nothing is demoted" in page
    assert "!! events cannot be written, " in page
    assert a.node.holds() and mainstay(a, "events").rc == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> t.Iterator[Path]:
    """256 kB for everything that a daemon keeps."""
    folder = tmp_path / "small"
    folder.mkdir()
    command.must(["mount", "-t", "tmpfs", "-o", "size=256k", "small", str(folder)])
    yield folder
    command.must(["umount", "--lazy", str(folder)])


@pytest.mark.fault("F23")
def test_a_full_disk_drops_events_and_counts_them_and_a_demotion_holds(
    segment: Segment, tmp_path: Path, small_disk: Path
) -> None:
    a = Daemon(segment.node("a"), small_disk, VI_1=quick(200))
    a.log = tmp_path / "log"
    a.start().await_state("MASTER")
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)
    for _number in range(15):  # what is left of the journal's last block is used up
        must(a, "demote", "--all", "--reason", "x" * 190)

    page = must(a, "status")
    assert "!! events cannot be written, " in page and "No space left on device" in page
    assert "what is demoted now is not after a restart" in page
    assert a.status()["demoted"] is True and a.status()["effective_priority"] == 1

    filler.unlink()
    must(a, "restore", "--all")
    assert "DROPPED" in events(a, "mainstayd") and "cannot be written" not in must(a, "status")
    a.await_state("MASTER")

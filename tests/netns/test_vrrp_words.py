# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that keepalived's users write about an instance, a script or a group: what they do between two machines."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from netns.daemons import Daemon, Document
from netns.operators import Operator
from netns.pairs import await_line, quick
from netns.segment import VIP, Segment

from lab.waiting import wait_for

LONG = 600


def await_heard(daemon: Daemon, count: int, name: str = "VI_1") -> None:
    """Wait until it has received so many more adverts."""
    before = daemon.status(name)["counters"]["adverts_received"]
    more = lambda: daemon.status(name)["counters"]["adverts_received"] >= before + count  # noqa: E731
    wait_for(more, 20, f"{count} adverts to reach {daemon.node.name}", evidence=daemon.evidence)


@pytest.mark.conformance("FSM-23")
@pytest.mark.conformance_negative("FSM-23")
def test_preempt_delay_leaves_a_lesser_master_alone_but_not_a_dead_one(segment: Segment, tmp_path: Path) -> None:
    """FSM-23."""
    b = Daemon(segment.node("b"), tmp_path, VI_1=quick(100)).start()
    b.await_state("MASTER")
    a = Daemon(segment.node("a"), tmp_path, VI_1=quick(150, preempt_delay=LONG)).start()
    a.await_state("BACKUP")
    await_heard(a, 6)
    assert (a.state(), a.status()["transitions"], a.node.holds()) == ("BACKUP", 1, False), a.evidence()

    b.signal_and_await_end()
    a.await_state("MASTER")
    wait_for(a.node.holds, 5, "a to hold the address", evidence=a.evidence)

    a.node.cut()
    a.await_state("FAULT")
    b.start().await_state("MASTER")
    a.node.heal()
    a.await_state("BACKUP")
    await_heard(a, 6)
    assert a.state() == "BACKUP", a.evidence()
    a.write(VI_1=quick(150, preempt_delay=1))
    assert a.ask("reload")["ok"]
    a.await_state("MASTER")
    b.await_state("BACKUP")


@pytest.mark.parametrize(("booted", "held"), [(50, True), (5000, False)], ids=["just booted", "up for long"])
def test_instances_hold_still_for_a_while_after_the_boot_of_the_machine(
    segment: Segment, tmp_path: Path, booted: int, held: bool
) -> None:
    """The daemon lives in a time namespace, in which the machine was booted so many seconds ago."""
    a = Daemon(segment.node("a"), tmp_path)
    uptime = int(float(Path("/proc/uptime").read_text().split()[0]))
    a.through = ("unshare", "--time", "--fork", "--boottime", str(booted - uptime), "--monotonic", str(booted - uptime))
    a.write_document(global_defs={"vrrp_delay_after_boot": 3600}, vrrp_instances={"VI_1": quick(255)})
    a.start().await_state("BACKUP" if held else "MASTER")
    assert ("the startup delay runs" in a.log.read_text()) is held
    assert (a.status()["counters"]["adverts_sent"] == 0) is held
    assert a.node.holds(VIP) is not held


def test_init_fail_distrusts_a_script_and_a_script_runs_as_its_user(segment: Segment, tmp_path: Path) -> None:
    """One instance for each script."""
    a = Operator(segment.node("a"), tmp_path)
    runs = {name: a.folder / name for name in ("distrusted", "soon")}
    scripts: Document = {
        name: {"script": a.program(f"check_{name}", f"echo run >> {place}"), "init_fail": True}
        for name, place in runs.items()
    }
    who = """/bin/sh -c 'test "$(id -un) $(id -gn)" = "nobody daemon"'"""
    scripts["distrusted"]["rise"], scripts["soon"]["rise"] = 1000, 3
    scripts["trusted"] = {"script": "/bin/true", "rise": 1000}
    scripts["nobody"] = {"script": {"command": who, "user": "nobody", "group": "daemon"}}
    scripts["root"] = {"script": {"command": who}}
    numbers = {name: number for number, name in enumerate(scripts, 60)}
    instances = {
        name: quick(150, virtual_router_id=number, virtual_ipaddress=[f"192.0.2.{number}/24"], track_script=[name])
        for name, number in numbers.items()
    }
    timed = {name: {"interval": 0.2, "timeout": 5, **script} for name, script in scripts.items()}
    a.daemon.write_document(global_defs=a.defs, vrrp_scripts=timed, vrrp_instances=instances)
    a.daemon.start()

    for name in ("soon", "trusted", "nobody"):
        a.daemon.await_state("MASTER", name=name)
    assert len(runs["soon"].read_text().splitlines()) >= 3, "not before its third success"
    wait_for(lambda: len(runs["distrusted"].read_text().splitlines()) >= 6, 10, "six runs", evidence=a.evidence)
    for name in ("distrusted", "root"):
        assert a.daemon.state(name) == "FAULT", f"{name}: {a.evidence()}"
        assert not a.node.holds(f"192.0.2.{numbers[name]}")


MEMBERS = {"VI_1": 51, "VI_2": 52}
TIMERS = {"min_rx": 0.1, "min_tx": 0.1, "multiplier": 3}


def members(priority: int, **first: object) -> Document:
    """Two instances on eth0; the first has these options, too."""
    addresses = {name: f"192.0.2.{number}/24" for name, number in MEMBERS.items()}
    made = {
        name: quick(priority, virtual_router_id=number, virtual_ipaddress=[addresses[name]])
        for name, number in MEMBERS.items()
    }
    made["VI_1"].update(first)
    return made


def await_members(daemon: Daemon, state: str, effective_priority: int) -> None:
    """Wait until both are in this state with this priority, and hold their addresses or not."""

    def reached() -> bool:
        found = [daemon.status(name) for name in MEMBERS]
        right = all((one["state"], one["effective_priority"]) == (state, effective_priority) for one in found)
        return right and all(daemon.node.holds(f"192.0.2.{n}") is (state == "MASTER") for n in MEMBERS.values())

    what = f"both on {daemon.node.name} to be {state} with {effective_priority}"
    wait_for(reached, 15, what, evidence=daemon.evidence)


def test_what_a_group_tracks_moves_all_of_it_and_its_programs_are_told(segment: Segment, tmp_path: Path) -> None:
    """A script, a process and a BFD session, the last two with reverse: they are good while they are not there."""
    a, b = (Operator(segment.node(name), tmp_path) for name in "ab")
    broken, program = a.folder / "broken", a.folder / f"rv{os.getpid()}"
    shutil.copy("/bin/sleep", program)
    group = {
        "group": list(MEMBERS),
        "track_script": ["chk weight -60"],
        "track_process": ["rival weight -60 reverse"],
        "track_bfd": ["to_b weight 60 reverse"],
    }
    told = {f"notify_{event}": a.teller(f"notify_{event}") for event in ("master", "backup", "fault", "stop")}
    a.daemon.write_document(
        global_defs=a.defs,
        vrrp_scripts={"chk": {"script": a.program("check", f"! [ -e {broken} ]"), "interval": 0.2, "timeout": 5}},
        vrrp_track_processes={"rival": {"process": program.name}},
        bfd_instances={"to_b": {"neighbor_ip": b.node.address, "source_ip": a.node.address, **TIMERS}},
        vrrp_instances=members(150),
        vrrp_sync_groups={"VG_1": {**group, **told}},
    )
    plain: Document = {"vrrp_instances": members(120), "vrrp_sync_groups": {"VG_1": {"group": list(MEMBERS)}}}
    session = {"to_a": {"neighbor_ip": a.node.address, "source_ip": b.node.address, **TIMERS}}
    a.daemon.start()
    b.daemon.write_document(**plain)
    b.daemon.start()
    good = 150 + 60
    await_members(a.daemon, "MASTER", good)
    await_members(b.daemon, "BACKUP", 120)

    b.daemon.write_document(**plain, bfd_instances=session)
    assert b.daemon.ask("reload")["ok"]
    wait_for(lambda: a.daemon.status("VI_2")["effective_priority"] == 150, 20, "the session", evidence=a.evidence)
    broken.touch()
    await_members(b.daemon, "MASTER", 120)
    await_members(a.daemon, "BACKUP", 150 - 60)
    b.daemon.write_document(**plain)
    assert b.daemon.ask("reload")["ok"]
    await_members(a.daemon, "MASTER", good - 60)

    rival = a.node.start([str(program), "600"], a.folder / "rival")
    await_members(a.daemon, "BACKUP", 150 - 60)
    broken.unlink()
    rival.signal(signal.SIGKILL)
    await_members(a.daemon, "MASTER", good)

    a.node.cut()
    a.daemon.await_state("FAULT", name="VI_2")
    a.daemon.signal_and_await_end()
    states = ["backup", "master"] * 3 + ["fault", "stop"]
    assert [call.strip() for call in a.calls()] == [f"notify_{state}" for state in states], a.evidence()


def test_a_member_tracks_with_a_weight_of_its_own_where_the_group_allows_it(segment: Segment, tmp_path: Path) -> None:
    a = Operator(segment.node("a"), tmp_path)
    broken = a.folder / "broken"
    scripts = {"chk": {"script": a.program("check", f"! [ -e {broken} ]"), "interval": 0.2, "timeout": 5}}

    def document(**group: object) -> Document:
        first = members(150, track_script=["chk weight -60"])
        groups = {"VG_1": {"group": list(MEMBERS), **group}}
        return {"global_defs": a.defs, "vrrp_scripts": scripts, "vrrp_instances": first, "vrrp_sync_groups": groups}

    a.daemon.write_document(**document(sync_group_tracking_weight=True))
    a.daemon.start()
    await_members(a.daemon, "MASTER", 150)
    broken.touch()
    own = lambda: [a.daemon.status(name)["effective_priority"] for name in MEMBERS]  # noqa: E731
    wait_for(lambda: own() == [90, 150], 10, "the weight to count for VI_1 alone", evidence=a.evidence)

    a.daemon.write_text(json.dumps(document()))
    refused = a.daemon.ask("reload")
    assert not refused["ok"] and "set sync_group_tracking_weight" in json.dumps(refused), refused
    assert own() == [90, 150]
    await_line(a.daemon, "chk")


def test_a_file_of_a_group_moves_all_its_members_and_each_priority_is_told_where_that_is_asked_for(
    segment: Segment, tmp_path: Path
) -> None:
    """notify_priority_changes stands with the first machine's group, and with one instance of the second."""
    a, b = (Operator(segment.node(name), tmp_path) for name in "ab")
    members = {"VI_1": 51, "VI_2": 52}
    loads = {operator: operator.folder / "load" for operator in (a, b)}
    asks = {"notify_priority_changes": True}
    for operator, load in loads.items():
        operator.read_fifo()
        operator.sections["track_files"] = {"load": {"file": str(load), "weight": 1, "init_file": 0}}
        group = {"group": list(members), "track_file": ["load"], **(asks if operator is a else {})}
        operator.sections["vrrp_sync_groups"] = {"VG_1": group}

    def start(operator: Operator, priority: int, state: str) -> None:
        addresses = {name: [f"192.0.2.{number}/24"] for name, number in members.items()}
        operator.sections["vrrp_instances"] = {
            name: quick(priority, virtual_router_id=number, virtual_ipaddress=addresses[name])
            for name, number in members.items()
        }
        if operator is b:
            operator.sections["vrrp_instances"]["VI_2"].update(asks)
        operator.start(priority)
        await_members(operator, state)

    def await_members(operator: Operator, state: str) -> None:
        for name in members:
            operator.daemon.await_state(state, name=name)

    def of(operator: Operator, word: str) -> set[str]:
        return {line for line in operator.lines() if word in line}

    start(a, 150, "MASTER")
    start(b, 100, "BACKUP")
    loads[a].write_text("-60")
    await_members(b, "MASTER")
    await_members(a, "BACKUP")
    loads[a].write_text("0")
    await_members(a, "MASTER")
    await_members(b, "BACKUP")
    told = {f'INSTANCE "{name}" {event}' for name in members for event in ("MASTER_PRIORITY 90", "BACKUP_PRIORITY 150")}
    wait_for(lambda: of(a, "_PRIORITY") == told, 10, f"{told} in the FIFO", evidence=a.evidence)

    loads[b].write_text("-5")
    lower = lambda: all(b.daemon.status(name)["effective_priority"] == 95 for name in members)  # noqa: E731
    wait_for(lower, 10, "priority 95 on b", evidence=b.evidence)
    loads[b].write_text("-254")
    await_members(b, "FAULT")
    wait_for(lambda: 'GROUP "VG_1" FAULT 0' in b.lines(), 10, "the fault in the FIFO", evidence=b.evidence)
    assert of(b, "_PRIORITY") == {'INSTANCE "VI_2" BACKUP_PRIORITY 95'}, b.lines()

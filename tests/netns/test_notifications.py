# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts, FIFOs and trackers of real daemons: what they are told, what they move, what they cannot hold up."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import typing as t
from pathlib import Path

import pytest
from netns.operators import FAST, Operator
from netns.segment import VIP, Segment
from netns.wire import Capture

from lab.processes import Process
from lab.waiting import wait_for


def test_a_failover_is_told_to_scripts_and_fifos_exactly_once_and_in_order(segment: Segment, tmp_path: Path) -> None:
    a, b = (Operator(segment.node(name), tmp_path) for name in "ab")
    for operator in (a, b):
        operator.read_fifo()
        group = {"group": ["VI_1"], "notify": operator.teller("group")}
        operator.sections["vrrp_sync_groups"] = {"VG_1": group}
    a.start(150, **a.notifications())
    a.daemon.await_state("MASTER")
    b.start(100, **b.notifications())
    b.daemon.await_state("BACKUP")

    a.daemon.signal_and_await_end()
    b.daemon.await_state("MASTER")

    _assert_told(a, 150, "BACKUP", "MASTER", "STOP")
    _assert_told(b, 100, "BACKUP", "MASTER")


def _assert_told(operator: Operator, priority: int, *states: str) -> None:
    """These states of instance and group, once each and in this order, to every program and to the FIFO."""
    operator.await_number(operator.calls, 3 * len(states))
    operator.await_number(operator.lines, 2 * len(states))
    of_instance = [call for call in operator.calls() if not call.startswith("group ")]
    of_group = [call for call in operator.calls() if call.startswith("group ")]
    assert of_instance == [
        call for state in states for call in (f"notify_{state.lower()} ", f"notify INSTANCE VI_1 {state} {priority}")
    ]
    assert of_group == [f"group GROUP VG_1 {state} 0" for state in states]
    lines = operator.lines()
    assert [line for line in lines if "VI_1" in line] == [f'INSTANCE "VI_1" {state} {priority}' for state in states]
    assert [line for line in lines if "VI_1" not in line] == [f'GROUP "VG_1" {state} 0' for state in states]


@pytest.mark.fault("F64")
@pytest.mark.xdist_group("hogs")
def test_programs_that_hang_flood_and_fork_delay_no_advert(segment: Segment, tmp_path: Path) -> None:
    """F64: whatever programs do, the adverts of the master are on the wire and the backup stays one."""
    a, b = (Operator(segment.node(name), tmp_path) for name in "ab")
    b.start(100)
    b.daemon.await_state("MASTER")
    stuck = "trap '' TERM; while :; do sleep 1; done"
    a.sections["vrrp_scripts"] = {
        "hangs": {"script": a.program("hangs", stuck), "interval": 0.5, "weight": -1},
        "floods": {"script": a.program("floods", "yes"), "interval": 0.5, "weight": -1},
        "forks": {
            "script": a.program("forks", "for i in 1 2 3 4 5; do sleep 60 & done; wait"),
            "interval": 0.5,
            "weight": -1,
        },
    }
    a.defs.update(notify_fifo=str(a.fifo), notify_fifo_script=a.program("stuck_reader", stuck))
    hanging = a.program("notify", f'echo "$*" >> {a.calls_file}; {stuck}')
    a.start(150, notify=hanging, track_script=["hangs", "floods", "forks"])
    a.daemon.await_state("MASTER")
    b.daemon.await_state("BACKUP")
    transitions = b.daemon.status()["transitions"]
    capture = Capture(segment.node("c"), tmp_path, f"proto 112 and src {a.node.address}")

    a.await_logged("did not end within")
    wait_for(lambda: len(capture.packets()) >= 40, 30, "forty adverts", evidence=a.evidence)

    capture.stop()
    times = [float(packet.time) for packet in capture.packets()]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert max(gaps) < 3 * FAST["advert_int"], f"longest silence {max(gaps):.3f} s"
    assert b.daemon.status()["transitions"] == transitions and b.daemon.state() == "BACKUP"
    # Priority: three weighted scripts without a result count as down.
    assert a.calls() == ["INSTANCE VI_1 BACKUP 147"], "the next state waits for the program that hangs"
    a.daemon.signal_and_await_end()
    assert not a.fifo.exists() and a.node.processes() == []


def test_a_failing_track_script_moves_the_address_and_its_rise_brings_it_back(segment: Segment, tmp_path: Path) -> None:
    a, b = (Operator(segment.node(name), tmp_path) for name in "ab")
    broken = a.folder / "broken"
    script = a.program("check", f"if [ -e {broken} ]; then echo service is down; exit 7; fi")
    a.sections["vrrp_scripts"] = {"chk": {"script": script, "interval": 0.2, "timeout": 5, "fall": 2, "rise": 3}}
    a.start(150, track_script=["chk"], **a.notifications())
    a.daemon.await_state("MASTER")
    b.start(100)
    b.daemon.await_state("BACKUP")

    broken.touch()
    b.daemon.await_state("MASTER")
    a.daemon.await_state("FAULT")
    wait_for(lambda: b.node.holds() and not a.node.holds(), 10, f"{VIP} to move", evidence=a.evidence)
    a.await_logged("vrrp_script chk: down: exit status 7: service is down")
    tracker = a.daemon.ask("status")["trackers"]["script:chk"]
    assert (tracker["up"], tracker["status"], tracker["output"]) == (False, 7, "service is down\n")

    broken.unlink()
    a.daemon.await_state("MASTER")
    b.daemon.await_state("BACKUP")
    wait_for(lambda: a.node.holds() and not b.node.holds(), 10, f"{VIP} to come back", evidence=a.evidence)

    def told() -> list[str]:
        states = [call.split()[3] for call in a.calls() if call.startswith("notify INSTANCE")]
        return states[states.index("MASTER") :]

    story = ["MASTER", "FAULT", "BACKUP", "MASTER"]
    wait_for(lambda: len(told()) >= len(story), 10, "the last state to be told", evidence=a.evidence)
    assert told() == story, a.evidence()


def test_weights_of_scripts_files_and_processes_move_the_address(segment: Segment, tmp_path: Path) -> None:
    a, b = (Operator(segment.node(name), tmp_path) for name in "ab")
    broken, load = a.folder / "broken", a.folder / "load"
    sleeper = a.folder / f"ms{os.getpid()}"
    shutil.copy("/bin/sleep", sleeper)
    script = a.program("check", f"! [ -e {broken} ]")
    a.sections.update(
        vrrp_scripts={"chk": {"script": script, "interval": 0.2, "timeout": 5, "weight": -60}},
        track_files={"load": {"file": str(load), "weight": 2, "init_file": 0}},
        vrrp_track_processes={"web": {"process": sleeper.name, "weight": -60}},
    )
    web = a.node.start([str(sleeper), "600"], a.folder / "sleeper")
    a.start(150, track_script=["chk"], track_file=["load"], track_process=["web"])
    a.daemon.await_state("MASTER")
    b.start(100)
    b.daemon.await_state("BACKUP")

    def moves(there: t.Callable[[], object], back: t.Callable[[], object]) -> None:
        there()
        b.daemon.await_state("MASTER")
        a.daemon.await_state("BACKUP")
        back()
        a.daemon.await_state("MASTER")
        b.daemon.await_state("BACKUP")

    moves(broken.touch, broken.unlink)
    moves(lambda: load.write_text("-30"), lambda: load.write_text("0"))
    moves(lambda: web.signal(signal.SIGKILL), lambda: a.node.start([str(sleeper), "600"], a.folder / "sleeper"))


def test_results_and_running_readers_survive_a_reload_and_the_death_of_the_worker(
    segment: Segment, tmp_path: Path
) -> None:
    """A script whose result is known is not waited for again."""
    a = Operator(segment.node("a"), tmp_path)
    a.read_fifo()
    a.defs["fifo_write_vrrp_states_on_reload"] = True
    started = a.folder / "started"
    script = a.program("check", f"echo x >> {started}; while [ -e {a.folder}/slow ]; do sleep 0.1; done")
    a.sections["vrrp_scripts"] = {"chk": {"script": script, "interval": 1, "timeout": 100}}
    a.start(150, track_script=["chk"])
    a.daemon.await_state("MASTER")
    (a.folder / "slow").touch()
    log_before = a.daemon.log.read_text()
    before = a.daemon.ask("status")
    reader = before["notifications"]["fifos"][str(a.fifo)]["reader"]

    a.write(140, track_script=["chk"])
    assert a.daemon.ask("reload")["ok"] is True
    os.kill(before["vrrp"]["pid"], signal.SIGKILL)
    what = "a successor of the killed worker"
    wait_for(lambda: a.daemon.ask("status")["vrrp"]["pid"] not in (before["vrrp"]["pid"], None), 15, what)
    a.daemon.await_state("MASTER")

    assert "FAULT" not in a.daemon.log.read_text().removeprefix(log_before), a.evidence()
    assert a.daemon.ask("status")["notifications"]["fifos"][str(a.fifo)]["reader"] == reader
    repeated = 'INSTANCE "VI_1" MASTER 150'
    wait_for(lambda: a.lines().count(repeated) == 2, 10, "the state to be repeated", evidence=a.evidence)


@pytest.mark.fault("F11")
def test_no_room_for_a_process_is_a_failed_script_and_the_daemon_lives(segment: Segment, tmp_path: Path) -> None:
    """F11."""
    a = Operator(segment.node("a"), tmp_path)
    a.sections["vrrp_scripts"] = {"chk": {"script": "/bin/true", "interval": 0.2}}
    a.start(150, track_script=["chk"])
    a.daemon.await_state("MASTER")
    process = t.cast(Process, a.daemon.process)
    usual = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    open_now = len(os.listdir(f"/proc/{process.pid}/fd"))

    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (open_now - 4, usual[1]))
    a.await_logged("vrrp_script chk: down: cannot be started: Too many open files")
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, usual)

    a.await_logged("vrrp_script chk: up: exit status 0")
    a.daemon.await_state("MASTER")


def test_start_and_end_have_their_scripts_and_wait_for_stop(segment: Segment, tmp_path: Path) -> None:
    a = Operator(segment.node("a"), tmp_path)
    held = f"ip -4 address show | grep -q ' {VIP}/' && held=yes || held=no"
    a.defs.update(
        startup_script=a.program("startup", f"{held}; echo startup $held >> {a.calls_file}"),
        shutdown_script=a.program("shutdown", f"{held}; echo shutdown $held >> {a.calls_file}"),
    )
    a.start(150, notify_stop=a.teller("slow_stop", "sleep 0.5"))
    a.daemon.await_state("MASTER")
    a.daemon.signal_and_await_end()
    assert a.calls() == ["startup no", "slow_stop ", "shutdown no"]


def test_the_end_does_not_wait_for_ever(segment: Segment, tmp_path: Path) -> None:
    a = Operator(segment.node("a"), tmp_path)
    stuck = a.program("stuck", f"echo $0 >> {a.calls_file}; trap '' TERM; while :; do sleep 1; done")
    a.start(150, notify_master=stuck, notify_stop=stuck)
    a.daemon.await_state("MASTER")
    a.daemon.signal_and_await_end()
    assert a.calls() == [stuck, stuck], "the one that hung was ended for the one of STOP"
    assert "for STOP: mainstayd stops" in a.daemon.log.read_text()


def test_a_script_that_others_can_change_is_never_run(segment: Segment, tmp_path: Path) -> None:
    a = Operator(segment.node("a"), tmp_path)
    script = a.teller("check")
    Path(script).chmod(0o777)
    a.sections["vrrp_scripts"] = {"chk": {"script": script, "interval": 0.2}}
    a.start(150, track_script=["chk"], notify=script)
    a.await_logged(f"vrrp_script chk: {script} can be written by everybody; take that away with chmod o-w")
    a.daemon.await_state("FAULT")
    assert a.calls() == []

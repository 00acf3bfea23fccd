# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vrrp_track_process: which processes are meant, how many there have to be, and how we hear of them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.journal import Journal
from mainstay.daemon.programs.process_table import ProcessEntry, read_process
from mainstay.daemon.programs.process_tracker import ProcessTracker, matches
from mainstay.daemon.programs.process_trackers import ProcessTrackers
from mainstay.daemon.programs.process_watch import ProcessWatch
from mainstay.model.tracking import VrrpTrackProcess
from mainstay.model.units import seconds
from mainstay.net.process_events import ProcessEvents
from unit.scripted_poller import ScriptedPoller

from .script_lab import Loop

NGINX = ProcessEntry("nginx", ("/usr/sbin/nginx", "-g", "daemon on;"))


def wanted(*process: str, **options: t.Any) -> VrrpTrackProcess:
    return VrrpTrackProcess("web", process, **options)


@pytest.mark.parametrize(
    ("definition", "meant"),
    [
        (wanted("nginx"), True),
        (wanted("ngin"), False),
        (wanted("nginx", "-g", "daemon on;"), True),
        (wanted("nginx", "-g"), False),
        (wanted("nginx", "-g", param_match="partial"), True),
        (wanted("nginx", "-g", "daemon", param_match="partial"), False),
        (wanted("nginx", "-g", "daemon", param_match="initial"), True),
        (wanted("nginx", "-g", "other", param_match="initial"), False),
        (wanted("nginx", "-g", "daemon on;", "x", param_match="initial"), False),
        (wanted("/usr/sbin/nginx", full_command=True), True),
        (wanted("nginx", full_command=True), False),
    ],
)
def test_which_processes_are_meant(definition: VrrpTrackProcess, meant: bool) -> None:
    assert matches(definition, NGINX) is meant


def test_long_names_are_compared_as_far_as_the_kernel_keeps_them() -> None:
    assert matches(wanted("keepalived-exporter"), ProcessEntry("keepalived-expo", ()))


def test_threads_of_the_kernel_have_no_command_line() -> None:
    assert not matches(wanted("kthreadd", full_command=True), ProcessEntry("kthreadd", ()))
    assert matches(wanted("kthreadd"), ProcessEntry("kthreadd", ()))


class Count:
    """One tracker that sees as many nginx as the test says."""

    def __init__(self, **options: t.Any) -> None:
        self.poller = ScriptedPoller()
        self.verdicts: list[bool | None] = []
        self.tracker = ProcessTracker(
            wanted("nginx", **options), self.poller, lambda tracker: self.verdicts.append(tracker.up)
        )

    def sees(self, number: int) -> None:
        self.tracker.look([NGINX] * number, self.poller.clock)


@pytest.mark.parametrize(
    ("options", "counts", "verdicts"),
    [
        ({}, [1, 0, 3], [True, False, True]),
        ({"quorum": 2}, [1, 2, 1], [False, True, False]),
        ({"quorum_max": 2}, [1, 3, 2], [True, False, True]),
        ({"quorum_max": 0}, [0, 1, 0], [True, False, True]),
    ],
)
def test_how_many_there_have_to_be(options: dict[str, t.Any], counts: list[int], verdicts: list[bool]) -> None:
    count = Count(**options)
    for number in counts:
        count.sees(number)
    assert count.verdicts == verdicts
    assert f"{counts[-1]} running" in count.tracker.why


def test_a_restart_within_terminate_delay_is_nothing() -> None:
    count = Count(terminate_delay=seconds(2))
    count.sees(1)
    count.sees(0)
    count.poller.run_for(seconds(1.9))
    count.sees(1)
    count.poller.run_for(seconds(10))
    assert count.verdicts == [True]


def test_gone_for_longer_than_terminate_delay_is_down_and_fork_delay_is_waited_for() -> None:
    count = Count(terminate_delay=seconds(2), fork_delay=seconds(1))
    count.sees(1)
    count.sees(0)
    count.poller.run_for(seconds(2))
    assert count.verdicts == [True, False]
    count.sees(1)
    count.poller.run_for(seconds(0.9))
    assert count.verdicts == [True, False]
    count.poller.run_for(seconds(0.1))
    assert count.verdicts == [True, False, True]


# ---- real processes


def no_connector() -> t.NoReturn:
    raise OSError(errno.ECONNREFUSED, "Connection refused")


class Real:
    """Real processes of a program with a name of its own."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / f"ms{os.getpid()}"
        shutil.copy("/bin/sleep", self.program)
        self.loop = Loop()
        self.changes = 0
        self._children: list[subprocess.Popen[bytes]] = []

    def watch(self, listen: t.Callable[[], ProcessEvents] = ProcessEvents) -> ProcessWatch:
        made = ProcessWatch(self.loop, lambda entry: entry.name == self.program.name, self._changed, listen)
        made.start()
        return made

    def start(self) -> subprocess.Popen[bytes]:
        self._children.append(subprocess.Popen([str(self.program), "60"]))
        return self._children[-1]

    def close(self) -> None:
        for child in self._children:
            child.kill()
            child.wait()
        self.loop.close()

    def _changed(self, _now: int) -> None:
        self.changes += 1


@pytest.fixture
def real(folder: Path) -> t.Iterator[Real]:
    made = Real(folder)
    yield made
    made.close()


def connector() -> ProcessEvents:
    """The machine's, or nothing where there is none (containers): then /proc is what is tested."""
    return ProcessEvents()


@pytest.mark.parametrize("listen", [connector, no_connector])
def test_processes_that_run_come_and_go_are_seen(real: Real, listen: t.Callable[[], ProcessEvents]) -> None:
    first = real.start()
    watch = real.watch(listen)
    real.loop.until(lambda: list(watch.processes) == [first.pid], "the one that runs already")
    second = real.start()
    real.loop.until(lambda: set(watch.processes) == {first.pid, second.pid}, "the one that came")
    assert watch.processes[second.pid].words == (str(real.program), "60")
    first.kill()  # not reaped: a dead process does not run
    real.loop.until(lambda: list(watch.processes) == [second.pid], "the first to be gone")
    assert real.changes >= 2
    watch.close()


def test_without_events_proc_is_read_and_said_so(real: Real) -> None:
    watch = real.watch(no_connector)
    assert watch.source == "/proc every second"
    watch.close()


class LosesEvents:
    """A connector that overflows once."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.write(self._writer, b"x")

    def fileno(self) -> int:
        return self._reader

    def receive(self) -> None:
        if os.get_blocking(self._reader):
            os.read(self._reader, 1)
            os.set_blocking(self._reader, False)
            raise OSError(errno.ENOBUFS, "No buffer space available")

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


def test_lost_events_make_us_look_again(real: Real) -> None:
    watch = real.watch(t.cast(t.Callable[[], ProcessEvents], LosesEvents))
    watch._poll = lambda _now: None  # type: ignore[method-assign]
    child = real.start()
    real.loop.until(lambda: child.pid in watch.processes, "the process that no event told of")
    watch.close()


def test_a_dead_process_and_none_at_all_are_nothing(real: Real) -> None:
    child = real.start()
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert read_process(child.pid) is None
    child.wait()
    assert read_process(child.pid) is None


def test_a_tracker_of_the_configuration_counts_real_processes(real: Real) -> None:
    log: list[str] = []
    journal = Journal(lambda text: bool(log.append(text)) or True, under_systemd=True)
    trackers = ProcessTrackers(real.loop, journal, lambda: None)
    trackers.configure({"web": wanted(real.program.name)}, real.loop.now())

    def result() -> t.Mapping[str, object]:
        return trackers.results()["process:web"]

    assert result() == {"up": False, "why": "0 running, 1 wanted"}
    child = real.start()
    real.loop.until(lambda: result() == {"up": True, "why": "1 running, 1 wanted"}, "it to be up")
    child.kill()
    real.loop.until(lambda: result()["up"] is False, "it to be down")
    trackers.configure({}, real.loop.now())
    assert trackers.results() == {} and trackers.status() == {}

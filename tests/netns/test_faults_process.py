# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host does to the daemon's processes: freezing, killing for memory, starving, signals, a crash that repeats."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import sys
import time
import typing as t
from pathlib import Path

import pytest
from netns.address_watch import AddressWatch
from netns.daemons import Daemon, instance
from netns.pairs import LEASED, SHORT, await_adverts, await_line, nothing_moves, settled_pair
from netns.segment import DEVICE, Segment

from lab import cgroups
from lab.waiting import wait_for

FEW_FILES = 64
HOGS = 4
HOG = """
import os, time
while not os.path.exists(os.environ["GO"]):
    time.sleep(0.01)
kept = [b"x" * (1 << 20 | number) for number in range(64)]
time.sleep(60)
"""
"""Takes more than its group may have; the kernel kills whoever has the highest score in the group first."""


@pytest.mark.fault("F05")
def test_a_frozen_cgroup_loses_the_address_before_its_successor_takes_it(segment: Segment, tmp_path: Path) -> None:
    """As a container runtime pauses a service: no signal is seen, and CLOCK_MONOTONIC runs on."""
    a, b = settled_pair(segment, tmp_path, advert_int=LEASED)
    name = f"{segment.prefix}frozen"
    group = cgroups.create(name)
    try:
        for process in a.node.processes():
            (group / "cgroup.procs").write_text(str(process.pid))
        with AddressWatch([a.node, b.node]) as watch:
            (group / "cgroup.freeze").write_text("1")
            wait_for(b.node.holds, 15, "b to take over", evidence=b.evidence)
            assert not a.node.holds() and watch.both_held(a.node, b.node) == 0
            (group / "cgroup.freeze").write_text("0")
            await_line(a, "without an advert of ours")
            a.await_state("MASTER")
            b.await_state("BACKUP")
    finally:
        (group / "cgroup.freeze").write_text("0")
        a.node.signal_all(signal.SIGKILL)
        cgroups.remove(name)


@pytest.mark.fault("F08")
def test_a_worker_that_always_dies_is_started_ever_more_slowly_and_the_peer_serves(
    segment: Segment, tmp_path: Path
) -> None:
    a, b = settled_pair(segment, tmp_path, advert_int=LEASED)
    killed: set[int] = set()

    def strike() -> bool:
        worker = a.ask("status")["vrrp"]["pid"]
        if worker is not None and worker not in killed:
            killed.add(worker)
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        return b.state() == "MASTER"

    wait_for(strike, 20, "b to have taken over from a crash loop", evidence=b.evidence)
    end = time.monotonic() + 2.0
    with AddressWatch([a.node, b.node]) as watch:
        while time.monotonic() < end:
            strike()
            time.sleep(0.05)
        assert watch.both_held(a.node, b.node) == 0
    assert len(killed) < 12, "each start waits longer than the last"
    a.await_state("MASTER", 30)


@pytest.mark.fault("F09")
def test_a_worker_killed_for_memory_is_replaced_and_never_are_there_two_holders(
    segment: Segment, tmp_path: Path
) -> None:
    a, b = settled_pair(segment, tmp_path, advert_int=LEASED)
    worker = a.ask("status")["vrrp"]["pid"]
    with memory_group(f"{segment.prefix}memory", 24 << 20) as group, AddressWatch([a.node, b.node]) as watch:
        (Path("/proc") / str(worker) / "oom_score_adj").write_text("1000")
        (group / "cgroup.procs").write_text(str(worker))
        hog = a.node.start([sys.executable, "-c", HOG], tmp_path / "hog", GO=str(tmp_path / "go"))
        (group / "cgroup.procs").write_text(str(hog.pid))
        (tmp_path / "go").touch()

        replaced = lambda: a.ask("status")["vrrp"]["pid"] not in (worker, None)  # noqa: E731
        wait_for(replaced, 20, "another worker", evidence=a.evidence)
        a.await_state("MASTER", 20)
        b.await_state("BACKUP")
        assert watch.both_held(a.node, b.node) <= SHORT, "but for the moment of an orderly preemption"
        hog.signal(signal.SIGKILL)
        wait_for(lambda: not hog.alive(), 10, "the hog to end")
    assert "killed by SIGKILL" in a.log.read_text()


@pytest.mark.fault("F10")
def test_without_descriptors_it_stays_master_and_answers_again_when_there_are_some(
    segment: Segment, tmp_path: Path
) -> None:
    a, b = settled_pair(segment, tmp_path)
    for process in a.node.processes():
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (FEW_FILES, FEW_FILES))
    control = str(a.folder / "run" / "control.sock")
    with nothing_moves(a, b), contextlib.ExitStack() as clients:
        for _count in range(2 * FEW_FILES):
            client = clients.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(control)
        sent = b.status()["counters"]["adverts_received"]
        more = lambda: b.status()["counters"]["adverts_received"] >= sent + 10  # noqa: E731
        wait_for(more, 15, "ten adverts", evidence=b.evidence)
    wait_for(a.answers, 15, "a to answer", evidence=a.evidence)


@pytest.mark.fault("F10")
def test_a_worker_without_descriptors_says_so_and_works_again_by_itself(segment: Segment, tmp_path: Path) -> None:
    """The sockets of an interface that is made anew need descriptors."""
    a, b = settled_pair(segment, tmp_path)
    worker = a.ask("status")["vrrp"]["pid"]
    _soft, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (3, hard))
    a.node.ip(f"link delete {DEVICE}")
    b.await_state("MASTER")
    a.node.plug()
    await_line(a, "Too many open files")
    assert not a.node.holds() and b.node.holds()

    resource.prlimit(worker, resource.RLIMIT_NOFILE, (1024, hard))
    a.await_state("MASTER", 20)


@pytest.mark.fault("F12")
def test_a_hundred_reloads_and_status_requests_leave_no_memory_behind(segment: Segment, tmp_path: Path) -> None:
    """Growth goes on for ever, warming up does not."""
    a = Daemon(segment.node("a"), tmp_path, VI_1=instance(150, advert_int=SHORT)).start()
    a.await_state("MASTER")

    def exercise(times: int) -> dict[int, int]:
        for number in range(times):
            a.write(VI_1=instance(150 + number % 2, advert_int=SHORT))
            assert a.ask("reload")["ok"] is True
            a.ask("status")
        return {process.pid: resident(process.pid) for process in a.node.processes()}

    exercise(60)
    before = exercise(20)
    after = exercise(100)
    assert set(after) == set(before), "the same processes"
    grown = {pid: after[pid] - before[pid] for pid in after}
    assert max(grown.values()) <= 300, f"kB: {grown}"


@pytest.mark.fault("F14")
def test_a_restart_in_order_hands_over_and_back_and_never_are_there_two(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path)
    with AddressWatch([a.node, b.node]) as watch:
        a.signal_and_await_end()
        b.await_state("MASTER")
        a.start().await_state("MASTER")
        b.await_state("BACKUP")
        handed_back = watch.holdings(a.node)[-1].since
        first, last = watch.holdings(a.node)[0], watch.holdings(b.node)
        assert len(last) == 1 and last[0].since >= first.until, "priority 0 comes after the address has gone"
        assert last[0].until >= handed_back - 3 * SHORT, "b serves until a is back"
    assert b.status()["counters"]["priority_zero_received"] == 1


@pytest.mark.fault("F17")
@pytest.mark.xdist_group("hogs")
def test_busy_neighbours_cost_no_mastership(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path, advert_int=1)
    for _count in range(HOGS):
        a.node.start([sys.executable, "-c", "while True: pass"], tmp_path / "hog")
    with nothing_moves(a, b):
        await_adverts(a, 3)


@pytest.mark.fault("F18")
def test_a_hundred_hang_ups_are_few_reloads_and_no_transition(segment: Segment, tmp_path: Path) -> None:
    a, b = settled_pair(segment, tmp_path)
    with nothing_moves(a, b), AddressWatch([a.node]) as watch:
        for _count in range(100):
            a.signal(signal.SIGHUP)
        await_adverts(a, 6)
        assert len(watch.holdings(a.node)) == 1, "the address was never away"
    reloads = len(re.findall(r"reload", a.log.read_text()))
    assert 1 <= reloads < 100, f"{reloads} lines of reloads"


def resident(pid: int) -> int:
    """Memory that is the process's own, in kB."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+: +(\d+) kB", rollup, re.MULTILINE))


@contextlib.contextmanager
def memory_group(name: str, limit: int) -> t.Iterator[Path]:
    """A cgroup of so many bytes, in whichever hierarchy has the memory controller."""
    first = Path("/sys/fs/cgroup/memory")
    group = (first if first.is_dir() else Path("/sys/fs/cgroup")) / name
    group.mkdir()
    try:
        (group / ("memory.limit_in_bytes" if first.is_dir() else "memory.max")).write_text(str(limit))
        yield group
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text(), 10, f"{group} to be empty")
        group.rmdir()

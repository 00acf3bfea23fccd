# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a daemon takes: physical pages of its processes, each counted once.

PSS divides a page by all processes that map it, strangers too: on a machine with other Pythons it makes a daemon
look lighter than it is where it runs alone. So the pages are counted one by one (proc(5), pagemap), and PSS stands
beside.
"""

from __future__ import annotations

import dataclasses
import json
import os
import struct
import time
import typing as t
from pathlib import Path

from netns.daemons import Daemon, Document, Keepalived, instance
from netns.segment import Node, Segment

from bench.figures import AtMost, Figure, Series
from bench.pair import THEIRS
from bench.pss import pss_of
from bench.release import from_release, installed
from lab.processes import PROC, Process
from lab.waiting import wait_for

MEGABYTE = 1_000_000  # PSS is published in these; the kernel counts in KiB
IDLE_SECONDS = 1.5
OUR_PROCESSES = 3

_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENTRY = struct.Struct("=Q")
_PRESENT = 1 << 63
_FRAME = (1 << 55) - 1
_UNCOUNTED = ("[vsyscall]", "[vvar]", "[vdso]")
"""The kernel's own pages, in every process."""


@dataclasses.dataclass(frozen=True)
class Use:
    """Memory of one daemon, in MB."""

    pages: float
    """Distinct physical pages."""
    pss: float
    by_process: t.Mapping[str, float]
    """Pages that no other process of the daemon has mapped."""


def use_of(processes: t.Sequence[Process]) -> Use:
    """Read it now, as root."""
    frames = {process.pid: frames_of(process.pid) for process in processes}
    everything: set[int] = set().union(*frames.values())
    own = {
        _name(pid): len(mine.difference(*(theirs for other, theirs in frames.items() if other != pid)))
        for pid, mine in frames.items()
    }
    return Use(
        _megabytes(len(everything)),
        sum(pss_of((PROC / str(process.pid) / "smaps_rollup").read_text()) for process in processes) / MEGABYTE,
        {name: _megabytes(count) for name, count in own.items()},
    )


def frames_of(pid: int) -> set[int]:
    """The page frames that a process has mapped and that are in memory."""
    found: set[int] = set()
    with (PROC / str(pid) / "pagemap").open("rb", buffering=0) as pagemap:
        for start, end in mappings((PROC / str(pid) / "maps").read_text()):
            pagemap.seek(start // _PAGE * _ENTRY.size)
            entries = pagemap.read((end - start) // _PAGE * _ENTRY.size)
            found.update(entry & _FRAME for (entry,) in _ENTRY.iter_unpack(entries) if entry & _PRESENT)
    return found


def mappings(maps: str) -> t.Iterator[tuple[int, int]]:
    """Start and end of each mapping in /proc/PID/maps, without the kernel's own."""
    for line in maps.splitlines():
        words = line.split()
        if words[-1] not in _UNCOUNTED:
            start, _dash, end = words[0].partition("-")
            yield int(start, 16), int(end, 16)


def measure(runs: int, folder: Path, say: t.Callable[[str], None]) -> list[Figure]:
    """Our daemon on each data plane and keepalived, in turn, one at a time."""
    release = installed(folder / "installed")
    makers: dict[str, t.Callable[[Node, Path], Daemon | Keepalived]] = {
        "nftables": lambda node, below: _ours(node, below, "nftables", release),
        "ipvs": lambda node, below: _ours(node, below, "ipvs", release),
        THEIRS: lambda node, below: Keepalived(node, below, 150),
    }
    uses: dict[str, list[Use]] = {name: [] for name in makers}
    for count in range(runs):
        say(f"memory, run {count + 1}")
        for name, maker in makers.items():
            uses[name].append(_run(maker, folder / f"{name}{count}"))
    return [figure for plane in ("nftables", "ipvs") for figure in _figures(plane, uses[plane], uses[THEIRS])]


def _run(maker: t.Callable[[Node, Path], Daemon | Keepalived], folder: Path) -> Use:
    segment = Segment("m")
    try:
        one = maker(segment.node("a"), folder)
        one.start()
        wait_for(one.node.holds, 20, "the daemon to be master", evidence=one.log.read_text)
        time.sleep(IDLE_SECONDS)
        processes = one.node.processes()
        assert isinstance(one, Keepalived) or len(processes) == OUR_PROCESSES, one.log.read_text()
        return use_of(processes)
    finally:
        segment.close()


def _ours(node: Node, folder: Path, data_plane: str, release: Path) -> Daemon:
    """One VIP, one service with two checked real servers."""
    daemon = Daemon(node, folder)
    daemon.through = from_release(release)
    servers: list[Document] = [
        {"address": f"192.0.2.{last}", "port": 80, "check": {"type": "http", "path": "/", "status_code": 200}}
        for last in (21, 22)
    ]
    service = {
        "address": "192.0.2.10", "port": 80, "protocol": "TCP", "lb_algo": "wrr", "lb_kind": "NAT",
        "real_servers": servers,
    }  # fmt: skip
    document = {
        "global_defs": {"data_plane": data_plane},
        "vrrp_instances": {"VI_1": instance(150)},
        "virtual_servers": {"web": service},
    }
    daemon.write_text(json.dumps(document))
    return daemon


def _without_kernel(plane: str) -> str:
    missing = plane == "ipvs" and not (PROC / "net" / "ip_vs").exists()
    return "This kernel has no ip_vs: the engine's code is loaded, its table is not there. " if missing else ""


def _figures(plane: str, ours: t.Sequence[Use], theirs: t.Sequence[Use]) -> list[Figure]:
    shares = ", ".join(f"{name} {megabytes:.1f}" for name, megabytes in sorted(ours[-1].by_process.items()))
    remark = (
        f"{_without_kernel(plane)}MB that only one process has mapped, in the last run: {shares}; "
        "the rest is shared among them. keepalived's are its main and its VRRP process: "
        "with a virtual_server it ends at once on a kernel without ip_vs."
    )
    return [
        Figure(f"memory, {plane}", "MB", 1, _series(ours, "pages"), _series(theirs, "pages"), AtMost(40.0), remark),
        Figure(f"memory, {plane}, sum of PSS", "MB", 1, _series(ours, "pss"), _series(theirs, "pss"), AtMost(40.0)),
    ]


def _series(uses: t.Sequence[Use], what: str) -> Series:
    return Series(tuple(getattr(use, what) for use in uses))


def _megabytes(pages: int) -> float:
    return pages * _PAGE / MEGABYTE


def _name(pid: int) -> str:
    return (PROC / str(pid) / "comm").read_text().strip()

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/benchmarks.md: the table, and what makes it and on what."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from bench.figures import Figure, Series
from bench.record import Part

HEADINGS = (
    "figure", "Mainstay: median", "worst", "keepalived: median", "worst", "ratio", "runs", "target", "",
)  # fmt: skip
VERDICTS = {True: "met", False: "**missed**", None: ""}

PAGE = """\
# Benchmarks

Made by `{command}` from what each part measured last; a part that is run again (`ONLY=memory make bench`) writes its
lines anew.

{table}

{remarks}

## When and where

{places}

## How it is measured

{method}
"""

METHOD = """\
- Two machines are two network namespaces on a bridge; each runs a whole daemon (`python3 -m mainstay daemon`, or
  keepalived as Debian ships it). VRRP version 3, advert_int 1, priorities 150 and 100, one VIP, default lease.
- Pairs of ours and of keepalived run side by side in each round, their faults a fifth of a second apart. A pair
  settles before each run: the master holds the VIP alone and the backup has heard it.
- A fault strikes right after an advert of the master, so that the random phase of a second does not hide a
  difference of milliseconds. Clocks start before the fault: before the system call that takes the carrier away, before
  the signal to the main process, before the first of the signals to all processes (which are stopped first and then
  killed, so that none sees another die).
- Who holds the VIP when is the kernel's word: rtnetlink notifications of both namespaces, stamped with the monotonic
  clock of the one process that reads them. Double holding is watched for {watched:g} s after the fault.
- Memory is read from /proc/PID/pagemap: the distinct physical pages that the processes of one daemon have mapped, each
  page counted once, as if nothing else on the machine shared the interpreter or the C library. The sum of PSS beside
  it is lower when other Pythons run.
- Start to first advert: from the call that starts the program to the first VRRP packet on the wire, with priority 255,
  which sends at once.
- Verdict to kernel: the daemon's own health worker with a TCP check of a port that is closed. The clock starts when the
  probe hands over its verdict and ends when the kernel has acknowledged the change: no new connection goes to that
  server from then on. With nftables the flows that it still has are ended after that (ip_vs drops their packets by
  itself): "its flows ended", without a target.
- Tables: in a guest with ip_vs, by the daemon's own engine against `ipvsadm -R` with the same table on its standard
  input. A start lasts from the call that starts the daemon until /proc/net/ip_vs names the last server.
- Checks: every server is an address of the host itself, answered by one process, which also counts. Processor is what
  the kernel charged to the checking process in 20 s, kernel work for its connections included. Ours and keepalived's
  are compared in a guest, where keepalived finds its ip_vs.
- All figures of VRRP that follow are read from the wire, by a packet socket beside the bridge's ports with the
  kernel's own stamps: the daemons are real-time processes and take the processor from whoever measures. At 10 ms
  keepalived has the same real-time priority as ours (vrrp_rt_priority 20), and vrrp_rlimit_rttime 1 s, or it would kill
  itself.
- Takeover at 10 ms: from the last advert on the wire to the first announcement of the last VIP. Each VIP is in the
  kernel before it is announced, and that all are there is checked.
- Processor: what the kernel has charged to the process that speaks VRRP (/proc/PID/schedstat) in 30 s, with one
  VIP for each instance.
- Reload: from the request to the answer, which waits until both workers run the new configuration; keepalived has no
  such answer. 500 instances are 250 on each of two links, all as master. A gap is between two adverts of one router.
- Restart: the fault strikes right after an advert. A third host sends 100 echo requests a second to the VIP.
- Soak: endless loops of ordinary priority, more than there are processors. A false failover is an advert of the backup.
"""


@dataclass(frozen=True)
class Machine:
    """Where it was measured."""

    kernel: str
    processors: int
    versions: t.Sequence[str]
    load: float
    """Mean number of runnable processes in the minute before the run: others' work."""


def table(rows: t.Iterable[t.Sequence[str]]) -> str:
    """The table in Markdown."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def part(figures: t.Sequence[Figure], machine: Machine, date: str) -> Part:
    """What is kept of one part."""
    remarks = [f"{figure.name}: {figure.remark}" for figure in figures if figure.remark]
    return Part(date, where(machine), [row(figure) for figure in figures], remarks)


def row(figure: Figure) -> tuple[str, ...]:
    """The cells of one line."""
    ratio = "" if figure.ratio is None else f"{figure.ratio:.3f}"
    target = "" if figure.target is None else figure.target.words(figure.unit)
    runs = str(figure.ours.runs) if figure.theirs is None else f"{figure.ours.runs} + {figure.theirs.runs}"
    return (
        figure.name, *spread(figure, figure.ours), *spread(figure, figure.theirs), ratio, runs, target,
        VERDICTS[figure.met],
    )  # fmt: skip


def spread(figure: Figure, series: Series | None) -> tuple[str, str]:
    """Median and worst with their unit."""
    if series is None:
        return "", ""
    return (
        f"{series.median:.{figure.digits}f} {figure.unit}".rstrip(),
        f"{series.worst:.{figure.digits}f} {figure.unit}".rstrip(),
    )


def listed(lines: t.Iterable[str]) -> str:
    """What has to be known to read single lines."""
    return "\n".join(f"- {line}" for line in lines)


def where(machine: Machine) -> str:
    """One paragraph about the machine."""
    busy = "" if machine.load < machine.processors / 4 else (
        f" Others kept the machine busy: load {machine.load:.1f} before the run."
    )  # fmt: skip
    return f"Linux {machine.kernel}, {machine.processors} CPUs; {'; '.join(machine.versions)}.{busy}"


def page(parts: t.Mapping[str, Part], command: str, watched: float) -> str:
    """The whole page."""
    return PAGE.format(
        command=command,
        table=table(cells for one in parts.values() for cells in one.rows),
        remarks=listed(remark for one in parts.values() for remark in one.remarks),
        places=listed(f"{name}: {one.date}, {one.where}" for name, one in parts.items()),
        method=METHOD.format(watched=watched).strip(),
    )

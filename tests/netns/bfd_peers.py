# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's FRR and BIRD as BFD neighbors: run on a node, asked for their view of the session."""

from __future__ import annotations

import signal
import typing as t
from pathlib import Path

from netns import frr
from netns.segment import DEVICE, Node

from lab.waiting import wait_for


class BfdPeer(t.Protocol):
    """A program that speaks BFD."""

    def start(self) -> None:
        """Run it; again after `kill` too."""

    def kill(self) -> None:
        """End it without a word."""

    def is_up(self, address: str) -> bool:
        """Whether its session with this address is up."""


class Frr:
    """FRR's bfdd, 100 ms and three packets."""

    def __init__(self, node: Node, folder: Path, neighbors: t.Mapping[str, str]) -> None:
        """`neighbors`: our address -> the one of this node that it talks to."""
        peers = "".join(_FRR_PEER.format(theirs, own, DEVICE) for theirs, own in neighbors.items())
        self._frr = frr.Frr(node, folder, "bfdd", f"bfd\n{peers}!\n", "--bfdctl", "{folder}/bfdd.sock")

    def start(self) -> None:
        """zebra too."""
        self._frr.start()

    def kill(self) -> None:
        """Both at once."""
        self._frr.kill()

    def is_up(self, address: str) -> bool:
        """As `show bfd peers json` says."""
        peers = self._frr.shows("show bfd peers json") or ()
        return any(peer["peer"] == address and peer["status"] == "up" for peer in peers)


class Bird:
    """BIRD 2, 100 ms and three packets."""

    def __init__(self, node: Node, folder: Path, neighbors: t.Mapping[str, str]) -> None:
        """`neighbors`: our address -> the one of this node that it talks to."""
        self.node = node
        self.folder = folder / f"bird-{node.name}"
        self.folder.mkdir(parents=True)
        self.log = self.folder / "log"
        lines = "".join(f'  neighbor {theirs} dev "{DEVICE}";\n' for theirs in neighbors)
        (self.folder / "bird.conf").write_text(_BIRD.format(node.address, DEVICE, lines))

    def start(self) -> None:
        """In the foreground."""
        files = ["-c", self.folder / "bird.conf", "-s", self.folder / "ctl", "-P", self.folder / "pid"]
        self.node.start(["/usr/sbin/bird", "-f", *map(str, files)], self.log)

    def kill(self) -> None:
        """At once."""
        self.node.signal_all(signal.SIGKILL)
        wait_for(lambda: not self.node.processes(), 10, "BIRD to end")

    def is_up(self, address: str) -> bool:
        """As `show bfd sessions` says."""
        shown = self.node.run("birdc", "-s", str(self.folder / "ctl"), "show bfd sessions").stdout
        return any(line.split()[:1] == [address] and "Up" in line.split() for line in shown.splitlines())


_FRR_PEER = """\
 peer {} local-address {} interface {}
  detect-multiplier 3
  receive-interval 100
  transmit-interval 100
 !
"""

_BIRD = """\
router id {};
log stderr all;
protocol device {{}}
protocol bfd {{
  interface "{}" {{
    min rx interval 100 ms;
    min tx interval 100 ms;
    idle tx interval 1 s;
    multiplier 3;
  }};
{}}}
"""

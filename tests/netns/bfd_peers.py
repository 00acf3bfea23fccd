# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's FRR and BIRD as BFD neighbors: run on a node, asked for their view of the session."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import typing as t
from pathlib import Path

from netns.segment import DEVICE, Node

from lab.waiting import wait_for

_FRR = Path("/usr/lib/frr")
_START_SECONDS = 20.0


class BfdPeer(t.Protocol):
    """A program that speaks BFD."""

    def start(self) -> None:
        """Run it; again after `kill` too."""

    def kill(self) -> None:
        """End it without a word."""

    def is_up(self, address: str) -> bool:
        """Whether its session with this address is up."""


class Frr:
    """zebra and bfdd, 100 ms and three packets."""

    def __init__(self, node: Node, folder: Path, neighbors: t.Mapping[str, str]) -> None:
        """`neighbors`: our address -> the one of this node that it talks to."""
        self.node = node
        self.log = folder / f"frr-{node.name}" / "log"
        self.log.parent.mkdir(parents=True)
        # FRR gives up root, and insists on its own user and group: pytest's folders are closed to those.
        self._home = tempfile.TemporaryDirectory(prefix="msns-frr-")
        self.folder = Path(self._home.name)
        peers = "".join(_FRR_PEER.format(theirs, own, DEVICE) for theirs, own in neighbors.items())
        (self.folder / "bfdd.conf").write_text(f"bfd\n{peers}!\n")
        (self.folder / "zebra.conf").write_text("")
        for path in (self.folder, *self.folder.iterdir()):
            shutil.chown(path, "frr", "frr")

    def start(self) -> None:
        """zebra first: bfdd learns of the interfaces from it."""
        self._run("zebra")
        wait_for((self.folder / "zserv").exists, _START_SECONDS, "zebra to listen", evidence=self.log.read_text)
        self._run("bfdd", "--bfdctl", str(self.folder / "bfdd.sock"))

    def kill(self) -> None:
        """Both at once; what they leave behind would stop the next ones."""
        self.node.signal_all(signal.SIGKILL)
        wait_for(lambda: not self.node.processes(), 10, "FRR to end")
        for left in [*self.folder.glob("z*serv"), *self.folder.glob("*.vty"), *self.folder.glob("*.pid")]:
            left.unlink()

    def is_up(self, address: str) -> bool:
        """As `show bfd peers json` says."""
        options = ["--vty_socket", str(self.folder), "--config_dir", str(self.folder)]
        shown = self.node.run("vtysh", *options, "-d", "bfdd", "-c", "show bfd peers json")
        try:
            peers = json.loads(shown.stdout)
        except ValueError:
            return False
        return any(peer["peer"] == address and peer["status"] == "up" for peer in peers)

    def _run(self, program: str, *more: str) -> None:
        options = ["-A", "127.0.0.1", "-P", "0", "--log", "stdout"]
        files = ["-f", self.folder / f"{program}.conf", "-i", self.folder / f"{program}.pid"]
        files += ["-z", self.folder / "zserv", "--vty_socket", self.folder]
        self.node.start([str(_FRR / program), *options, *map(str, files), *more], self.log)


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

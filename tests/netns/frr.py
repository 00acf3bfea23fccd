# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's FRR in a namespace, without systemd: zebra and one other daemon, asked through vtysh."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import typing as t
from pathlib import Path

from netns.segment import Node

from lab.waiting import wait_for

_PROGRAMS = Path("/usr/lib/frr")
_START_SECONDS = 20.0


class Frr:
    """zebra and one daemon that learns of the interfaces from it."""

    def __init__(self, node: Node, folder: Path, program: str, configuration: str, *more: str) -> None:
        """`program`: bfdd, vrrpd; `configuration`: text of its file; `more`: further words of its command line."""
        self.node = node
        self.log = folder / f"frr-{node.name}" / "log"
        self.log.parent.mkdir(parents=True)
        self._program = program
        # FRR gives up root, and insists on its own user and group: pytest's folders are closed to those.
        self._home = tempfile.TemporaryDirectory(prefix="msns-frr-")
        self.folder = Path(self._home.name)
        self._more = [word.format(folder=self.folder) for word in more]
        (self.folder / f"{program}.conf").write_text(configuration)
        (self.folder / "zebra.conf").write_text("")
        for path in (self.folder, *self.folder.iterdir()):
            shutil.chown(path, "frr", "frr")

    def start(self) -> None:
        """zebra first, and the other one as soon as it listens."""
        self._run("zebra")
        wait_for((self.folder / "zserv").exists, _START_SECONDS, "zebra to listen", evidence=self.log.read_text)
        self._run(self._program, *self._more)

    def stop(self) -> None:
        """End the daemon in order, and zebra after it."""
        pid = int((self.folder / f"{self._program}.pid").read_text())
        for process in self.node.processes():
            if process.pid == pid:
                process.signal(signal.SIGTERM)
                wait_for(lambda process=process: not process.alive(), 10, f"{self._program} to end")
        self.kill()

    def kill(self) -> None:
        """Both at once; what they leave behind would stop the next ones."""
        self.node.signal_all(signal.SIGKILL)
        wait_for(lambda: not self.node.processes(), 10, "FRR to end")
        for left in [*self.folder.glob("z*serv"), *self.folder.glob("*.vty"), *self.folder.glob("*.pid")]:
            left.unlink()

    def shows(self, command: str) -> t.Any:
        """What a `show ... json` command answers; None when the daemon does not answer, or not yet."""
        options = ["--vty_socket", str(self.folder), "--config_dir", str(self.folder)]
        shown = self.node.run("vtysh", *options, "-d", self._program, "-c", command)
        try:
            return json.loads(shown.stdout)
        except ValueError:
            return None

    def _run(self, program: str, *more: str) -> None:
        options = ["-A", "127.0.0.1", "-P", "0", "--log", "stdout"]
        files = ["-f", self.folder / f"{program}.conf", "-i", self.folder / f"{program}.pid"]
        files += ["-z", self.folder / "zserv", "--vty_socket", self.folder]
        self.node.start([str(_PROGRAMS / program), *options, *map(str, files), *more], self.log)

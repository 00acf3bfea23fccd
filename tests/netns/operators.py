# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node with a daemon, and the programs of its operator."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from netns.daemons import Daemon, Document, instance
from netns.segment import Node

from lab.waiting import wait_for

EVENTS = ("master", "backup", "fault", "stop")
FAST = {"advert_int": 0.2}


class Operator:
    """One node with a daemon, and the programs of its operator."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.daemon = Daemon(node, folder)
        self.folder = self.daemon.folder
        self.node = node
        self.calls_file = self.folder / "calls"
        self.read_file = self.folder / "read"
        self.fifo = self.folder / "fifo"
        self.defs: Document = {"script_user": "root"}
        self.sections: Document = {}

    def program(self, name: str, text: str) -> str:
        """A shell script; its path."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def teller(self, name: str, before: str = "") -> str:
        """A script that writes down how it was called."""
        return self.program(name, f'{before}\necho "{name} $*" >> {self.calls_file}')

    def notifications(self) -> Document:
        """Every notify script of keepalived's, each writing down its call."""
        own = {f"notify_{event}": self.teller(f"notify_{event}") for event in EVENTS}
        return {**own, "notify": self.teller("notify")}

    def read_fifo(self) -> None:
        """A FIFO with a reader that writes down every line."""
        reader = self.program("reader", f'exec cat "$1" >> {self.read_file}')
        self.defs.update(notify_fifo=str(self.fifo), notify_fifo_script=reader)

    def write(self, priority: int, **options: object) -> None:
        """The configuration: one instance VI_1."""
        instances = {"VI_1": instance(priority, **FAST, **options)}
        document = {"global_defs": self.defs, "vrrp_instances": instances, **self.sections}
        self.daemon.write_text(json.dumps(document))

    def start(self, priority: int, **options: object) -> Operator:
        """Write it and start the daemon."""
        self.write(priority, **options)
        self.daemon.start()
        return self

    def calls(self) -> list[str]:
        """How programs were called so far."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def lines(self) -> list[str]:
        """What the reader of the FIFO read so far."""
        return self.read_file.read_text().splitlines() if self.read_file.exists() else []

    def await_number(self, of: t.Callable[[], list[str]], number: int) -> None:
        """Wait until there are so many of them."""
        what = f"{number} calls or lines on {self.node.name}"
        wait_for(lambda: len(of()) >= number, 15, what, evidence=self.evidence)

    def await_logged(self, words: str) -> None:
        """Wait until the log has these words."""
        what = f"{words!r} in the log of {self.node.name}"
        wait_for(lambda: words in self.daemon.log.read_text(), 15, what, evidence=self.evidence)

    def evidence(self) -> str:
        """What an engineer wants to see."""
        return f"calls {self.calls()}, lines {self.lines()}, {self.daemon.evidence()}"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon under test, and keepalived as its peer, on a node of a segment."""

from __future__ import annotations

import json
import signal
import socket
import typing as t
from pathlib import Path

from netns.segment import DEVICE, VIP, Node

from lab.processes import Process
from lab.waiting import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
VIRTUAL_ROUTER_ID = 51
START_SECONDS = 20.0
"""A daemon starts in under a second; a busy machine may need far longer."""

Document = t.Dict[str, t.Any]


def instance(priority: int, **options: object) -> Document:
    """One vrrp_instance of the segment's group, as a configuration file spells it."""
    usual = {"interface": DEVICE, "virtual_router_id": VIRTUAL_ROUTER_ID, "virtual_ipaddress": [f"{VIP}/24"]}
    return {**usual, "priority": priority, **options}


class Daemon:
    """One mainstay daemon."""

    def __init__(self, node: Node, folder: Path, **instances: Document) -> None:
        self.node = node
        self.folder = folder / node.name
        self.log = self.folder / "log"
        self.process: Process | None = None
        self.through: tuple[str, ...] = ()
        """What starts it, as unshare(1) does: words before its own."""
        (self.folder / "run").mkdir(parents=True)
        self.write(**instances)

    def write(self, **instances: Document) -> None:
        """Write the configuration file."""
        self.write_document(vrrp_instances=instances)

    def write_document(self, **sections: Document) -> None:
        """Write a configuration of several sections."""
        self.write_text(json.dumps(sections))

    def write_text(self, text: str) -> None:
        """Write whatever instead of a configuration."""
        (self.folder / "mainstay.json").write_text(text)

    def start(self) -> Daemon:
        """Start it and wait until it answers."""
        self.launch()
        wait_for(self.answers, START_SECONDS, f"the daemon on {self.node.name}", evidence=self.log.read_text)
        return self

    def launch(self) -> None:
        """Start it and do not wait."""
        arguments = ["--config", str(self.folder / "mainstay.json"), "--run-dir", str(self.folder / "run")]
        arguments += ["--state-dir", str(self.folder / "state")]
        path = f"{CHECKOUT}/plugins/module_utils:{CHECKOUT}/tests"
        self.process = self.node.start([*self.through, *COMMAND, *arguments], self.log, PYTHONPATH=path)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        assert self.process is not None
        self.process.signal(number)

    def signal_and_await_end(self) -> None:
        """SIGTERM, and wait until nothing of it runs."""
        self.signal(signal.SIGTERM)
        what = f"the daemon on {self.node.name} to end"
        wait_for(lambda: not self.node.processes(), 15, what, evidence=self.evidence)

    def ask(self, verb: str, **arguments: object) -> Document:
        """One request over the control socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(10)
            client.connect(str(self.folder / "run" / "control.sock"))
            client.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
            with client.makefile("rb") as answers:
                return t.cast(Document, json.loads(answers.readline()))

    def answers(self) -> bool:
        """Whether it runs its instances."""
        try:
            return bool(self.ask("status")["vrrp"]["instances"])
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def status(self, name: str = "VI_1") -> Document:
        """The status of one instance."""
        return t.cast(Document, self.ask("status")["vrrp"]["instances"][name])

    def state(self, name: str = "VI_1") -> str:
        """MASTER, BACKUP, ..."""
        return str(self.status(name)["state"])

    def await_state(self, state: str, deadline: float = 15.0, name: str = "VI_1") -> None:
        """Wait until the instance is in this state."""
        what = f"{name} on {self.node.name} to be {state}"
        wait_for(lambda: self.state(name) == state, deadline, what, evidence=self.evidence)

    def evidence(self) -> str:
        """What an engineer wants to see of it."""
        return f"{self.node.name}: {self.log.read_text()[-3000:]}"


class Keepalived:
    """Debian's keepalived as the peer."""

    def __init__(
        self,
        node: Node,
        folder: Path,
        priority: int,
        advert_int: int = 1,
        addresses: t.Sequence[str] = (),
        more: str = "",
    ) -> None:
        """`more` are further lines of the instance."""
        self.node = node
        self.folder = folder / f"keepalived-{node.name}"
        self.log = self.folder / "log"
        self.process: Process | None = None
        self.only: tuple[str, ...] = ("--vrrp",)
        """Its processes; () for all of them."""
        self._said_before = 0
        self.folder.mkdir(parents=True)
        lines = {"addresses": "\n        ".join(addresses or [f"{VIP}/24"]), "more": more}
        self.write_text(_KEEPALIVED.format(priority=priority, advert_int=advert_int, **lines))

    def write_text(self, text: str) -> None:
        """Write another configuration."""
        (self.folder / "keepalived.conf").write_text(text)

    def start(self) -> Keepalived:
        """Start it in the foreground."""
        folder = self.folder
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        files = [f"--pid={folder}/pid", f"--vrrp_pid={folder}/vrrp", f"--checkers_pid={folder}/checkers"]
        options = ["--dont-fork", "--log-console", "--log-detail", *self.only, f"--use-file={folder}/keepalived.conf"]
        self.process = self.node.start(["keepalived", *options, *files], self.log)
        return self

    def stop(self) -> None:
        """Stop it in order: it sends priority 0."""
        assert self.process is not None
        self.process.signal(signal.SIGTERM)

    def said(self) -> str:
        """Its log since it was started last."""
        return self.log.read_bytes()[self._said_before :].decode()

    def state(self, name: str = "VI_1") -> str:
        """MASTER, BACKUP, ... as its log says; "" before it says anything."""
        words = f"({name}) Entering "
        entered = [line.partition(words)[2] for line in self.said().splitlines() if words in line]
        return entered[-1].partition(" ")[0] if entered else ""

    def await_state(self, state: str, deadline: float = 15.0, name: str = "VI_1") -> None:
        """Wait until its log says so."""
        what = f"{name} of keepalived on {self.node.name} to be {state}"
        wait_for(lambda: self.state(name) == state, deadline, what, evidence=self.log.read_text)


COMMAND = [PYTHON, "-m", "mainstay", "daemon"]

_KEEPALIVED = """\
global_defs {{
    vrrp_version 3
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int {advert_int}
    {more}
    virtual_ipaddress {{
        {addresses}
    }}
}}
"""

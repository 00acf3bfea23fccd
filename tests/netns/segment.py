# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Ethernet segment of network namespaces: a bridge, and nodes that hang on it.

    a 192.0.2.1 ──┐
    b 192.0.2.2 ──┤ bridge in a namespace of its own      eth0 in each node, ports named after the nodes
    c 192.0.2.3 ──┘

Everything is named msns-PID-..., so that runs side by side never meet and a leftover names its culprit.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import typing as t
from pathlib import Path

from lab import command
from lab.network import NAMESPACES, add_namespace, ip
from lab.processes import Process, identify, kill_at_one_instant, network_members
from lab.waiting import wait_for

PREFIX = "msns-"
NETWORK = "192.0.2"
VIP = f"{NETWORK}.10"
DEVICE = "eth0"

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class Node:
    """One host of the segment."""

    device = DEVICE

    def __init__(self, segment: Segment, name: str, number: int) -> None:
        self.name = name
        self.address = f"{NETWORK}.{number}"
        self.namespace = f"{segment.prefix}{name}"
        self.port = f"port-{name}"
        self._segment = segment

    def ip(self, *words: str) -> None:
        """Run ip(8) here."""
        ip(self.namespace, *words)

    def start(self, argv: t.Sequence[str], log: Path, **environment: str) -> Process:
        """Start a program here, in the background; the segment's end kills it."""
        return self._segment.start(argv, log, self.namespace, **environment)

    def run(self, *argv: str) -> command.Completed:
        """Run a program here to its end."""
        return command.run(["ip", "netns", "exec", self.namespace, *argv])

    def processes(self) -> list[Process]:
        """Everything that runs here."""
        return [process for process in network_members(NAMESPACES / self.namespace) if process.alive()]

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to everything that runs here."""
        for process in self.processes():
            process.signal(number)

    def kill_all(self) -> None:
        """Everything that runs here dies at one instant."""
        kill_at_one_instant(self.processes)

    def holds(self, address: str = VIP) -> bool:
        """Whether the kernel has the address, as iproute2 sees it."""
        return bool(self.shown(address))

    def shown(self, address: str) -> str:
        """The line of iproute2 about this address, "" when the kernel does not have it."""
        lines = command.must(["ip", "-netns", self.namespace, "-oneline", "address", "show"]).splitlines()
        return next((line for line in lines if f" {address}/" in line), "")

    @property
    def link_local(self) -> str:
        """Its IPv6 address of the link, made of the MAC as the kernel does; "" until there is one."""
        shown = self.run("ip", "-6", "-oneline", "address", "show", "dev", DEVICE, "scope", "link").stdout.split()
        own = [word.partition("/")[0] for word in shown if word.startswith("fe80::") and "ff:fe" in word]
        return own[0] if own else ""

    def cut(self) -> None:
        """Take the carrier away."""
        ip(self._segment.namespace, f"link set {self.port} down")

    def heal(self) -> None:
        """Give the carrier back."""
        ip(self._segment.namespace, f"link set {self.port} up")

    def plug(self) -> None:
        """Make eth0 and hang it on the bridge."""
        ip(self._segment.namespace, f"link add {self.port} type veth peer name {DEVICE} netns {self.namespace}")
        ip(self._segment.namespace, f"link set {self.port} master br0 up")
        self.ip(f"address add {self.address}/24 dev {DEVICE}")
        self.ip(f"link set {DEVICE} up")

    @contextlib.contextmanager
    def inside(self) -> t.Iterator[None]:
        """This thread is in the namespace; sockets it opens stay there."""
        with open("/proc/thread-self/ns/net") as home, open(NAMESPACES / self.namespace) as there:
            _enter(there)
            try:
                yield
            finally:
                _enter(home)

    def socket(self, *arguments: int) -> socket.socket:
        """A socket of this node."""
        with self.inside():
            return socket.socket(*arguments)


class Segment:
    """The bridge, its nodes and whatever was started on them."""

    name = "bridge"
    device = "br0"
    """Whatever one node sends to another passes here."""

    def __init__(self, label: str) -> None:
        self.prefix = f"{PREFIX}{os.getpid()}-{label}"
        self.namespace = f"{self.prefix}net"
        self.nodes: dict[str, Node] = {}
        self._started: list[subprocess.Popen[bytes]] = []
        add_namespace(self.namespace)
        ip(self.namespace, "link add br0 type bridge mcast_snooping 0 stp_state 0 forward_delay 0")
        ip(self.namespace, "link set br0 up")

    def node(self, name: str) -> Node:
        """The node of this name, made when it is new: a is .1, b is .2 and so on."""
        if name not in self.nodes:
            node = Node(self, name, len(self.nodes) + 1)
            add_namespace(node.namespace)
            self.nodes[name] = node
            node.plug()
        return self.nodes[name]

    def start(self, argv: t.Sequence[str], log: Path, namespace: str = "", **environment: str) -> Process:
        """Start a program in the background, beside the bridge unless another namespace is named; the end kills it."""
        with log.open("ab") as output:
            running = subprocess.Popen(
                ["ip", "netns", "exec", namespace or self.namespace, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        return self.watch(running)

    def watch(self, started: subprocess.Popen[bytes]) -> Process:
        """Remember to reap it."""
        self._started.append(started)
        identity = identify(started.pid)
        assert identity is not None, "the program ended at once"
        return identity

    def close(self) -> None:
        """Kill what runs, remove the namespaces."""
        for node in self.nodes.values():
            node.signal_all(signal.SIGCONT)
            node.signal_all(signal.SIGKILL)
        for started in self._started:
            started.kill()
            started.wait(10)
        for node in self.nodes.values():
            wait_for(lambda node=node: not node.processes(), 10, f"everything in {node.namespace} to be gone")
            command.must(["ip", "netns", "delete", node.namespace])
        command.must(["ip", "netns", "delete", self.namespace])


def remove_leftovers() -> None:
    """Delete the namespaces of runs that were killed; those of a live process stay."""
    for path in NAMESPACES.glob(f"{PREFIX}*"):
        owner = path.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            for process in network_members(path):
                process.signal(signal.SIGKILL)
            command.run(["ip", "netns", "delete", path.name])


def _enter(namespace: t.IO[str]) -> None:
    if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")

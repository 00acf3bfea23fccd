# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client, a director and two real servers as network namespaces, for tests of both data planes.

    client 198.51.100.2 ────── 198.51.100.1 director 192.0.2.1 ──┬── 192.0.2.21 server "first"
           192.0.2.100 ────────────────────(bridge)──────────────┴── 192.0.2.22 server "second"

    client 2001:db8:1::2 ── 2001:db8:1::1 director 2001:db8:2::1 ──── 2001:db8:2::21 and ::22

Services of NAT listen on 198.51.100.10 and 2001:db8:1::10: the servers' way back to the client leads through the
director. Services of DR listen on 192.0.2.10, which the servers hold on lo: they answer the client's 192.0.2.100
directly. The client has sixteen more addresses of each family, to be sixteen clients.

No process is started for any of this: a socket belongs to the namespace it was opened in, so one thread of the test
answers for all servers. That matters in User-Mode-Linux, where starting a Python takes up to a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import socket
import subprocess
import threading
import typing as t
from pathlib import Path

NAT_VIP, DR_VIP = "198.51.100.10", "192.0.2.10"
CLIENT, CLIENT_NEAR_SERVERS = "198.51.100.2", "192.0.2.100"
SERVERS = {"first": "192.0.2.21", "second": "192.0.2.22"}
NAT_VIP6 = "2001:db8:1::10"
SERVERS6 = {"first": "2001:db8:2::21", "second": "2001:db8:2::22"}
CLIENTS = [f"198.51.100.{number}" for number in range(100, 116)]
CLIENTS6 = [f"2001:db8:1::{number:x}" for number in range(0x104, 0x114)]
"""Of both the first twelve share a network (/28 and /124), and the last four share the next."""
PORT, OTHER_PORT = 80, 8080
"""Where servers listen; at the second they answer "first:8080"."""
PATIENCE_SECONDS = 5.0

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def run(*command: str, text: str = "") -> str:
    """Run to the end; the test fails with what the command said."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


class Namespace:
    """One network namespace with a name of this test run's own."""

    def __init__(self, role: str) -> None:
        self.name = f"msns-{os.getpid()}-{role}"  # the prefix that the cleaning of leftovers looks for
        run("ip", "netns", "add", self.name)

    def delete(self) -> None:
        """Remove it with everything in it."""
        run("ip", "netns", "delete", self.name)

    def run(self, *command: str) -> str:
        """Run a command in it."""
        return run("ip", "netns", "exec", self.name, *command)

    def ip(self, script: str) -> None:
        """Run lines of ip(8) in it."""
        run("ip", "-n", self.name, "-batch", "-", text=script)

    def sysctl(self, key: str, value: str) -> None:
        """Set one below /proc/sys/net."""
        with self.inside():
            Path("/proc/sys/net", *key.split(".")).write_text(value)

    @contextlib.contextmanager
    def inside(self) -> t.Iterator[None]:
        """This thread is in the namespace; what it opens stays there."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.name}") as there:
            _enter(there)
            try:
                yield
            finally:
                _enter(home)


def _enter(namespace: t.IO[str]) -> None:
    if _LIBC.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Answering:
    """Every real server's sockets, answered by one thread: whatever comes in, the server's name goes out.

    Asked "whence?" it says the address that it sees its client at.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._stop, wake = socket.socketpair()
        self._selector.register(wake, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def listen(self, name: str, port: int, address: str = "0.0.0.0") -> None:
        """TCP and UDP on all addresses of one family in the namespace this thread is in."""
        family = _family(address)
        tcp = socket.create_server((address, port), family=family, backlog=64)  # of IPv6 only, for "::" as well
        udp = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.bind((address, port))
        for listener, answer in ((tcp, self._accept), (udp, self._reply)):
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, (answer, name.encode()))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.close()
        self._thread.join(PATIENCE_SECONDS)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _serve(self) -> None:
        while True:
            for key, _events in self._selector.select():
                if key.data is None:
                    return
                answer, name = key.data
                with contextlib.suppress(OSError):  # the peer went away
                    answer(key.fileobj, name)

    def _accept(self, listener: socket.socket, name: bytes) -> None:
        connection, _peer = listener.accept()
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, (self._answer, name))

    def _answer(self, connection: socket.socket, name: bytes) -> None:
        received = b""
        with contextlib.suppress(ConnectionError):
            received = connection.recv(1024)
        if received:
            connection.send(_said(name, received, connection.getpeername()))
        else:
            self._selector.unregister(connection)
            connection.close()

    def _reply(self, listener: socket.socket, name: bytes) -> None:
        received, peer = listener.recvfrom(1024)
        listener.sendto(_said(name, received, peer), peer)


def _said(name: bytes, received: bytes, peer: t.Tuple[t.Any, ...]) -> bytes:
    return str(peer[0]).encode() if received == b"whence?" else name


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Conversation:
    """A client's connection that stays open."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened

    def say(self, question: str = "who?") -> None:
        """Send without waiting for an answer."""
        self._socket.send(question.encode())

    def ask(self, question: str = "who?") -> str:
        """Who answers on it now? Raises OSError when nobody does."""
        self.say(question)
        answer = self._socket.recv(1024).decode()
        if not answer:
            raise ConnectionResetError("the server closed the connection")
        return answer

    def close(self) -> None:
        self._socket.close()


class PoolLab:
    """The machines of the picture above."""

    def __init__(self) -> None:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()  # has the kernel load IPv6 where it is a module
        self.client = Namespace("client")
        self.director = Namespace("director")
        self.servers = {name: Namespace(name) for name in SERVERS}
        self.answering = Answering()
        self._wire()
        for name, server in self.servers.items():
            with server.inside():
                for address in ("0.0.0.0", "::"):
                    self.answering.listen(name, PORT, address)
                    self.answering.listen(f"{name}:{OTHER_PORT}", OTHER_PORT, address)
        self.answering.start()

    def close(self) -> None:
        self.answering.stop()
        for namespace in (self.client, self.director, *self.servers.values()):
            namespace.delete()

    def connect(
        self, address: str, port: int = PORT, source: str = "", origin: t.Optional[Namespace] = None
    ) -> Conversation:
        """The client, or another machine, opens a TCP connection. Raises OSError when it cannot."""
        with (origin or self.client).inside():
            opened = socket.create_connection((address, port), PATIENCE_SECONDS, (source, 0))
        return Conversation(opened)

    def ask(self, address: str, port: int = PORT, source: str = "", origin: t.Optional[Namespace] = None) -> str:
        """Name of the server that answers one new TCP connection."""
        conversation = self.connect(address, port, source, origin)
        try:
            return conversation.ask()
        finally:
            conversation.close()

    def datagrams(self, address: str, port: int = PORT, source: t.Tuple[str, int] = ("", 0)) -> Conversation:
        """The client's UDP socket towards the service."""
        with self.client.inside():
            opened = socket.socket(_family(address), socket.SOCK_DGRAM)
        opened.settimeout(PATIENCE_SECONDS)
        opened.bind(source)
        opened.connect((address, port))
        return Conversation(opened)

    def ask_udp(self, address: str, port: int = PORT) -> str:
        """Name of the server that answers one datagram from a new source port."""
        conversation = self.datagrams(address, port)
        try:
            return conversation.ask()
        finally:
            conversation.close()

    def _wire(self) -> None:
        client, director = self.client, self.director
        director.ip(
            f"""link set lo up
            link add name servers type bridge
            link set servers up
            addr add 192.0.2.1/24 dev servers
            addr add {DR_VIP}/32 dev servers
            link add name clients type veth peer name front netns {client.name}
            link set clients up
            addr add 198.51.100.1/24 dev clients
            addr add {NAT_VIP}/32 dev clients
            addr add 2001:db8:1::1/64 dev clients nodad
            addr add {NAT_VIP6}/128 dev clients nodad
            addr add 2001:db8:2::1/64 dev servers nodad
            {self._port("to-client", client, "near")}
            """
            + "".join(self._port(f"to-{name}", server, "eth0") for name, server in self.servers.items())
        )
        client.ip(
            f"""link set lo up
            link set front up
            link set near up
            addr add {CLIENT}/24 dev front
            addr add {CLIENT_NEAR_SERVERS}/24 dev near
            addr add 2001:db8:1::2/64 dev front nodad
            route add 2001:db8:2::/64 via 2001:db8:1::1
            """
            + "".join(f"addr add {client}/24 dev front\n" for client in CLIENTS)
            + "".join(f"addr add {client}/64 dev front nodad preferred_lft 0\n" for client in CLIENTS6)
        )
        director.sysctl("ipv4.ip_forward", "1")
        director.sysctl("ipv6.conf.all.forwarding", "1")
        for name, server in self.servers.items():
            # A DR server must hold the VIP and keep still about it.
            server.sysctl("ipv4.conf.all.arp_ignore", "1")
            server.sysctl("ipv4.conf.all.arp_announce", "2")
            server.ip(
                f"""link set lo up
                link set eth0 up
                addr add {SERVERS[name]}/24 dev eth0
                addr add {DR_VIP}/32 dev lo
                route add default via 192.0.2.1
                addr add {SERVERS6[name]}/64 dev eth0 nodad
                route add default via 2001:db8:2::1
                """
            )

    @staticmethod
    def _port(name: str, namespace: Namespace, peer: str) -> str:
        return f"""link add name {name} type veth peer name {peer} netns {namespace.name}
            link set {name} master servers
            link set {name} up
            """

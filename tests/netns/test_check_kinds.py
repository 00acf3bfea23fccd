# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of names, datagrams, mail and TLS by a running daemon: what the servers are asked and what takes them out."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import typing as t
from pathlib import Path

from netns.checked_services import await_reason, run, service
from netns.daemons import Document
from netns.grpc_health import NOT_SERVING, SERVING, GrpcHealth
from netns.health_director import HealthDirector
from netns.pages import Pages
from netns.pool_lab import PORT, SERVERS, Namespace, PoolLab
from scapy.layers.dns import DNS, DNSQR, DNSRR
from zoo.certificates import make_certificates

from lab.mail_server import MailServer

OTHER_PORT = 8001
Stack = contextlib.ExitStack


class Names:
    """A name server that says one address of every name, and remembers the questions."""

    def __init__(self, namespace: Namespace) -> None:
        self.address = "192.0.2.80"
        self.asked: set[tuple[str, int]] = set()
        with namespace.inside():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("0.0.0.0", 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # not connected, but it wakes the thread
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            octets, peer = self._socket.recvfrom(2048)
            if not octets:
                return
            query = DNS(octets)
            question = t.cast(DNSQR, query.qd[0] if isinstance(query.qd, list) else query.qd)
            self.asked.add((question.qname.decode(), question.qtype))
            record = DNSRR(rrname=question.qname, type=question.qtype, ttl=60, rdata=self.address)
            self._socket.sendto(bytes(DNS(id=query.id, qr=1, qd=question, an=record)), peer)


def test_a_dns_check_wants_its_answer_and_a_udp_check_its_reply(
    director: HealthDirector, lab: PoolLab, stack: Stack
) -> None:
    """Servers of the lab reply to a datagram with their name, and to "whence?" with where it came from."""
    names = Names(lab.servers["first"])
    stack.callback(names.close)
    question = {"type": "dns", "query_type": "A", "name": "www.example.com", "connect_port": 53}
    reply = {"type": "udp", "connect_port": PORT, "require_reply": True, "reply": b"first".hex()}
    whence = {**reply, "payload": b"whence?".hex(), "reply": b"192.0.2.1".hex()}
    too_long = {**whence, "max_reply_length": 8}
    six = {"type": "udp", "connect_port": PORT, "require_reply": True, "min_reply_length": 6}
    run(
        director,
        web=service({**question, "answer": "192.0.2.80"}),
        replies=service(reply, reply, port=81),
        payloads=service(whence, too_long, port=82),
        lengths=service(six, six, port=83),
    )
    director.await_states(first="up")
    director.await_states(first="up", second="down", service="replies")
    director.await_states(first="up", second="down", service="payloads")
    director.await_states(first="down", second="up", service="lengths")
    await_reason(director, "first", "a reply of 5 bytes, allowed are 6 to", service="lengths")
    assert names.asked == {("www.example.com.", 1)}

    names.address = "192.0.2.81"
    director.await_states(first="down")
    await_reason(director, "first", "192.0.2.81")
    names.address = "192.0.2.80"
    director.await_states(first="up")


def test_silence_is_good_unless_a_reply_is_required(director: HealthDirector, lab: PoolLab, stack: Stack) -> None:
    """On both servers somebody takes datagrams and never answers."""
    for namespace in lab.servers.values():
        with namespace.inside():
            taking = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        taking.bind(("0.0.0.0", OTHER_PORT))
    check = {"type": "udp", "connect_port": OTHER_PORT, "connect_timeout": 0.3, "alpha": True}
    run(director, web=service(check, {**check, "require_reply": True}))
    director.await_states(first="up", second="down")
    await_reason(director, "first", "no ICMP error came")
    await_reason(director, "second", "no reply within 0.3 s")


class Greeted(MailServer):
    """It remembers the names that its clients gave."""

    def __init__(self, namespace: Namespace) -> None:
        self.names: set[str] = set()
        with namespace.inside():
            listening = socket.create_server(("0.0.0.0", OTHER_PORT))
        super().__init__(listening)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: t.Any, session: t.Any, envelope: t.Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.names.add(hostname)
        return await super().handle_EHLO(server, session, envelope, hostname, responses)


def test_an_smtp_check_says_its_name_and_asks_every_host_it_lists(
    director: HealthDirector, lab: PoolLab, stack: Stack
) -> None:
    """On port 80 of both servers somebody else answers: only the hosts of the list speak SMTP."""
    mail = {name: Greeted(namespace) for name, namespace in lab.servers.items()}
    stack.callback(mail["first"].close)
    named = {"type": "smtp", "helo_name": "checks.example.net"}
    hosts = [f"{SERVERS['first']} {OTHER_PORT}", {"address": SERVERS["second"], "port": OTHER_PORT}]
    run(
        director,
        web=service({**named, "hosts": hosts}, {**named, "connect_port": PORT}),
        unnamed=service({"type": "smtp", "connect_port": OTHER_PORT}, port=81),
    )
    try:
        director.await_states(first="up", second="down")
        director.await_states(first="up", service="unnamed")
        names = {"checks.example.net"}
        assert (mail["first"].names, mail["second"].names) == (names | {socket.gethostname()}, names)
    finally:
        mail["second"].close()
    director.await_states(first="down")
    await_reason(director, "first", f"host {SERVERS['second']} port {OTHER_PORT}: connection refused")
    director.await_states(first="up", service="unnamed")


def test_a_tls_check_asks_for_a_name_and_shows_its_certificate(
    director: HealthDirector, lab: PoolLab, stack: Stack, tmp_path: Path
) -> None:
    """The server wants a certificate of each client."""
    made = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.good, made.key)
    context.load_verify_locations(made.authority)
    context.verify_mode = ssl.CERT_REQUIRED
    pages = Pages(lab.servers["first"], OTHER_PORT, context)
    stack.callback(pages.close)
    check = {"type": "https", "connect_port": OTHER_PORT, "virtualhost": "page.example.net"}
    shown = {**check, "certificate": str(made.good), "key": str(made.key)}

    def asked(name: str, port: int, **words: object) -> dict[str, Document]:
        return {name: service({**shown, "path": f"/{name}", **words}, port=port)}

    run(
        director,
        **asked("virtualhost", 80),
        **asked("sni_name", 81, sni_name="tls.example.net"),
        **asked("enable_sni", 82, enable_sni=False),
        stranger=service(check, port=83),
    )
    names = {"virtualhost": "page.example.net", "sni_name": "tls.example.net", "enable_sni": None}
    for name in names:
        director.await_states(service=name, first="up")
    assert {name: {one.server_name for one in pages.requests(f"/{name}")} for name in names} == {
        name: {said} for name, said in names.items()
    }
    assert {one.headers["Host"] for one in pages.asked} == {"page.example.net"}
    director.await_states(service="stranger", first="down")
    await_reason(director, "first", "certificate required", service="stranger")


def test_a_grpc_check_asks_for_the_service_it_names(director: HealthDirector, lab: PoolLab, stack: Stack) -> None:
    """One server that answers for several services; there is one that it does not know."""
    health = GrpcHealth(lab.servers["first"], OTHER_PORT)
    stack.callback(health.close)
    health.services.update({"": SERVING, "shop.Cart": SERVING, "shop.Stock": NOT_SERVING})
    check = {"type": "grpc", "connect_port": OTHER_PORT}
    named = {"whole": "", "cart": "shop.Cart", "stock": "shop.Stock", "nobody": "shop.Nobody"}
    ports = dict(zip(named, range(81, 85)))
    run(director, **{name: service({**check, "service": word}, port=ports[name]) for name, word in named.items()})
    for name, state, reason in (
        ("whole", "up", "gRPC health: SERVING"),
        ("cart", "up", "gRPC health: SERVING"),
        ("stock", "down", "gRPC health: NOT_SERVING"),
        ("nobody", "down", "gRPC status 5 NOT_FOUND: the server does not know this service"),
    ):
        director.await_states(service=name, first=state)
        await_reason(director, "first", reason, service=name)
    assert health.asked == set(named.values())

    health.services.update({"shop.Cart": NOT_SERVING, "shop.Stock": SERVING})
    director.await_states(service="cart", first="down")
    director.await_states(service="stock", first="up")
    director.await_states(service="whole", first="up")

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that keepalived's users write about services, servers and checks: seen at the servers, and in who answers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import time
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from netns.daemons import Document
from netns.health_director import WEB_PORT, HealthDirector, WebServer, fetch, web_service
from netns.pool_lab import NAT_VIP, PORT, SERVERS, Namespace, PoolLab
from scapy.layers.dns import DNS, DNSQR, DNSRR

from lab.mail_server import MailServer
from lab.waiting import wait_for

OPS = "ops@example.com"
Stack = contextlib.ExitStack


@pytest.fixture(scope="module")
def lab() -> t.Iterator[PoolLab]:
    lab = PoolLab()
    yield lab
    lab.close()


@pytest.fixture
def stack() -> t.Iterator[Stack]:
    """What a test starts; its end stops it."""
    with Stack() as stack:
        yield stack


@pytest.fixture
def director(lab: PoolLab, tmp_path: Path) -> t.Iterator[HealthDirector]:
    """A daemon that is yet to be started."""
    director = HealthDirector(lab, tmp_path)
    try:
        yield director
    finally:
        t.cast(t.Any, director.node).close()
        lab.director.run("nft", "flush", "ruleset")
        lab.director.run("conntrack", "--flush")
        print(director.log.read_text())


@pytest.fixture
def webs(lab: PoolLab, stack: Stack) -> dict[str, WebServer]:
    webs = {name: WebServer(namespace, name) for name, namespace in lab.servers.items()}
    for web in webs.values():
        stack.callback(web.stop)
    return webs


def run(director: HealthDirector, definitions: Document | None = None, **services: Document) -> HealthDirector:
    """Start it with these services."""
    defs = {"data_plane": "nftables", "script_user": "root", **(definitions or {})}
    director.write_text(json.dumps({"global_defs": defs, "virtual_servers": services}))
    return t.cast(HealthDirector, director.start())


def service(*checks: Document, port: int = 80, **options: object) -> Document:
    """A service whose first server is checked by the first of these checks, its second by the second."""
    usual = {"connect_timeout": 1, "retry": 0, "delay_before_retry": 0.1, "warmup": 0}
    servers = [
        {"address": address, "port": WEB_PORT, "check": {**usual, **check}}
        for address, check in zip(SERVERS.values(), checks)
    ]
    place = {"address": NAT_VIP, "port": port, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
    return {**place, "delay_loop": 0.2, "real_servers": servers, **options}


def await_reason(director: HealthDirector, name: str, words: str) -> None:
    """Wait until the server is in this state for this reason."""
    reason = lambda: words in director.servers()[name]["reason"]  # noqa: E731
    wait_for(reason, 10, f"{words!r} as the reason of {name}", evidence=director.evidence)


# ---- pools


def test_hysteresis_keeps_the_quorum_and_wants_more_to_win_it_back(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    """Beside it a service without. Weights 3 and 2, quorum 3: won at 4 and lost below 2, there at 3 and below 3."""
    calls = director.folder / "calls"
    told: dict[str, Document] = {"web": {}, "plain": {}}
    for name, programs in told.items():
        for word in ("up", "down"):
            program = director.folder / f"{name}_{word}"
            program.write_text(f'#!/bin/sh\necho "{name} {word}" >> {calls}\n')
            program.chmod(0o755)
            programs[f"quorum_{word}"] = str(program)
    services = {}
    for name, (port, hysteresis) in {"web": (80, 1), "plain": (81, 0)}.items():
        document = web_service("first", "second", port=port, quorum=3, hysteresis=hysteresis, **told[name])
        for server, weight in zip(document["real_servers"], (3, 2)):
            server["weight"] = weight
        services[name] = document
    run(director, **services)

    def of(name: str) -> list[str]:
        return [line.partition(" ")[2] for line in calls.read_text().splitlines() if line.startswith(f"{name} ")]

    def quorums(**wanted: bool) -> None:
        right = lambda: all(director.service(name)["quorum_up"] is up for name, up in wanted.items())  # noqa: E731
        wait_for(right, 10, f"the quorums to be {wanted}", evidence=director.evidence)

    director.await_states(first="up", second="up")
    quorums(web=True, plain=True)
    webs["first"].stop()
    director.await_states(first="down", second="up")
    quorums(web=True, plain=False)
    assert {fetch(lab) for _ in range(4)} == {"second"}

    webs["second"].stop()
    quorums(web=False, plain=False)
    webs["first"].start()
    for name in services:
        director.await_states(service=name, first="up", second="down")
    quorums(web=False, plain=True)
    webs["second"].start()
    director.await_states(first="up", second="up")
    quorums(web=True, plain=True)
    wait_for(
        lambda: of("web")[-1:] == of("plain")[-1:] == ["up"], 10, "quorum_up to be run", evidence=director.evidence
    )
    assert of("web")[-2:] == ["down", "up"] and of("web").count("down") == 1, calls.read_text()
    assert of("plain").count("down") == 1, calls.read_text()


def test_with_sorry_server_inhibit_it_stands_in_the_table_and_nobody_reaches_it_unneeded(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    sorry = {"sorry_server": f"{SERVERS['second']} {WEB_PORT}"}
    run(director, web=web_service("first", **sorry, sorry_server_inhibit=True))
    director.await_states(first="up")
    wait_for(lambda: SERVERS["second"] in director.pool(), 10, "the sorry server's place", evidence=director.evidence)
    assert {fetch(lab) for _ in range(6)} == {"first"}
    webs["first"].stop()
    director.await_states(first="down")
    assert {fetch(lab) for _ in range(4)} == {"second"}
    webs["first"].start()
    director.await_states(first="up")
    assert {fetch(lab) for _ in range(6)} == {"first"}
    assert SERVERS["second"] in director.pool()

    director.reload(web=web_service("first", **sorry))
    wait_for(lambda: SERVERS["second"] not in director.pool(), 10, "its place to go", evidence=director.evidence)


def test_with_alpha_a_server_that_never_answered_serves_nobody(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer], stack: Stack
) -> None:
    """The first server's port takes connections and says nothing; without alpha it is trusted until that has failed."""
    with lab.servers["first"].inside():
        stack.enter_context(socket.create_server(("0.0.0.0", 8001), backlog=64))
    silent = {"type": "http", "connect_port": 8001, "connect_timeout": 600}
    good = {"type": "http"}
    of_server = service(silent, good, port=82)
    of_server["real_servers"][0]["alpha"] = True
    of_check = service({**silent, "alpha": True}, good, port=83)
    trusting = service(silent, good, port=81)
    run(director, web=service(silent, good, alpha=True), trusting=trusting, of_server=of_server, of_check=of_check)
    for name in ("web", "trusting", "of_server", "of_check"):
        director.await_states(service=name, second="up")
        assert director.servers(name)["first"]["in_pool"] is (name == "trusting"), director.evidence()
    assert {fetch(lab) for _ in range(6)} == {"second"}
    assert {fetch(lab, port=81) for _ in range(6)} == {"first", "second"}


def test_a_mail_is_sent_of_each_server_and_service_that_wants_one(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer], stack: Stack
) -> None:
    """The first server says nothing about mails and has them, the second wants none, the service wants them."""
    with lab.servers["second"].inside():
        mails = MailServer(socket.create_server((SERVERS["second"], 0)))
    stack.callback(mails.close)
    where = {"smtp_server": SERVERS["second"], "smtp_port": mails.port, "notification_email": [OPS], "router_id": "lb1"}
    document = web_service("first", "second", smtp_alert=True)
    document["real_servers"][1]["smtp_alert"] = False
    run(director, where, web=document)
    director.await_states(first="up", second="up")
    webs["first"].status = webs["second"].status = 503
    director.await_states(first="down", second="down")
    wait_for(lambda: not director.service()["quorum_up"], 10, "the quorum to be lost", evidence=director.evidence)

    place = f"[{NAT_VIP}]:tcp:80"
    server = f"[lb1] Realserver [{SERVERS['first']}]:tcp:{WEB_PORT} of virtual server {place} - DOWN"
    wanted = {server, f"[lb1] Virtualserver {place} - DOWN"}
    subjects = lambda: {one.subject for one in mails.received}  # noqa: E731
    wait_for(lambda: wanted <= subjects(), 15, "two mails", evidence=lambda: f"{subjects()}\n{director.evidence()}")
    webs["first"].status = 200
    director.await_states(first="up", second="down")
    wanted |= {server.replace("DOWN", "UP"), f"[lb1] Virtualserver {place} - UP"}
    wait_for(lambda: wanted <= subjects(), 15, "two more", evidence=lambda: f"{subjects()}\n{director.evidence()}")
    assert not [one for one in subjects() if f"Realserver [{SERVERS['second']}]" in one]
    (told,) = [one for one in mails.received if one.subject == server]
    assert told.recipients == [OPS] and "HTTP 503" in told.text


# ---- checks


class Pages:
    """A web server that remembers every request: when it came, its path and its headers."""

    def __init__(self, namespace: Namespace) -> None:
        self.body = b"all is well\n"
        self.status = 200
        self.asked: list[tuple[float, str, str, dict[str, str]]] = []
        with namespace.inside():
            self._server = ThreadingHTTPServer(("0.0.0.0", WEB_PORT), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def headers(self, path: str) -> list[dict[str, str]]:
        """Of every request for this page."""
        return [headers for _at, asked, _version, headers in list(self.asked) if asked == path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802  # http.server's name
                pages.asked.append((time.monotonic(), self.path, self.request_version, dict(self.headers)))
                self.send_response(pages.status)
                self.send_header("Content-Length", str(len(pages.body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(pages.body)

            def log_message(self, *_arguments: object) -> None:
                """Keep quiet."""

        return Handler


@pytest.fixture
def pages(lab: PoolLab, stack: Stack) -> Pages:
    pages = Pages(lab.servers["first"])
    stack.callback(pages.close)
    return pages


def test_what_an_http_check_asks_for_and_which_page_it_wants(director: HealthDirector, pages: Pages) -> None:
    urls = [
        {"path": "/digest", "digest": hashlib.md5(pages.body).hexdigest()},
        {
            "path": "/regex",
            "regex": "WELL$",
            "regex_options": ["caseless", "multiline"],
            "virtualhost": "b.example.com",
        },
    ]
    check = {"type": "http", "urls": urls, "http_protocol": "1.1", "headers": {"X-Asks": "mainstay"}}
    run(director, web=service(check, virtualhost="a.example.com"))
    director.await_states(first="up")
    for path, host in (("/digest", "a.example.com"), ("/regex", "b.example.com")):
        wait_for(lambda path=path: len(pages.headers(path)) > 1, 10, f"two requests for {path}")
        assert {(one["Host"], one["X-Asks"]) for one in pages.headers(path)} == {(host, "mainstay")}
    assert {version for _at, _path, version, _headers in pages.asked} == {"HTTP/1.1"}

    pages.body = b"all is WELL\n"
    director.await_states(first="down")
    await_reason(director, "first", "digest")
    pages.body = b"all is well\n"
    director.await_states(first="up")

    urls[0].pop("digest")
    urls[1]["regex_no_match"] = True
    director.reload(web=service(check, virtualhost="a.example.com"))
    director.await_states(first="down")
    await_reason(director, "first", "/regex")
    pages.body = b"nothing is\n"
    director.await_states(first="up")


def test_how_often_a_server_is_asked_is_what_delay_loop_retry_and_delay_before_retry_say(
    director: HealthDirector, pages: Pages
) -> None:
    delay_loop, retry, pause = 1.5, 4, 0.1
    check = {"type": "http", "delay_loop": delay_loop, "retry": retry, "delay_before_retry": pause}
    run(director, web=service(check))
    wait_for(lambda: len(pages.asked) >= 3, 15, "three probes", evidence=director.evidence)
    good = len(pages.asked)
    pages.status = 503
    director.await_states(first="down")
    times = [at for at, *_rest in pages.asked]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert "(5 of 5 tries)" in director.log.read_text(), director.evidence()
    assert len(times) == good + retry + 1, "as many probes as its retries and one; then it is down"
    assert min(gaps[1:good]) > delay_loop / 2, gaps
    assert pause / 2 < min(gaps[good:]) and max(gaps[good:]) < delay_loop, gaps

    wait_for(lambda: len(pages.asked) >= good + retry + 2, 15, "a probe of a server that is down")
    assert pages.asked[-1][0] - times[-1] > delay_loop / 2, "a server that is down is asked every delay_loop"
    pages.status = 200
    director.await_states(first="up")


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
    run(
        director,
        web=service({**question, "answer": "192.0.2.80"}),
        replies=service(reply, reply, port=81),
        payloads=service(whence, too_long, port=82),
    )
    director.await_states(first="up")
    director.await_states(first="up", second="down", service="replies")
    director.await_states(first="up", second="down", service="payloads")
    assert names.asked == {("www.example.com.", 1)}

    names.address = "192.0.2.81"
    director.await_states(first="down")
    await_reason(director, "first", "192.0.2.81")
    names.address = "192.0.2.80"
    director.await_states(first="up")


def test_a_program_checks_as_the_user_and_the_group_that_stand_with_it(director: HealthDirector) -> None:
    command = """/bin/sh -c 'test "$(id -un) $(id -gn)" = "nobody daemon"'"""
    right = {"command": command, "user": "nobody", "group": "daemon"}
    usual = {"type": "misc", "retry": 0, "delay_before_retry": 0.1, "warmup": 0}
    servers = [
        {"address": address, "port": WEB_PORT, "check": {**usual, "misc_path": path}}
        for address, path in zip(SERVERS.values(), (right, {"command": command, "user": "nobody"}))
    ]
    run(director, web={**service(), "real_servers": servers})
    director.await_states(first="up", second="down")
    assert "exit status 1" in director.servers()["second"]["reason"]

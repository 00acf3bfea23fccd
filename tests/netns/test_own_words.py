# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of services and checks that keepalived does not have, with a running daemon."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import Counter
from pathlib import Path

from netns.checked_services import await_reason, run, service
from netns.daemons import Document
from netns.health_director import HealthDirector, WebServer, fetch, web_service
from netns.pages import Pages
from netns.pool_lab import NAT_VIP, PORT, PoolLab

from lab.mail_server import Certificate, MailServer, make_certificate
from lab.waiting import wait_for

MAIL_PORT = 8001
BOTH, REFUSED = frozenset(("first", "second")), frozenset[str]()
Stack = contextlib.ExitStack


def test_a_server_that_flaps_is_kept_out_until_its_points_have_fallen(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    """flap_damping; the same servers behind another port without it."""
    damping = web_service("first", "second", flap_damping=3)
    run(director, web=damping, plain=web_service("first", "second", port=81))
    director.await_states(first="up", second="up")
    damped = lambda: director.servers()["first"]["state"] == "damped"  # noqa: E731

    def flap() -> bool:
        for status, state in ((503, "down"), (200, "up")):
            webs["first"].status = status
            director.await_states(service="plain", first=state)
        return damped()

    wait_for(flap, 30, "the first server to be damped", evidence=director.evidence)
    log = director.log.read_text()
    assert log.count("virtual_server web: real_server 192.0.2.21:8000 is down") >= 3, "once is no flapping"
    assert {fetch(lab) for _ in range(6)} == {"second"}
    assert {fetch(lab, port=81) for _ in range(6)} == {"first", "second"}
    director.await_states(first="up", second="up")
    assert {fetch(lab) for _ in range(6)} == {"first", "second"}


def test_a_server_warms_up_as_long_as_it_says_itself_and_else_as_its_service_says(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    """Each service has one word about slow_start and its second server the opposite one."""
    slow, none = 3600, 0
    services = {"slow": (80, slow, none), "prompt": (81, none, slow)}
    documents = {}
    for name, (port, of_service, of_server) in services.items():
        documents[name] = web_service("first", "second", port=port, lb_algo="wrr", slow_start=of_service)
        for server in documents[name]["real_servers"]:
            server["weight"] = 10
        documents[name]["real_servers"][1]["slow_start"] = of_server
    run(director, **documents)
    for status, state in ((200, "up"), (503, "down"), (200, None)):
        webs["first"].status = webs["second"].status = status
        for name in services if state else ():
            director.await_states(service=name, first=state, second=state)

    weights = {"warming": 1, "up": 10}
    for name, first, second in (("slow", "warming", "up"), ("prompt", "up", "warming")):
        director.await_states(service=name, first=first, second=second)
        found = {server: one["effective_weight"] for server, one in director.servers(name).items()}
        assert found == {"first": weights[first], "second": weights[second]}, director.evidence()
        asked = Counter(fetch(lab, services[name][0]) for _ in range(11))
        assert asked == found, "the clients are shared by these weights"


def test_a_range_is_served_from_its_first_port_to_its_last_and_no_further(
    director: HealthDirector, lab: PoolLab
) -> None:
    """Every port of the range leads to one port of the servers. The text of keepalived says the same as the mapping."""
    write_range(director, {"address": NAT_VIP, "port": 8080, "last_port": 8082})
    director.start().await_states(first="up", second="up")
    assert {port: who_answers(lab, port) for port in range(8079, 8084)} == dict.fromkeys((8080, 8081, 8082), BOTH) | {
        8079: REFUSED,
        8083: REFUSED,
    }
    held = lab.connect(NAT_VIP, 8082)

    write_range(director, f"{NAT_VIP} 8081-8083")
    assert director.ask("reload")["ok"]

    def moved() -> bool:
        return [who_answers(lab, port) for port in (8080, 8083)] == [REFUSED, BOTH]

    wait_for(moved, 10, "the range to move", evidence=director.evidence)

    write_range(director, {"address": NAT_VIP, "port": 8081, "last_port": 8080})
    (problem,) = director.ask("reload")["problems"]
    assert problem["message"].startswith("must have the lower port first"), problem
    assert {who_answers(lab, port) for port in (8081, 8082, 8083)} == {BOTH}
    assert held.ask() in BOTH, "open all the while"
    held.close()


def test_a_backup_server_serves_while_the_others_do_not_and_comes_before_the_sorry_server(
    director: HealthDirector, lab: PoolLab, webs: dict[str, WebServer]
) -> None:
    """The sorry server is one where nobody listens."""
    document = web_service("first", "second", sorry_server="192.0.2.1 9")
    document["real_servers"][1]["backup"] = True
    run(director, web=document)
    ready = lambda: director.servers()["second"]["state"] == "backup"  # noqa: E731
    wait_for(ready, 10, "the second server to be ready", evidence=director.evidence)
    assert {fetch(lab) for _ in range(6)} == {"first"}
    webs["first"].status = 503
    director.await_states(first="down", second="up")
    assert {fetch(lab) for _ in range(6)} == {"second"}
    webs["second"].status = 503
    director.await_states(first="down", second="down")
    wait_for(lambda: director.service()["sorry_in"], 10, "the sorry server", evidence=director.evidence)
    webs["first"].status = webs["second"].status = 200
    director.await_states(first="up")
    wait_for(ready, 10, "the second server to stand back", evidence=director.evidence)
    assert {fetch(lab) for _ in range(6)} == {"first"}


def test_rise_and_fall_are_as_many_probes_as_it_takes(director: HealthDirector, pages: Pages) -> None:
    """The second service has neither: one probe decides, and it is the first to know."""
    patient = {"type": "http", "path": "/patient", "fall": 3, "rise": 3, "retry": None, "delay_before_retry": 0.4}
    run(director, web=service(patient), prompt=service({"type": "http", "path": "/prompt"}, port=81))
    for name in ("prompt", "web"):
        director.await_states(service=name, first="up")
    begun = len(director.events("RS"))
    for status, state in ((503, "down"), (200, "up")):
        pages.asked.clear()
        pages.status = status
        for name in ("prompt", "web"):
            director.await_states(service=name, first=state)
        assert [one.status for one in pages.requests("/patient")].count(status) >= 3, director.evidence()
    assert [(name.split()[0], event) for name, event in director.events("RS")[begun:]] == [
        ("prompt", "DOWN"),
        ("web", "DOWN"),
        ("prompt", "UP"),
        ("web", "UP"),
    ]


def test_a_tcp_check_talks_and_wants_its_answer(director: HealthDirector) -> None:
    """Servers of the lab say their names."""
    talk = {"type": "tcp", "connect_port": PORT, "send": "who?\\r\\n", "expect": "first"}
    silent = {**talk, "send": None}
    run(director, web=service(talk, talk), silent=service({**silent, "connect_timeout": 0.3}, port=81))
    director.await_states(first="up", second="down")
    director.await_states(service="silent", first="down")
    await_reason(director, "second", "no answer with 'first'")


def test_an_http_check_asks_by_the_method_it_is_told(director: HealthDirector, pages: Pages) -> None:
    posting = {"type": "http", "path": "/post", "method": "POST", "body": "how are you?", "headers": {"X-Asks": "me"}}
    heading = {"type": "http", "path": "/head", "method": "HEAD"}
    run(director, web=service(posting), head=service(heading, port=81), get=service({"type": "http"}, port=82))
    for name in ("web", "head", "get"):
        director.await_states(service=name, first="up")
    asked = {(one.method, one.path, one.content, one.headers.get("X-Asks")) for one in pages.asked}
    assert asked == {("POST", "/post", b"how are you?", "me"), ("HEAD", "/head", b"", None), ("GET", "/", b"", None)}


def test_a_mail_check_with_starttls_verifies_the_server(
    director: HealthDirector, lab: PoolLab, stack: Stack, tmp_path: Path
) -> None:
    """The certificate is for a name; without sni_name the address is what is looked for in it."""
    made: Certificate = make_certificate(tmp_path / "tls", "DNS:mail.example.net")
    with lab.servers["first"].inside():
        mail = MailServer(socket.create_server(("0.0.0.0", MAIL_PORT)), made)
    stack.callback(mail.close)
    check: Document = {"type": "smtp", "connect_port": MAIL_PORT, "starttls": True, "verify": "full"}
    trusted = {**check, "ca_file": str(made.authority)}
    run(
        director,
        web=service({**trusted, "sni_name": "mail.example.net"}),
        nameless=service(trusted, port=81),
        untrusted=service({**check, "sni_name": "mail.example.net"}, port=82),
    )
    director.await_states(first="up")
    for name, reason in (("nameless", "mismatch"), ("untrusted", "unable to get local issuer certificate")):
        director.await_states(service=name, first="down")
        await_reason(director, "first", reason, service=name)


def test_the_chain_alone_is_verified_with_verify_ca_and_of_a_mail_server_too(
    director: HealthDirector, lab: PoolLab, stack: Stack, tmp_path: Path
) -> None:
    """The certificate is for a name that nobody asks for; of another authority it is refused all the same."""
    made = make_certificate(tmp_path / "tls", "DNS:mail.example.net")
    other = make_certificate(tmp_path / "other", "DNS:mail.example.net")
    mail_of_both(lab, stack, made)
    check: Document = {"type": "smtp", "connect_port": MAIL_PORT, "starttls": True, "verify": "ca"}
    run(
        director,
        web=service({**check, "ca_file": str(made.authority)}, {**check, "ca_file": str(other.authority)}),
        careless=service({**check, "verify": "none"}, port=81),
    )
    director.await_states(first="up", second="down")
    await_reason(director, "second", "the certificate is not accepted: unable to get local issuer certificate")
    director.await_states(service="careless", first="up")


def test_a_mail_check_shows_its_certificate_and_asks_for_a_name(
    director: HealthDirector, lab: PoolLab, stack: Stack, tmp_path: Path
) -> None:
    """The servers want a certificate of each client; only the first trusts the authority of ours."""
    made, other = (make_certificate(tmp_path / name, "DNS:mail.example.net") for name in ("tls", "other"))
    names: set[str | None] = set()
    for mail, trusted in zip(mail_of_both(lab, stack, made), (made, other)):
        mail.tls.load_verify_locations(trusted.authority)
        mail.tls.verify_mode = ssl.CERT_REQUIRED
        mail.tls.sni_callback = lambda _connection, name, _context: names.add(name)
    check: Document = {"type": "smtp", "connect_port": MAIL_PORT, "starttls": True}
    shown = {**check, "certificate": str(made.chain), "key": str(made.key)}
    run(director, web=service({**shown, "sni_name": "a.example.net"}, {**shown, "sni_name": "b.example.net"}))
    director.await_states(first="up", second="down")
    assert names == {"a.example.net", "b.example.net"}

    director.reload(web=service({**shown, "enable_sni": False}), stranger=service(check, port=81))
    director.await_states(service="stranger", first="down")
    wait_for(lambda: None in names, 10, "a handshake without a name", evidence=director.evidence)
    director.await_states(first="up")


def write_range(director: HealthDirector, entry: Document | str) -> None:
    """A service on this entry of a group, its servers are checked where they serve."""
    web = service({"type": "tcp", "connect_port": PORT}, {"type": "tcp", "connect_port": PORT})
    for key in ("address", "port"):
        del web[key]
    for server in web["real_servers"]:
        server["port"] = PORT
    director.write_document(
        global_defs={"data_plane": "nftables"},
        virtual_server_groups={"range": {"entries": [entry]}},
        virtual_servers={"web": {**web, "virtual_server_group": "range"}},
    )


def who_answers(lab: PoolLab, port: int) -> frozenset[str]:
    """Whom four clients of this port reach."""
    try:
        return frozenset(lab.ask(NAT_VIP, port) for _ in range(4))
    except ConnectionRefusedError:
        return REFUSED


def mail_of_both(lab: PoolLab, stack: Stack, certificate: Certificate) -> list[MailServer]:
    """On each of the lab's servers one with this certificate."""
    mails = []
    for namespace in lab.servers.values():
        with namespace.inside():
            mails.append(MailServer(socket.create_server(("0.0.0.0", MAIL_PORT)), certificate))
        stack.callback(mails[-1].close)
    return mails

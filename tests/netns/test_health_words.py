# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that keepalived's users write about services, servers and checks: seen at the servers, and in who answers."""

from __future__ import annotations

import contextlib
import socket

from netns.checked_services import place, run, service
from netns.daemons import Document
from netns.health_director import WEB_PORT, HealthDirector, WebServer, fetch, web_service
from netns.pool_lab import NAT_VIP, SERVERS, PoolLab

from lab.mail_server import MailServer
from lab.waiting import wait_for

OPS = "ops@example.com"
Stack = contextlib.ExitStack


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
    """The first server says nothing about mails and has what smtp_alert_checker says, the second wants none, the
    service wants them.
    """
    with lab.servers["second"].inside():
        mails = MailServer(socket.create_server((SERVERS["second"], 0)))
    stack.callback(mails.close)
    where = {"smtp_server": SERVERS["second"], "smtp_port": mails.port, "notification_email": [OPS], "router_id": "lb1"}
    where.update(smtp_alert=False, smtp_alert_checker=True)
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


def test_a_program_checks_as_the_user_and_the_group_that_stand_with_it(director: HealthDirector) -> None:
    command = """/bin/sh -c 'test "$(id -un) $(id -gn)" = "nobody daemon"'"""
    right = {"command": command, "user": "nobody", "group": "daemon"}
    usual = {"type": "misc", "retry": 0, "delay_before_retry": 0.1, "warmup": 0}
    servers = [
        {"address": address, "port": WEB_PORT, "check": {**usual, "misc_path": path}}
        for address, path in zip(SERVERS.values(), (right, {"command": command, "user": "nobody"}))
    ]
    run(director, web=place(real_servers=servers))
    director.await_states(first="up", second="down")
    assert "exit status 1" in director.servers()["second"]["reason"]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that keepalived's users write about checks: what is asked, how often, from where, and which answer is good."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import typing as t
from dataclasses import dataclass

from netns.checked_services import PROMPT, await_reason, place, run, service
from netns.daemons import Document
from netns.health_director import WEB_PORT, HealthDirector
from netns.pages import Pages
from netns.pool_lab import SERVERS, PoolLab

from lab.waiting import wait_for

OTHER_PORT = 8001
Stack = contextlib.ExitStack


# ---- pages


@dataclass(frozen=True)
class Page:
    """What a check wants of the page that is named like its service, an answer that is good and one that is not."""

    check: Document
    good: tuple[int, bytes]
    bad: tuple[int, bytes]
    reason: str


def of_url(**words: object) -> Document:
    """The words stand with a page of urls instead of with the check."""
    return {"urls": [words]}


OK, GONE, WELL, SOON = 200, 503, b"all is well", b"as soon as it is ready"
PAGES = {
    "min": Page(
        of_url(regex="ready", regex_min_offset=10), (OK, SOON), (OK, b"ready or not ..."), "does not contain 'ready'"
    ),
    "max": Page(of_url(regex="ready", regex_max_offset=10), (OK, b"ready"), (OK, SOON), "does not contain 'ready'"),
    "absent": Page(
        {"regex": "MAINTENANCE", "regex_no_match": True, "regex_options": ["caseless"]},
        (OK, WELL),
        (OK, b"in maintenance"),
        "contains 'MAINTENANCE'",
    ),
    "codes": Page({"status_code": ["200", "410-419"]}, (418, WELL), (409, WELL), "HTTP 409"),
    "own_codes": Page(
        {"status_code": "200", **of_url(status_code="503")}, (GONE, WELL), (OK, WELL), "HTTP 200"
    ),
    "digest": Page({"digest": hashlib.sha256(WELL).hexdigest()}, (OK, WELL), (OK, SOON), "SHA-256 of the body is"),
}  # fmt: skip


def test_which_pages_are_good_and_which_are_not(director: HealthDirector, pages: Pages) -> None:
    def answer_with(which: t.Literal["good", "bad"]) -> None:
        for name, page in PAGES.items():
            pages.statuses[f"/{name}"], pages.bodies[f"/{name}"] = getattr(page, which)

    def checked(name: str, page: Page) -> Document:
        urls = [{**url, "path": f"/{name}"} for url in page.check.get("urls", ())]
        return {"type": "http", **page.check, **({"urls": urls} if urls else {"path": f"/{name}"})}

    answer_with("good")
    services = {name: service(checked(name, page), port=81 + at) for at, (name, page) in enumerate(PAGES.items())}
    run(director, **services)
    for name in PAGES:
        director.await_states(service=name, first="up")

    answer_with("bad")
    for name, page in PAGES.items():
        director.await_states(service=name, first="down")
        await_reason(director, "first", page.reason, service=name)

    answer_with("good")
    for name in PAGES:
        director.await_states(service=name, first="up")


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
        wait_for(lambda path=path: len(pages.requests(path)) > 1, 10, f"two requests for {path}")
        assert {(one.headers["Host"], one.headers["X-Asks"]) for one in pages.requests(path)} == {(host, "mainstay")}
    assert {one.version for one in pages.asked} == {"HTTP/1.1"}

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


# ---- who says it: the check before its server, the server before its service

WANTED: Document = {"delay_loop": 1.5, "retry": 4, "delay_before_retry": 0.1, "virtualhost": "right.example.com"}
OUTSHONE: Document = {"delay_loop": 60, "retry": 0, "delay_before_retry": 30, "virtualhost": "wrong.example.com"}
LEVELS = {
    "service": (WANTED, {}, {}),
    "server": (OUTSHONE, WANTED, {}),
    "check": (OUTSHONE, OUTSHONE, WANTED),
}  # fmt: skip


def test_how_often_a_server_is_asked_is_what_the_nearest_delay_loop_retry_and_delay_before_retry_say(
    director: HealthDirector, pages: Pages
) -> None:
    """One service for each place where the words can stand; each asks for a page of its own."""
    services = {}
    for at, (name, (of_service, of_server, of_check)) in enumerate(LEVELS.items()):
        check = {"type": "http", "path": f"/{name}", "warmup": 0, "connect_timeout": 1, **of_check}
        server = {"address": SERVERS["first"], "port": WEB_PORT, "check": check, **of_server}
        services[name] = place(81 + at, **{"real_servers": [server], **of_service})
    run(director, **services)

    def answered(name: str, status: int) -> list[float]:
        return [one.at for one in pages.requests(f"/{name}") if one.status == status]

    def await_answers(status: int, number: int) -> None:
        enough = lambda: all(len(answered(name, status)) >= number for name in LEVELS)  # noqa: E731
        wait_for(enough, 15, f"{number} probes of each answered with {status}", evidence=director.evidence)

    await_answers(200, 3)
    pages.status = 503
    await_answers(503, WANTED["retry"] + 2)
    for name in LEVELS:
        _assert_paced(answered(name, 200), answered(name, 503))
        assert {one.headers["Host"] for one in pages.requests(f"/{name}")} == {WANTED["virtualhost"]}
    assert director.log.read_text().count("(5 of 5 tries)") == len(LEVELS), director.evidence()
    pages.status = 200
    for name in LEVELS:
        director.await_states(service=name, first="up")


def _assert_paced(good: list[float], bad: list[float]) -> None:
    """Regular steps while it is up and again when it is down; in between as many probes as its retries, soon."""
    delay_loop, pause, retry = WANTED["delay_loop"], WANTED["delay_before_retry"], WANTED["retry"]
    while_up, failing = _gaps(good), _gaps(bad[: retry + 1])
    assert min(while_up[1:]) > delay_loop / 2, while_up
    assert pause / 2 < min(failing) and max(failing) < delay_loop, failing
    assert bad[retry + 1] - bad[retry] > delay_loop / 2, "a server that is down is asked every delay_loop"


def _gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in zip(times, times[1:])]


def test_what_a_server_says_of_patience_and_failure_goes_before_its_service(
    director: HealthDirector, lab: PoolLab, stack: Stack
) -> None:
    """Ports that take connections and say nothing, and programs whose first run may come within a day."""
    for namespace in lab.servers.values():
        with namespace.inside():
            stack.enter_context(socket.create_server(("0.0.0.0", OTHER_PORT), backlog=64))
    silent = {"type": "http", "connect_port": OTHER_PORT, "retry": 0}
    program = {"type": "misc", "misc_path": "/bin/true"}

    def servers(check: Document, *options: Document) -> list[Document]:
        return [
            {"address": address, "port": WEB_PORT, "check": check, **more}
            for address, more in zip(SERVERS.values(), options)
        ]

    quick = {"connect_timeout": 0.3, "warmup": 0}
    failing = servers(silent, quick, {**quick, "inhibit_on_failure": False})
    run(
        director,
        silent=place(81, connect_timeout=600, inhibit_on_failure=True, real_servers=failing),
        patient=place(82, connect_timeout=600, real_servers=servers(silent, {"warmup": 0})),
        programs=place(83, warmup=86400, real_servers=servers(program, {"warmup": 0}, {})),
    )
    director.await_states(service="programs", first="up")
    assert director.servers("programs")["second"]["state"] == "waiting"
    both = lambda: {one["state"] for one in director.servers("silent").values()} == {"down"}  # noqa: E731
    wait_for(both, 10, "two verdicts", evidence=director.evidence)
    assert director.servers("patient")["first"]["state"] == "waiting"
    standing = {name: (one["in_pool"], one["effective_weight"]) for name, one in director.servers("silent").items()}
    assert standing == {"first": (True, 0), "second": (False, 0)}, director.evidence()


# ---- where a check goes, and where it comes from


def test_a_check_goes_where_it_is_told_and_comes_from_there(director: HealthDirector, pages: Pages) -> None:
    """The pages are the first server's; on the second nobody listens. 192.0.2.3 is an address of the director, too."""
    elsewhere = {"type": "http", "path": "/elsewhere", "connect_ip": SERVERS["first"]}
    source = "192.0.2.3"
    director.namespace.ip(f"addr add {source}/24 dev servers\n")
    try:
        run(
            director,
            web=service({"type": "http", "path": "/plain"}, elsewhere),
            here=service({"type": "http", "path": "/bound", "bindto": source}, {"type": "http"}, port=81),
        )
        director.await_states(first="up", second="up")
        director.await_states(service="here", first="up", second="down")
    finally:
        director.namespace.ip(f"addr del {source}/24 dev servers\n")
    came_from = {path: {one.client for one in pages.requests(path)} for path in ("/plain", "/elsewhere", "/bound")}
    assert came_from == {"/plain": {"192.0.2.1"}, "/elsewhere": {"192.0.2.1"}, "/bound": {source}}

    pages.statuses["/elsewhere"] = 503
    director.await_states(first="up", second="down")


def test_a_server_with_two_checks_needs_both(director: HealthDirector, lab: PoolLab, pages: Pages) -> None:
    checks = [{**PROMPT, "type": "http", "path": "/"}, {**PROMPT, "type": "tcp", "connect_port": OTHER_PORT}]
    server = {"address": SERVERS["first"], "port": WEB_PORT, "checks": checks}
    run(director, web=place(real_servers=[server]))
    director.await_states(first="down")
    await_reason(director, "first", "tcp: connection refused")
    with lab.servers["first"].inside():
        listening = socket.create_server(("0.0.0.0", OTHER_PORT), backlog=1024)
    with listening:
        director.await_states(first="up")
        pages.status = 503
        director.await_states(first="down")
        await_reason(director, "first", "http: HTTP 503")

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configured check becomes a probe of the right kind, aimed at the right place."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.config import Check, HttpCheck, TcpCheck
from mainstay.probes.build import _BUILDERS, probe_for, probe_target
from mainstay.probes.verdict import Verdict


def test_a_tcp_check_is_content_with_the_connection() -> None:
    assert probe_for(TcpCheck(), "192.0.2.21", 80).start(0) == Verdict(True, "connection opened")


def test_an_http_check_asks_for_its_path_at_the_real_server() -> None:
    request = probe_for(HttpCheck(path="/healthz"), "192.0.2.21", 8080).start(0)
    assert request == b"GET /healthz HTTP/1.0\r\nHost: 192.0.2.21:8080\r\nUser-Agent: Mainstay\r\n\r\n"


def test_a_virtualhost_replaces_the_address_in_the_request() -> None:
    request = probe_for(HttpCheck(virtualhost="www.example.net"), "192.0.2.21", 80).start(0)
    assert isinstance(request, bytes)
    assert b"Host: www.example.net\r\n" in request


def test_the_accepted_codes_are_those_of_the_check() -> None:
    probe = probe_for(HttpCheck(status_code=((404, 404),)), "192.0.2.21", 80)
    assert probe.receive(b"HTTP/1.1 404 Not Found\r\n\r\n", 0) == Verdict(True, "HTTP 404")


@pytest.mark.parametrize(
    ("check", "target"),
    [
        (TcpCheck(), ("192.0.2.21", 80)),
        (TcpCheck(connect_port=9000), ("192.0.2.21", 9000)),
        (HttpCheck(connect_ip="192.0.2.99"), ("192.0.2.99", 80)),
    ],
)
def test_connect_ip_and_connect_port_aim_elsewhere(check: Check, target: tuple[str, int]) -> None:
    assert probe_target(check, "192.0.2.21", 80) == target


def test_every_kind_of_check_in_the_model_has_a_builder() -> None:
    assert {kind().type for kind in t.get_args(Check)} == set(_BUILDERS)

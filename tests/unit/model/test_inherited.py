# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check leaves open its server says, what a server leaves open its service says, one option after the other."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.load import load_config
from mainstay.model.lvs_defaults import RunningServer, RunningService, running_services
from mainstay.model.units import seconds

from .service_samples import SERVER, service

Said = t.Mapping[str, t.Any]


def running(around: Said, server: Said, check: Said, **defs: t.Any) -> RunningService:
    own = {**SERVER, **server, "check": {"type": "tcp", **check}}
    document = service({"real_servers": [own], **around}, global_defs={"smtp_server": "192.0.2.25", **defs})
    return running_services(load_config(document))["web"]


def server_of(around: Said, server: Said, **defs: t.Any) -> RunningServer:
    return running(around, server, {}, **defs).real_servers[0]


@pytest.mark.parametrize(
    ("option", "values", "default"),
    [
        ("delay_loop", (11, 12, 13), 6),
        ("connect_timeout", (1, 2, 3), 5),
        ("delay_before_retry", (1.5, 2.5, 3.5), 1),
        ("warmup", (0, 2, 3), 6),
    ],
)
def test_times_of_a_check(option: str, values: t.Sequence[float], default: float) -> None:
    around, server, check = ({option: value} for value in values)
    found = [
        getattr(running(*said).real_servers[0].checks[0], option)
        for said in ((around, server, check), (around, server, {}), (around, {}, {}), ({}, {}, {}))
    ]
    assert found == [seconds(one) for one in (values[2], values[1], values[0], default)]


@pytest.mark.parametrize(
    ("option", "values", "default"), [("retry", (2, 3, 4), 1), ("alpha", (True, False, True), False)]
)
def test_patience_and_trust_of_a_check(option: str, values: t.Sequence[t.Any], default: t.Any) -> None:
    around, server, check = ({option: value} for value in values)
    found = [
        getattr(running(*said).real_servers[0].checks[0], option)
        for said in ((around, server, check), (around, server, {}), (around, {}, {}), ({}, {}, {}))
    ]
    assert found == [values[2], values[1], values[0], default]


@pytest.mark.parametrize(
    ("option", "around", "own", "default"),
    [
        ("weight", 7, 9, 1),
        ("inhibit_on_failure", True, False, False),
        ("lb_kind", "DR", "TUN", "NAT"),
    ],
)
def test_what_a_server_is(option: str, around: t.Any, own: t.Any, default: t.Any) -> None:
    assert getattr(server_of({option: around}, {option: own}), option) == own
    assert getattr(server_of({option: around}, {}), option) == around
    assert getattr(server_of({}, {}), option) == default


def test_slow_start_of_a_server() -> None:
    found = [server_of(*said).slow_start for said in (({"slow_start": 9}, {"slow_start": 4}), ({"slow_start": 9}, {}))]
    assert found == [seconds(4), seconds(9)]


def test_who_is_mailed_about_servers_unless_told_otherwise_and_about_services_when_told() -> None:
    """keepalived's, odd as it is: yes for servers, no for services."""
    words: t.Sequence[t.Tuple[t.Dict[str, bool], t.Tuple[bool, bool]]] = [
        ({}, (True, False)),
        ({"smtp_alert": False}, (False, False)),
        ({"smtp_alert": False, "smtp_alert_checker": True}, (True, True)),
    ]
    for defs, wanted in words:
        found = running({}, {}, {}, **defs)
        assert (found.real_servers[0].smtp_alert, found.smtp_alert) == wanted, defs
    told = running({"smtp_alert": True}, {"smtp_alert": False}, {}, smtp_alert_checker=False)
    assert (told.real_servers[0].smtp_alert, told.smtp_alert) == (False, True)


def test_log_all_failures_of_global_defs_counts_where_the_check_says_nothing() -> None:
    def logged(check: Said, said: bool) -> bool:
        return bool(running({}, {}, check, checker_log_all_failures=said).real_servers[0].checks[0].log_all_failures)

    assert [logged({}, True), logged({}, False), logged({"log_all_failures": False}, True)] == [True, False, False]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Balanced services: what may stand together, and what is refused at its path with the remedy."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.load import load_config
from mainstay.model.lvs_defaults import running_services

from .service_samples import ADDRESSED, SERVER, service, told, told_of_server

SIX = {"real_servers": [{"address": "2001:db8::21"}]}
GROUPS = {"G": {"entries": ["192.0.2.60-69 80", "fwmark 7"]}}
MARKED = {"fwmark": 5, "persistence_timeout": 9}
NETMASK = {"persistence_granularity": "255.255.255.0"}
DR = {"lb_kind": "DR"}
TUN = {"lb_kind": "TUN"}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"fwmark": 5},
        {"fwmark": 5, "ip_family": "inet6", **SIX},
        {"fwmark": 5, "real_servers": [SERVER, {"address": "192.0.2.22", "port": 8080}], **DR},
        {"port": 0, "persistence_timeout": 60},
        {"protocol": "SCTP"},
        {"address": "2001:db8::10", **SIX},
        {"protocol": "UDP", "ops": True},
        {"fwmark": 5, "ops": True},
        {"lb_algo": "sh", "sh_port": True, "sh_fallback": True},
        {"lb_algo": "mh", "mh_port": True, "mh_fallback": True},
        {**TUN, **SIX},
        {**TUN, "tun_type": "gue", "tun_port": 5555, "tun_checksum": "remcsum"},
        {**TUN, "tun_type": "gre", "tun_checksum": "csum"},
        {"persistence_timeout": 60, **NETMASK},
        {**MARKED, **NETMASK},
        {**MARKED, "persistence_granularity": 64, **SIX},
        {**MARKED, "ip_family": "inet6", "persistence_granularity": 64, **SIX},
        {"protocol": "UDP", "persistence_timeout": 60, "persistence_engine": "sip"},
        {"quorum": 3, "hysteresis": 2},
        {"sorry_server": "192.0.2.30", "sorry_server_inhibit": True},
        {"sorry_server": "192.0.2.30 8080"},
        {"sorry_server": "192.0.2.30 80", "sorry_server_lb_kind": "DR"},
        {"ha_suspend": True},
        {"real_servers": []},
        {"real_servers": [{**SERVER, "uthreshold": 10, "lthreshold": 8}]},
        {"real_servers": [{**SERVER, "tun_type": "gre"}], **TUN, "tun_type": "gue", "tun_port": 5},
    ],
)
def test_what_may_stand_together(said: t.Dict[str, t.Any]) -> None:
    assert told(said) == []


@pytest.mark.parametrize(
    ("said", "path", "message"),
    [
        ({"address": None, "port": None, "protocol": None}, "address", "or fwmark or virtual_server_group instead"),
        ({"fwmark": 5, "address": "192.0.2.10", "port": 80, "protocol": "TCP"}, "fwmark", "beside address"),
        ({"fwmark": 5, "port": 80}, "port", "belongs to an address"),
        ({"fwmark": 5, "protocol": "TCP"}, "protocol", "belongs to an address"),
        ({"fwmark": 0}, "fwmark", "from 1 to 4294967295"),
        ({"ip_family": "inet"}, "ip_family", "an address tells its family"),
        ({"port": None}, "port", "or 0 for every port"),
        ({"port": 0}, "port", "say persistence_timeout"),
        ({"protocol": None}, "protocol", "one of TCP, UDP, SCTP"),
        ({"lb_algo": "rrr"}, "lb_algo", "Did you mean rr?"),
        ({"sh_port": True}, "sh_port", "is of lb_algo sh, and this one is wlc"),
        ({"lb_algo": "sh", "mh_fallback": True}, "mh_fallback", "is of lb_algo mh, and this one is sh"),
        ({"ops": True}, "ops", "is for UDP"),
        ({"tun_type": "gre"}, "tun_type", "is of lb_kind TUN, and this one is NAT"),
        ({**DR, "tun_port": 5}, "tun_port", "is of lb_kind TUN, and this one is DR"),
        ({"tun_checksum": "csum"}, "tun_checksum", "is of lb_kind TUN"),
        ({**TUN, "tun_type": "gue"}, "tun_port", "is missing; gue is UDP"),
        ({**TUN, "tun_port": 5}, "tun_port", "is of tun_type gue: ipip has no port"),
        ({**TUN, "tun_checksum": "csum"}, "tun_checksum", "ipip has none"),
        ({**TUN, "tun_type": "gre", "tun_checksum": "remcsum"}, "tun_checksum", "gre cannot"),
        ({"persistence_granularity": 24}, "persistence_granularity", "without persistence_timeout"),
        ({"persistence_engine": "sip", "protocol": "UDP"}, "persistence_engine", "without persistence_timeout"),
        ({"persistence_timeout": 9, "persistence_engine": "sip"}, "persistence_engine", "over UDP only"),
        ({"persistence_timeout": 9, "persistence_granularity": 64}, "persistence_granularity", "1 to 32 for IPv4"),
        (
            {"fwmark": 5, "real_servers": [SERVER, *SIX["real_servers"]]},
            "real_servers[1].address",
            "inet6 in a service",
        ),
        ({**MARKED, "persistence_granularity": 33}, "persistence_granularity", "1 to 32 for IPv4"),
        ({**MARKED, "ip_family": "inet", "persistence_granularity": 33}, "persistence_granularity", "32 for IPv4"),
        ({"persistence_timeout": 9, "persistence_granularity": "255.0.255.0"}, "persistence_granularity", "a netmask"),
        ({"persistence_timeout": 9, "persistence_granularity": 0}, "persistence_granularity", "from 1 to 128"),
        ({**MARKED, **SIX, **NETMASK}, "persistence_granularity", "write a prefix length from 1 to 128"),
        ({**MARKED, "ip_family": "inet6", **SIX, **NETMASK}, "persistence_granularity", "is a netmask of IPv4"),
        (
            {"address": "2001:db8::10", "persistence_timeout": 9, **SIX, **NETMASK},
            "persistence_granularity",
            "the service serves IPv6",
        ),
        ({"hysteresis": 1}, "hysteresis", "must be less than quorum, 1"),
        ({"quorum": 0}, "quorum", "from 1"),
        ({"sorry_server_inhibit": True}, "sorry_server_inhibit", "without sorry_server"),
        ({"sorry_server_lb_kind": "DR"}, "sorry_server_lb_kind", "without sorry_server"),
        ({"sorry_server": "192.0.2.30 80 90"}, "sorry_server", "'192.0.2.30 80'"),
        ({"sorry_server": "192.0.2.30:80"}, "sorry_server", "'192.0.2.30 80'"),
        ({"sorry_server": "[2001:db8::30]:80"}, "sorry_server", "'192.0.2.30 80'"),
        ({"sorry_server": "somewhere"}, "sorry_server", "an IPv4 or IPv6 address"),
        ({"sorry_server": "192.0.2.30 70000"}, "sorry_server", "from 1 to 65535"),
        ({"sorry_server": "2001:db8::30"}, "sorry_server", "inet6 in a service of inet"),
        ({"sorry_server": "192.0.2.21 80"}, "sorry_server", "a real server of the same pool"),
        ({**DR, "sorry_server": "192.0.2.30 8080"}, "sorry_server", "DR cannot change the port"),
        ({"fwmark": 5, "ha_suspend": True}, "ha_suspend", "a fwmark has none"),
        ({"pool_floor": 101}, "pool_floor", "from 0 to 100"),
        ({"quorum_up": "relative/path"}, "quorum_up", "absolute path"),
        ({"lvs_sched": "rr"}, "lvs_sched", "Write lb_algo."),
        ({"snmp_name": "x"}, "snmp_name", "no SNMP agent"),
        ({"flag-1": True}, "flag-1", "Write sh_port"),
        ({"hashed": True}, "hashed", "does nothing in keepalived either"),
    ],
)
def test_what_a_service_may_not_say(said: t.Dict[str, t.Any], path: str, message: str) -> None:
    ((place, words),) = told(said)

    assert place == path
    assert message in words


@pytest.mark.parametrize(
    ("said", "around", "path", "message"),
    [
        ({"address": "2001:db8::21"}, {}, "address", "inet6 in a service of inet: only lb_kind TUN"),
        ({"address": "2001:db8::21", "lb_kind": "DR"}, TUN, "address", "only lb_kind TUN"),
        ({"port": 8080}, DR, "port", "must be 80 like the service's: DR cannot"),
        ({"port": 8080, "lb_kind": "TUN"}, {}, "port", "must be 80 like the service's: TUN cannot"),
        ({"tun_type": "gre"}, {}, "tun_type", "is of lb_kind TUN, and this one is NAT"),
        ({"lb_kind": "TUN", "tun_type": "gue"}, {}, "tun_port", "is missing"),
        ({"tun_port": 7}, TUN, "tun_port", "ipip has no port"),
        ({"lthreshold": 5}, {}, "lthreshold", "without uthreshold"),
        ({"lthreshold": 5, "uthreshold": 4}, {}, "lthreshold", "above uthreshold, 4"),
        ({"weight": 65536}, {}, "weight", "0 to 65535"),
        ({"notify_up": "/bin/x 'y"}, {}, "notify_up", "a quotation mark has no partner"),
        ({"check": {"type": "tcp"}, "checks": [{"type": "tcp"}]}, {}, "checks", "beside check"),
        ({"checks": []}, {}, "checks", "a list of 1 to 16"),
        ({"checks": ["tcp"]}, {}, "checks[0]", "a mapping with 'type'"),
        ({"HTTP_GET": {}}, {}, "HTTP_GET", "Write check: {type: http}."),
        ({"MISC_CHECK": {}}, {}, "MISC_CHECK", "Write check: {type: misc}."),
    ],
)
def test_what_a_real_server_may_not_say(
    said: t.Dict[str, t.Any], around: t.Dict[str, t.Any], path: str, message: str
) -> None:
    ((place, words),) = told_of_server(said, **around)

    assert place == path
    assert message in words


def test_a_server_without_a_port_has_the_services_and_counts_as_the_same() -> None:
    ((path, message),) = told({"real_servers": [SERVER, {**SERVER, "port": 80}]})

    assert path == "real_servers[1]"
    assert "is already given at virtual_servers.web.real_servers[0]" in message


def test_a_group_serves_what_it_lists_and_has_to_be_there() -> None:
    grouped = {"virtual_server_group": "G", "protocol": "TCP"}
    assert told(grouped, virtual_server_groups=GROUPS) == []

    ((path, message),) = told({"virtual_server_group": "H"}, virtual_server_groups=GROUPS)
    assert path == "virtual_server_group"
    assert "is not defined in virtual_server_groups" in message

    ((path, message),) = told({"virtual_server_group": "G"}, virtual_server_groups=GROUPS)
    assert (path, "is missing" in message) == ("protocol", True)


@pytest.mark.parametrize(
    ("other", "path", "shown"),
    [
        (ADDRESSED, "address", "TCP 192.0.2.10 80"),
        ({"fwmark": 7}, "fwmark", "fwmark 7"),
        ({"fwmark": 7, "ip_family": "inet6"}, "fwmark", "fwmark 7 inet6"),
        ({"address": "192.0.2.65", "port": 80, "protocol": "TCP"}, "address", "TCP 192.0.2.65 80"),
        ({"virtual_server_group": "G", "protocol": "TCP"}, "virtual_server_group", "TCP 192.0.2.60-192.0.2.69 80"),
    ],
)
def test_what_is_served_twice_is_refused_at_the_later_place(other: t.Dict[str, t.Any], path: str, shown: str) -> None:
    from .model_samples import problems_of

    services = {"web": ADDRESSED, "many": {"virtual_server_group": "G", "protocol": "TCP"}, "other": other}
    (problem,) = problems_of({"virtual_servers": services, "virtual_server_groups": GROUPS})

    assert (problem.path, problem.value) == (f"virtual_servers.other.{path}", shown)
    assert "is already served by virtual_servers." in problem.message


@pytest.mark.parametrize(
    "other",
    [
        {**ADDRESSED, "protocol": "UDP"},
        {**ADDRESSED, "port": 81},
        {"fwmark": 8},
        {"virtual_server_group": "H", "protocol": "UDP"},
    ],
)
def test_neighbours_are_no_twins(other: t.Dict[str, t.Any]) -> None:
    from .model_samples import problems_of

    groups = {**GROUPS, "H": {"entries": ["192.0.2.60-69 80"]}}
    services = {"web": ADDRESSED, "many": {"virtual_server_group": "G", "protocol": "TCP"}, "other": other}
    assert problems_of({"virtual_servers": services, "virtual_server_groups": groups}) == []


def test_a_server_has_what_its_service_says_where_it_says_nothing() -> None:
    around = {
        "weight": 7,
        "retry": 4,
        "warmup": 2,
        "slow_start": 9,
        "virtualhost": "www.example.com",
        **TUN,
        "tun_type": "gue",
        "tun_port": 5,
    }
    servers = [
        {**SERVER, "checks": [{"type": "http"}, {"type": "misc", "misc_path": "/bin/x", "retry": 0}]},
        {"address": "192.0.2.22", "lb_kind": "DR", "weight": 0, "retry": 1, "check": {"type": "dns", "fall": 3}},
        {"address": "192.0.2.23", "tun_type": "gre"},
    ]
    config = load_config(service({**around, "real_servers": servers}))
    first, second, third = running_services(config)["web"].real_servers

    assert (first.port, first.weight, first.lb_kind, first.tun_type, first.tun_port) == (80, 7, "TUN", "gue", 5)
    assert [check.retry for check in first.checks] == [4, 0]
    assert first.checks[0].virtualhost == "www.example.com"  # type: ignore[attr-defined]
    assert (second.lb_kind, second.tun_type, second.tun_port, second.weight) == ("DR", "ipip", None, 0)
    assert (second.checks[0].retry, second.checks[0].fall) == (2, None)
    assert (third.lb_kind, third.tun_type, third.tun_port) == ("TUN", "gre", None)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""virtual_server_groups: entries in keepalived's words and as mappings."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.group_text import entry_text
from mainstay.model.load import load_part
from mainstay.model.lvs_config import GroupEntry

from .model_samples import problems_of


def entries_of(*entries: object) -> t.Tuple[GroupEntry, ...]:
    return load_part({"virtual_server_groups": {"G": {"entries": list(entries)}}}).virtual_server_groups["G"].entries


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        ("192.0.2.10 80", GroupEntry("192.0.2.10", port=80)),
        ("192.0.2.10", GroupEntry("192.0.2.10")),
        ("192.0.2.10-20 80", GroupEntry("192.0.2.10", "192.0.2.20", 80)),
        ("192.0.2.10-192.0.3.20 80", GroupEntry("192.0.2.10", "192.0.3.20", 80)),
        ("192.0.2.0/30 80", GroupEntry("192.0.2.0", "192.0.2.3", 80)),
        ("192.0.2.10 80-89", GroupEntry("192.0.2.10", port=80, last_port=89)),
        ("2001:db8::10-2f 80", GroupEntry("2001:db8::10", "2001:db8::2f", 80)),
        ("2001:db8::/124 80", GroupEntry("2001:db8::", "2001:db8::f", 80)),
        ("fwmark 5", GroupEntry(fwmark=5)),
        ("fwmark 4294967295 inet6", GroupEntry(fwmark=4294967295, family="inet6")),
        ({"address": "192.0.2.10", "last_address": "192.0.2.20"}, GroupEntry("192.0.2.10", "192.0.2.20")),
        ({"fwmark": 5, "family": "inet"}, GroupEntry(fwmark=5, family="inet")),
    ],
)
def test_an_entry_in_words_or_as_a_mapping(spelt: object, meant: GroupEntry) -> None:
    assert entries_of(spelt) == (meant,)
    assert entries_of(entry_text(meant)) == (meant,), "it does not survive its spelling"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("", "an IPv4 or IPv6 address"),
        ("192.0.2.10 80 tcp", "'ADDRESS PORT'"),
        ("192.0.2.10 http", "'ADDRESS PORT'"),
        ("192.0.2.10:80", "'ADDRESS PORT'"),
        ("192.0.2.10 70000", "from 0 to 65535"),
        ("192.0.2.300 80", "an IPv4 or IPv6 address"),
        ("192.0.2.10-5 80", "the lower address first"),
        ("192.0.2.10-300 80", "an IPv4 or IPv6 address"),
        ("192.0.2.10-2001:db8::1", "both ends of the range in one family"),
        ("192.0.2.10 90-80", "the lower port first"),
        ("192.0.2.10 0-80", "port 0 in no range"),
        ("192.0.2.1/24 80", "a whole network"),
        ("10.0.0.0/8 80", "16777216 services of the kernel; one entry may be 4096 at most"),
        ("192.0.2.0/24 80-96", "4352 services"),
        ("fwmark", "'fwmark NUMBER'"),
        ("fwmark x", "'fwmark NUMBER'"),
        ("fwmark 0", "must have an address or a fwmark"),
        ("fwmark 5 ipv6", "one of inet, inet6"),
        ({}, "must have an address or a fwmark"),
        ({"address": "192.0.2.10", "fwmark": 5}, "and not both"),
        ({"fwmark": 5, "port": 80}, "is a fwmark, which has no port"),
        ({"address": "192.0.2.10", "family": "inet"}, "which tells the family"),
        (7, "must be a mapping"),
    ],
)
def test_a_bad_entry_is_refused_where_it_stands(entry: object, message: str) -> None:
    problems = problems_of({"virtual_server_groups": {"G": {"entries": ["192.0.2.99 80", entry]}}})

    assert [problem.path for problem in problems] == ["virtual_server_groups.G.entries[1]"]
    assert message in problems[0].message


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "a list of 1 to 1024 entries"),
        (None, "is missing"),
        ("192.0.2.10 80", "a list of 1 to 1024 entries"),
    ],
)
def test_a_group_lists_something(entries: object, message: str) -> None:
    (problem,) = problems_of({"virtual_server_groups": {"G": {"entries": entries}}})

    assert problem.path == "virtual_server_groups.G.entries"
    assert message in problem.message


@pytest.mark.parametrize(
    "later", ["192.0.2.10 80", "192.0.2.1-20 80", "192.0.2.10 79-81", "192.0.2.0/24 80", "fwmark 5", "fwmark 5 inet"]
)
def test_what_a_group_lists_twice_is_refused(later: str) -> None:
    entries = ["192.0.2.10 80", "fwmark 5", "192.0.2.11 81", later]
    (problem,) = problems_of({"virtual_server_groups": {"G": {"entries": entries}}})

    assert problem.path == "virtual_server_groups.G.entries[3]"
    assert "overlaps virtual_server_groups.G.entries[" in problem.message


@pytest.mark.parametrize("entry", ["192.0.2.10 80", "fwmark 5", "fwmark 5 inet"])
def test_a_granularity_of_ipv6_alone_is_refused_beside_ipv4(entry: str) -> None:
    """Else the netmask of 64 bits would have to be written for IPv4, too."""
    service = {
        "virtual_server_group": "G",
        **({} if "fwmark" in entry else {"protocol": "TCP"}),
        "persistence_timeout": 60,
        "persistence_granularity": 64,
        "real_servers": [{"address": "192.0.2.21"}],
    }
    document = {"virtual_server_groups": {"G": {"entries": [entry]}}, "virtual_servers": {"web": service}}
    (problem,) = problems_of(document)
    assert problem.path == "virtual_servers.web.persistence_granularity"
    assert problem.message == "must be a netmask or a prefix length from 1 to 32 for IPv4."


@pytest.mark.parametrize(("entries", "most"), [(["fwmark 5 inet6"], 128), (["fwmark 5", "fwmark 6 inet6"], 32)])
def test_a_netmask_is_refused_where_the_group_lists_ipv6(entries: list[str], most: int) -> None:
    """Counted it would keep together a 24 bits wide part of IPv6: whole providers."""
    service = {
        "virtual_server_group": "G",
        "lb_kind": "TUN",
        "persistence_timeout": 60,
        "persistence_granularity": "255.255.255.0",
        "real_servers": [{"address": "192.0.2.21"}],
    }
    document = {"virtual_server_groups": {"G": {"entries": entries}}, "virtual_servers": {"web": service}}
    (problem,) = problems_of(document)
    assert (problem.path, problem.value) == ("virtual_servers.web.persistence_granularity", "255.255.255.0")
    remedy = f"write a prefix length from 1 to {most}."
    assert problem.message == f"is a netmask of IPv4, and the service serves IPv6; {remedy}"


def test_an_entry_without_a_port_wants_persistence() -> None:
    """ip_vs takes such a service without a word, and schedules nothing for it."""
    service: dict[str, t.Any] = {"virtual_server_group": "G", "protocol": "TCP", "real_servers": []}
    document = {"virtual_server_groups": {"G": {"entries": ["192.0.2.10 80", "192.0.2.11"]}}}
    (problem,) = problems_of({**document, "virtual_servers": {"web": service}})
    assert problem.path == "virtual_servers.web.virtual_server_group"
    assert problem.message.startswith("lists 192.0.2.11 without a port") and "persistence_timeout" in problem.message
    assert problems_of({**document, "virtual_servers": {"web": {**service, "persistence_timeout": 60}}}) == []


def test_entries_of_another_family_than_the_servers_need_a_tunnel() -> None:
    document = {
        "virtual_server_groups": {"G": {"entries": ["192.0.2.10 80", "2001:db8::10 80"]}},
        "virtual_servers": {
            "web": {"virtual_server_group": "G", "protocol": "TCP", "real_servers": [{"address": "192.0.2.21"}]}
        },
    }
    (problem,) = problems_of(document)
    assert problem.path == "virtual_servers.web.real_servers[0].address"
    assert "is inet in a service of inet6: only lb_kind TUN" in problem.message

    document["virtual_servers"]["web"]["lb_kind"] = "TUN"  # type: ignore[index]
    assert problems_of(document) == []


@pytest.mark.parametrize(
    "neighbour",
    ["192.0.2.10 79", "192.0.2.10 90-99", "192.0.2.9 80", "192.0.2.21-30 80", "2001:db8::1 80", "fwmark 80"],
)
def test_what_only_touches_a_range_is_no_overlap(neighbour: str) -> None:
    for entries in (["192.0.2.10-20 80-89", neighbour], [neighbour, "192.0.2.10-20 80-89"]):
        assert problems_of({"virtual_server_groups": {"G": {"entries": entries}}}) == []

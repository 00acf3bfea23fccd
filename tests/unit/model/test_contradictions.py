# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions of VRRP: each is refused at its path, and what looks like it and is none is taken."""

from __future__ import annotations

import copy
import typing as t

import pytest

from .model_samples import problems_of

Document = t.Dict[str, t.Any]

IPV4 = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}
OWN_IP = "192.0.2.1"
IPV6 = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["fe80::51/64", "2001:db8::10/64"]}
UNICAST = {**IPV4, "unicast_src_ip": "192.0.2.1", "unicast_peer": ["192.0.2.2"]}
KEYS = [{"id": 1, "key": "k" * 32}, {"id": 2, "key": "l" * 64}]
PASS = {"auth_type": "PASS", "auth_pass": "1111"}


def with_instances(**instances: t.Mapping[str, t.Any]) -> Document:
    """What tracking needs is defined."""
    return {
        "vrrp_scripts": {
            "fault": {"script": "/usr/local/bin/chk"},
            "minus": {"script": "/usr/local/bin/chk", "weight": -20},
        },
        "track_files": {"load": {"file": "/run/load"}},
        "vrrp_instances": {name: dict(values) for name, values in instances.items()},
    }


def told(document: object) -> t.List[t.Tuple[str, str]]:
    return [(problem.path, problem.message) for problem in problems_of(document)]


OF_ONE = [
    (IPV4, {"virtual_ipaddress": ["192.0.2.10/24", "2001:db8::1/64"]}, "virtual_ipaddress[1]", "is no IPv4 address"),
    (IPV4, {"virtual_ipaddress": []}, "virtual_ipaddress", "no_virtual_ipaddress: true"),
    (IPV6, {"virtual_ipaddress": ["2001:db8::10/64"]}, "virtual_ipaddress[0]", "link-local"),
    (IPV4, {"virtual_ipaddress_excluded": ["192.0.2.10/32"]}, "virtual_ipaddress_excluded[0]", "is already given"),
    (IPV6, {"version": 2}, "version", "IPv6 has version 3 only"),
    (IPV4, {"version": 2, "advert_int": 0.5}, "advert_int", "whole seconds with version 2"),
    (IPV4, {"advert_int": 41}, "advert_int", "at most 40.95"),
    (IPV4, {"version": 2, "learn_interval_max": 2}, "learn_interval_max", "learns no interval"),
    (IPV4, {"advert_int": 2, "learn_interval_max": 1}, "learn_interval_max", "at least advert_int, 2"),
    (IPV4, {"version": 2, "v3_checksum": "rfc9568"}, "v3_checksum", "version 3 over IPv4 alone"),
    (IPV6, {"v3_checksum": "rfc5798"}, "v3_checksum", "version 3 over IPv4 alone"),
    (IPV4, {"authentication": PASS}, "authentication", "VRRP version 3 has none"),
    (IPV4, {"auth_hmac": {"keys": KEYS, "active_key": 3}}, "auth_hmac.active_key", "known are 1, 2"),
    (IPV4, {"auth_hmac": {"keys": [KEYS[0]] * 2, "active_key": 1}}, "auth_hmac.keys[1].id", "given twice"),
    (
        IPV4,
        {"auth_hmac": {"keys": KEYS, "active_key": 1, "anti_replay": "monotonic", "time_window": 9}},
        "auth_hmac.time_window",
        "has no window",
    ),
    (
        IPV4,
        {"version": 2, "authentication": PASS, "auth_hmac": {"keys": KEYS, "active_key": 1}},
        "authentication",
        "ex",
    ),
    (IPV4, {"priority": 255, "nopreempt": True}, "nopreempt", "excludes priority 255"),
    (IPV4, {"nopreempt": True, "state": "MASTER"}, "nopreempt", "excludes state MASTER"),
    (IPV4, {"nopreempt": True, "preempt_delay": 5}, "preempt_delay", "excludes nopreempt"),
    (IPV4, {"state": "MASTER", "preempt_delay": 5}, "preempt_delay", "excludes state MASTER"),
    (IPV4, {"priority": 255, "preempt_delay": 5}, "preempt_delay", "excludes priority 255"),
    (IPV4, {"priority": 255, "state": "BACKUP"}, "state", "starts as master"),
    (IPV4, {"priority": 255, "accept": False}, "accept", "always answers"),
    (IPV4, {"vmac_name": "vm1"}, "vmac_name", "does nothing without use_vmac"),
    (IPV4, {"vmac_xmit_base": True}, "vmac_xmit_base", "does nothing without use_vmac"),
    (IPV4, {"mcast_src_ip": "fe80::1"}, "mcast_src_ip", "must be an IPv4 address"),
    (IPV6, {"mcast_dst_ip": "224.0.0.20"}, "mcast_dst_ip", "must be an IPv6 address"),
    (IPV6, {"mcast_src_ip": "2001:db8::1"}, "mcast_src_ip", "link-local"),
    (IPV4, {"mcast_src_ip": "192.0.2.10"}, "mcast_src_ip", "OWN-01"),
    (UNICAST, {"unicast_src_ip": "192.0.2.10"}, "unicast_src_ip", "OWN-01"),
    (UNICAST, {"unicast_peer": ["2001:db8::2"]}, "unicast_peer[0]", "must be an IPv4 address"),
    (UNICAST, {"unicast_peer": ["192.0.2.2", "192.0.2.1"]}, "unicast_peer[1]", "our own unicast_src_ip"),
    (UNICAST, {"unicast_peer": ["192.0.2.10"]}, "unicast_peer[0]", "is a virtual address"),
    (UNICAST, {"unicast_peer": ["192.0.2.2", "192.0.2.2"]}, "unicast_peer[1]", "given twice"),
    (UNICAST, {"unicast_peer": ["192.0.2.2 min_ttl 9 max_ttl 8"]}, "unicast_peer[0].min_ttl", "above max_ttl, 8"),
    (UNICAST, {"unicast_peer": []}, "unicast_peer", "a list of 1 to 255 peers"),
    (UNICAST, {"mcast_dst_ip": "224.0.0.20"}, "mcast_dst_ip", "is for multicast"),
    (IPV4, {"unicast_src_ip": "192.0.2.1"}, "unicast_src_ip", "does nothing without unicast_peer"),
    (IPV4, {"unicast_ttl": 9}, "unicast_ttl", "does nothing without unicast_peer"),
    (IPV4, {"check_unicast_src": False}, "check_unicast_src", "does nothing without unicast_peer"),
    (IPV4, {"track_script": ["faul"]}, "track_script[0]", "not defined in vrrp_scripts. Did you mean fault?"),
    (IPV4, {"track_script": ["other"]}, "track_script[0]", "Known are fault, minus."),
    (IPV4, {"track_bfd": ["peer"]}, "track_bfd[0]", "is not defined in bfd_instances."),
    (IPV4, {"track_interface": ["eth1", "eth1 weight 5"]}, "track_interface[1]", "given twice"),
    (IPV4, {"priority": 255, "track_interface": ["eth1 weight -5"]}, "track_interface[0]", "never changes"),
    (IPV4, {"priority": 255, "track_script": ["minus"]}, "track_script[0]", "weight -20"),
    (IPV4, {"priority": 255, "track_file": ["load"]}, "track_file[0]", "weight 1"),
]


@pytest.mark.parametrize(("base", "changes", "key", "said"), OF_ONE, ids=[f"{o[2]}:{o[3][:24]}" for o in OF_ONE])
def test_a_contradiction_of_one_instance(
    base: t.Mapping[str, t.Any], changes: t.Mapping[str, t.Any], key: str, said: str
) -> None:
    found = told(with_instances(VI_1={**base, **changes}))

    assert any(path == f"vrrp_instances.VI_1.{key}" and said in message for path, message in found), found
    assert told(with_instances(VI_1=base)) == []


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (IPV4, {"version": 2, "advert_int": 255}),
        (IPV4, {"version": 2, "authentication": PASS}),
        (IPV4, {"auth_hmac": {"keys": KEYS, "active_key": 2}}),
        (IPV4, {"priority": 255, "state": "MASTER", "track_script": ["fault"]}),
        (IPV4, {"priority": 255, "track_file": ["load weight 0"]}),
        (IPV4, {"priority": 255, "mcast_src_ip": "192.0.2.10"}),
        (IPV4, {"virtual_ipaddress": [], "no_virtual_ipaddress": True}),
        (IPV6, {"mcast_src_ip": "fe80::1", "virtual_ipaddress_excluded": ["192.0.2.9/24"]}),
        (IPV4, {"use_vmac": True, "vmac_name": "vm1", "vmac_xmit_base": True}),
        (
            UNICAST,
            {"virtual_ipaddress": ["2001:db8::10"], "unicast_src_ip": "2001:db8::1", "unicast_peer": ["fe80::2"]},
        ),
    ],
)
def test_what_is_no_contradiction(base: t.Mapping[str, t.Any], changes: t.Mapping[str, t.Any]) -> None:
    assert told(with_instances(VI_1={**base, **changes})) == []


STRICT = [
    ({"no_virtual_ipaddress": True}, "no_virtual_ipaddress"),
    ({"unicast_peer": ["192.0.2.2"]}, "unicast_peer"),
    ({"version": 2, "authentication": PASS}, "authentication"),
    ({"auth_hmac": {"keys": KEYS, "active_key": 1}}, "auth_hmac"),
    ({"preempt_delay": 1}, "preempt_delay"),
    ({"use_vmac": True, "vmac_xmit_base": True}, "vmac_xmit_base"),
    ({"down_timer_adverts": 4}, "down_timer_adverts"),
    ({"accept": True}, "accept"),
    ({"state": "MASTER"}, "state"),
    ({"garp_lower_prio_repeat": 2}, "garp_lower_prio_repeat"),
]


@pytest.mark.parametrize(("changes", "key"), STRICT, ids=[key for _changes, key in STRICT])
@pytest.mark.parametrize("by", ["the instance", "global_defs"])
def test_what_strict_mode_excludes(changes: t.Mapping[str, t.Any], key: str, by: str) -> None:
    document = with_instances(VI_1={**IPV4, **changes})
    assert told(document) == []

    if by == "global_defs":
        document["global_defs"] = {"vrrp_strict": True}
    else:
        document["vrrp_instances"]["VI_1"]["strict_mode"] = True
    ((path, message),) = told(document)

    assert path == f"vrrp_instances.VI_1.{key}"
    assert "Strict mode" in message


def test_the_owner_may_be_master_and_answer_in_strict_mode() -> None:
    owner = {**IPV4, "priority": 255, "strict_mode": True, "state": "MASTER", "accept": True}
    assert told(with_instances(VI_1=owner)) == []


OTHER = {"interface": "eth0", "virtual_ipaddress": ["192.0.2.11/24"]}


@pytest.mark.conformance("INT-01", "INT-02")
@pytest.mark.parametrize(
    "other",
    [
        {**IPV6},
        {**OTHER, "virtual_router_id": 51, "interface": "eth1"},
        {**OTHER, "virtual_router_id": 51, "mcast_dst_ip": "224.0.0.20"},
        {**OTHER, "virtual_router_id": 51, "unicast_peer": ["192.0.2.2"]},
    ],
    ids=["IPv6", "another interface", "another group", "unicast"],
)
def test_one_number_may_be_used_where_peers_can_tell_the_two_apart(other: Document) -> None:
    assert told(with_instances(VI_1=IPV4, VI_2=other)) == []


@pytest.mark.conformance_negative("INT-01", "INT-02")
@pytest.mark.parametrize("version", [None, 2])
def test_one_number_twice_on_an_interface_is_refused(version: t.Optional[int]) -> None:
    found = told(with_instances(VI_1=IPV4, VI_2={**OTHER, "virtual_router_id": 51, "version": version}))

    assert [path for path, _message in found] == ["vrrp_instances.VI_2.virtual_router_id"]
    assert told(with_instances(VI_1=UNICAST, VI_2={**OTHER, "virtual_router_id": 51, "unicast_peer": ["192.0.2.3"]}))


def test_macvlans_need_names_of_their_own() -> None:
    first = {**IPV4, "use_vmac": True}
    second = {**OTHER, "interface": "eth1", "virtual_router_id": 51, "use_vmac": True}

    ((path, message),) = told(with_instances(VI_1=first, VI_2=second))

    assert path == "vrrp_instances.VI_2.vmac_name"
    assert "vrrp.51 is already named by vrrp_instances.VI_1" in message
    assert told(with_instances(VI_1=first, VI_2={**second, "vmac_name": "vrrp.51b"})) == []


@pytest.mark.conformance_negative("NDP-01")
def test_two_routers_of_one_interface_cannot_have_the_same_virtual_mac() -> None:
    first = {**IPV4, "use_vmac": True}
    second = {**OTHER, "virtual_router_id": 51, "use_vmac": True, "vmac_name": "vm2", "mcast_dst_ip": "224.0.0.99"}
    ((path, message),) = told(with_instances(VI_1=first, VI_2=second))
    assert path == "vrrp_instances.VI_2.virtual_router_id"
    assert "has the virtual MAC of vrrp_instances.VI_1" in message

    assert told(with_instances(VI_1=first, VI_2={**second, "interface": "eth1"})) == []
    assert told(with_instances(VI_1=first, VI_2={**second, "use_vmac": False, "vmac_name": None})) == []


def group(**options: t.Any) -> Document:
    first = {**IPV4, **options.pop("first", {})}
    second = {**OTHER, "virtual_router_id": 52, **options.pop("second", {})}
    document = with_instances(VI_1=first, VI_2=second)
    document["vrrp_sync_groups"] = {"G1": {"group": ["VI_1", "VI_2"], **options}}
    return document


@pytest.mark.conformance("INT-05")
def test_members_of_a_group_that_are_alike() -> None:
    assert told(group(first={"priority": 150}, second={"priority": 150}, track_script=["minus"])) == []
    assert told(group(first={"priority": 150}, sync_group_tracking_weight=True)) == []
    assert told(group(first={"track_script": ["fault"]})) == []
    assert told(group(first={"track_script": ["minus"]}, sync_group_tracking_weight=True)) == []


@pytest.mark.conformance_negative("INT-05")
@pytest.mark.parametrize(
    ("options", "path", "said"),
    [
        ({"first": {"priority": 150}}, "vrrp_sync_groups.G1.group", "VI_1 has priority 150 and VI_2 100"),
        ({"first": {"nopreempt": True}}, "vrrp_sync_groups.G1.group", "must have the same nopreempt"),
        ({"first": {"track_script": ["minus"]}}, "vrrp_instances.VI_1.track_script[0]", "move it to the group"),
        ({"second": {"track_file": ["load"]}}, "vrrp_instances.VI_2.track_file[0]", "weight 1 for one member"),
        ({"group": ["VI_1", "VI_3"]}, "vrrp_sync_groups.G1.group[1]", "Did you mean VI_"),
        ({"group": ["VI_1", "VI_1"]}, "vrrp_sync_groups.G1.group", "has VI_1 twice"),
        ({"track_process": ["nginx"]}, "vrrp_sync_groups.G1.track_process[0]", "is not defined"),
        ({"global_tracking": True}, "vrrp_sync_groups.G1.global_tracking", "Write sync_group_tracking_weight"),
    ],
)
def test_members_of_a_group_that_would_tear_it(options: t.Dict[str, t.Any], path: str, said: str) -> None:
    found = told(group(**copy.deepcopy(options)))

    assert [place for place, _message in found] == [path], found
    assert said in found[0][1]


def test_an_instance_is_in_one_group() -> None:
    document = group()
    document["vrrp_sync_groups"]["G2"] = {"group": ["VI_2"]}

    ((path, message),) = told(document)

    assert path == "vrrp_sync_groups.G2.group[0]"
    assert "already in vrrp_sync_groups.G1" in message


def test_a_weight_of_a_group_cannot_move_an_owner() -> None:
    owners = {"first": {"priority": 255}, "second": {"priority": 255}}
    ((path, message),) = told(group(**owners, track_script=["minus"]))

    assert path == "vrrp_sync_groups.G1.track_script[0]"
    assert "the priority of VI_1 is 255" in message


def test_an_address_is_in_one_place() -> None:
    twice = {**OTHER, "virtual_router_id": 52, "virtual_ipaddress_excluded": ["192.0.2.10/32"]}
    ((path, _message),) = told(with_instances(VI_1=IPV4, VI_2=twice))
    assert path == "vrrp_instances.VI_2.virtual_ipaddress_excluded[0]"

    always = {**with_instances(VI_1=IPV4), "static_ipaddress": ["192.0.2.10/24 dev eth0"]}
    ((path, message),) = told(always)
    assert path == "vrrp_instances.VI_1.virtual_ipaddress[0]"
    assert "static_ipaddress[0]" in message


@pytest.mark.conformance("OWN-01")
def test_what_is_always_there_belongs_to_the_owner() -> None:
    owner = with_instances(VI_1={**IPV4, "priority": 255})
    assert told({**owner, "static_ipaddress": ["192.0.2.10/24 dev eth0"]}) == []


def test_a_link_local_address_has_one_master_on_each_link() -> None:
    second = {**IPV6, "virtual_ipaddress": ["fe80::51/64"]}
    assert told(with_instances(VI_1=IPV6, VI_2={**second, "interface": "eth1"})) == []
    assert told(with_instances(VI_1=IPV6, VI_2={**second, "virtual_router_id": 52}))


DEFINITIONS = [
    ({"static_ipaddress": ["192.0.2.1/24"]}, "static_ipaddress[0]", "no default_interface"),
    (
        {"global_defs": {"lvs_sync_daemon": {"interface": "eth0", "inst": "VI"}}},
        "global_defs.lvs_sync_daemon.inst",
        "is not defined in vrrp_instances",
    ),
    ({"global_defs": {"notify_fifo_script": "/bin/x"}}, "global_defs.notify_fifo_script", "nothing to read"),
    (
        {"global_defs": {"notify_fifo": "/run/f", "vrrp_notify_fifo": "/run/f"}},
        "global_defs.vrrp_notify_fifo",
        "would come twice",
    ),
    ({"global_defs": {"smtp_starttls": True}}, "global_defs.smtp_starttls", "does nothing without smtp_server"),
    (
        {"global_defs": {"smtp_server": "m", "smtp_username": "u", "smtp_password_file": "/p"}},
        "global_defs.smtp_username",
        "clear text",
    ),
    (
        {"global_defs": {"smtp_server": "m", "smtp_starttls": True, "smtp_username": "u"}},
        "global_defs.smtp_username",
        "needs smtp_password_file",
    ),
    (
        {"track_files": {"f": {"file": "/f", "init_file_overwrite": True}}},
        "track_files.f.init_file_overwrite",
        "without init_file",
    ),
    (
        {"vrrp_track_processes": {"p": {"process": "p", "quorum": 3, "quorum_max": 2}}},
        "vrrp_track_processes.p.quorum_max",
        "below quorum, 3",
    ),
    (
        {"vrrp_track_processes": {"p": {"process": "p", "param_match": "partial"}}},
        "vrrp_track_processes.p.param_match",
        "process has none",
    ),
    (
        {"bfd_instances": {"b": {"neighbor_ip": "192.0.2.2", "source_ip": "2001:db8::1"}}},
        "bfd_instances.b.source_ip",
        "of the family",
    ),
    (
        {"bfd_instances": {"b": {"neighbor_ip": "192.0.2.2"}, "c": {"neighbor_ip": "192.0.2.2"}}},
        "bfd_instances.c.neighbor_ip",
        "already watched by bfd_instances.b",
    ),
    (
        {"bfd_instances": {"b": {"neighbor_ip": "192.0.2.2"}, "c": {"neighbor_ip": "192.0.2.2", "source_ip": OWN_IP}}},
        "bfd_instances.c.neighbor_ip",
        "give both a source_ip",
    ),
    (
        {"bfd_instances": {"b": {"neighbor_ip": "fe80::2"}}},
        "bfd_instances.b.neighbor_ip",
        "is link-local, and a session has no interface",
    ),
    (
        {"garp_groups": {"a": {"interfaces": ["eth0"]}, "b": {"interfaces": ["eth1", "eth0"]}}},
        "garp_groups.b.interfaces[1]",
        "already in garp_groups.a",
    ),
]


@pytest.mark.parametrize(("document", "path", "said"), DEFINITIONS, ids=[one[1] for one in DEFINITIONS])
def test_a_contradiction_of_a_definition(document: Document, path: str, said: str) -> None:
    ((place, message),) = told(document)

    assert place == path
    assert said in message


def test_a_process_that_must_not_run_needs_no_quorum() -> None:
    assert told({"vrrp_track_processes": {"p": {"process": "p", "quorum_max": 0}}}) == []

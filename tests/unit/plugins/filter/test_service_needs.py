# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter by which the role gives the service what its configuration needs, and no more."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.ha.plugins.filter.service_needs import FilterModule

service_needs = FilterModule().filters()["service_needs"]
INSTANCE = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}
PROGRAM = "/usr/local/bin/tell me"
MISC = {"type": "misc", "misc_path": {"command": PROGRAM, "user": "www-data"}}


def needs(**sections: t.Any) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", service_needs({"vrrp_instances": {"VI_1": INSTANCE}, **sections}))


def test_a_configuration_without_programs_needs_nothing() -> None:
    assert not any(needs().values())


def test_programs_of_the_daemons_own_user_need_time_alone() -> None:
    found = needs(vrrp_instances={"VI_1": {**INSTANCE, "notify_master": PROGRAM}})
    assert found == {**needs(), "scripts": True}


@pytest.mark.parametrize(
    ("sections", "users"),
    [
        ({"vrrp_scripts": {"chk": {"script": {"command": PROGRAM, "user": "www-data"}}}}, ["www-data"]),
        ({"vrrp_scripts": {"chk": {"script": PROGRAM}}, "global_defs": {"script_user": "nobody nogroup"}}, ["nobody"]),
        ({"vrrp_scripts": {"chk": {"script": {"command": PROGRAM, "user": "mainstay"}}},
          "global_defs": {"script_user": "nobody"}}, []),
        ({"vrrp_instances": {"VI_1": {**INSTANCE, "notify_fault": {"command": PROGRAM, "user": "root"}}}}, ["root"]),
        ({"vrrp_sync_groups": {"G1": {"group": ["VI_1"], "notify": {"command": PROGRAM, "user": "ops"}}}}, ["ops"]),
        ({"global_defs": {"startup_script": {"command": PROGRAM, "user": "root"}}}, ["root"]),
        ({"global_defs": {"shutdown_script": {"command": PROGRAM, "group": "adm"}}}, ["mainstay"]),
        ({"global_defs": {"script_user": "nobody"}}, []),
    ],
    ids=["user", "script_user", "own user", "instance", "sync group", "root", "group alone", "no program"],
)  # fmt: skip
def test_programs_of_other_users_are_found_wherever_they_stand(sections: dict[str, t.Any], users: list[str]) -> None:
    assert needs(**sections)["script_users"] == users


def test_a_fifo_of_another_user_has_to_be_given_to_him() -> None:
    defs = {"notify_fifo": "/run/mainstay/fifo", "notify_fifo_script": PROGRAM}
    assert needs(global_defs=defs)["fifo_users"] == []
    assert needs(global_defs={**defs, "script_user": "nobody"})["fifo_users"] == ["nobody"]


def test_tracked_processes_belong_to_other_users() -> None:
    assert needs(vrrp_track_processes={"web": {"process": "nginx"}})["foreign_processes"] is True


def test_the_first_and_the_last_program_have_their_time() -> None:
    defs = {"startup_script": PROGRAM, "startup_script_timeout": 90, "shutdown_script": PROGRAM}
    found = needs(global_defs=defs)
    assert (found["startup_seconds"], found["shutdown_seconds"]) == (90, 10)


def test_what_is_wrong_is_named_as_the_role_s_variable() -> None:
    """The role's argument spec evaluates defaults that are made from this before any value is judged."""
    with pytest.raises(AnsibleFilterError, match="mainstay_global_defs.router_id = 7: must"):
        service_needs({"global_defs": {"router_id": 7}})


@pytest.mark.parametrize("wrong", [{"vrrp_instance": {}}, {"global_defs": object()}], ids=["misspelt", "no JSON"])
def test_what_the_daemon_would_not_run_has_no_needs(wrong: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleFilterError, match="the daemon would not run this"):
        service_needs(wrong)


@pytest.mark.parametrize(
    ("service", "families"),
    [
        ({"real_servers": [{"address": "192.0.2.21"}]}, ["inet"]),
        ({"lb_kind": "DR", "real_servers": [{"address": "192.0.2.21"}]}, []),
        ({"lb_kind": "DR", "real_servers": [{"address": "192.0.2.21", "lb_kind": "NAT"}]}, ["inet"]),
        ({"lb_kind": "TUN", "real_servers": [{"address": "2001:db8::21"}]}, []),
        ({"address": "2001:db8::10", "real_servers": [{"address": "2001:db8::21"}]}, ["inet6"]),
        ({"lb_kind": "DR", "sorry_server": "192.0.2.30", "sorry_server_lb_kind": "NAT"}, ["inet"]),
        ({}, []),
    ],
)
def test_packets_pass_through_the_machine_by_nat_alone(service: dict[str, t.Any], families: list[str]) -> None:
    web = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", **service}
    assert needs(virtual_servers={"web": web})["forwards"] == families


@pytest.mark.parametrize(
    "said",
    [
        {"quorum_down": {"command": PROGRAM, "user": "www-data"}},
        {"real_servers": [{"address": "192.0.2.21", "notify_up": {"command": PROGRAM, "user": "www-data"}}]},
        {"real_servers": [{"address": "192.0.2.21", "checks": [{"type": "tcp"}, MISC]}]},
    ],
    ids=["quorum", "notify_up", "misc"],
)
def test_programs_of_services_servers_and_checks_count(said: dict[str, t.Any]) -> None:
    web = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", "lb_kind": "DR", **said}
    found = needs(virtual_servers={"web": web})
    assert (found["scripts"], found["script_users"]) == (True, ["www-data"])

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Balanced services that are allowed and hardly meant."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.load import load_config
from mainstay.model.warnings import warnings

from .service_samples import SERVER, service

CHECKED = {**SERVER, "check": {"type": "tcp"}}
SERVER_WITHOUT_CHECK = {"address": "192.0.2.22"}
SECOND = {"address": "192.0.2.22", "check": {"type": "tcp"}}
PROGRAM = {"type": "misc", "misc_path": "/bin/check | logger"}


def warned(said: t.Mapping[str, t.Any], **sections: t.Any) -> t.List[t.Tuple[str, str]]:
    document = service({"real_servers": [CHECKED, SECOND], **said}, **sections)
    return [(one.path.replace("virtual_servers.web.", ""), one.message) for one in warnings(load_config(document))]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"quorum": 2},
        {"quorum": 1, "real_servers": []},
        {"pool_floor": 50, "flap_damping": 60, "slow_start": 10, "weight": 100},
        {"slow_start": 10, "real_servers": [{**CHECKED, "weight": 100}, SERVER_WITHOUT_CHECK]},
        {"lb_algo": "sh", "sh_fallback": True, "inhibit_on_failure": True},
        {"lb_algo": "mh", "mh_fallback": True},
        {"real_servers": [CHECKED, {**SECOND, "backup": True}], "sorry_server": "192.0.2.30"},
    ],
)
def test_a_sensible_service_has_none(said: t.Dict[str, t.Any]) -> None:
    assert warned(said) == []


@pytest.mark.parametrize(
    ("said", "path", "message"),
    [
        ({"nat_mask": "255.255.255.255"}, "nat_mask", "the kernel has no such setting"),
        ({"quorum": 3}, "quorum", "the weights of the pool together, 2; it counts as that"),
        ({"quorum": 2, "real_servers": [CHECKED, {**SECOND, "backup": True}]}, "quorum", "together, 1"),
        ({"real_servers": [{**CHECKED, "backup": True}]}, "real_servers", "has backup servers only"),
        ({"pool_floor": 50, "sorry_server": "192.0.2.30"}, "pool_floor", "sorry_server takes connections only when"),
        (
            {"pool_floor": 50, "real_servers": [CHECKED, {**SECOND, "backup": True}]},
            "pool_floor",
            "a backup server takes connections only when",
        ),
        ({"slow_start": 10, "real_servers": [SERVER]}, "slow_start", "no real server has a check"),
        ({"pool_floor": 10, "real_servers": [SERVER]}, "pool_floor", "no real server has a check"),
        ({"slow_start": 10}, "slow_start", "at weight 1, which has no lower step; give the whole pool larger weights"),
        (
            {"slow_start": 10, "real_servers": [CHECKED, {**SECOND, "weight": 100}]},
            "real_servers[0].slow_start",
            "does nothing at weight 1",
        ),
        ({"real_servers": [CHECKED, {**SECOND, "slow_start": 5}]}, "real_servers[1].slow_start", "at weight 1"),
        ({"lb_algo": "sh"}, "sh_fallback", "that is drained stays at weight 0, and ip_vs refuses the clients"),
        ({"lb_algo": "mh", "mh_port": True}, "mh_fallback", "that is drained stays at weight 0"),
        ({"lb_algo": "sh", "inhibit_on_failure": True}, "sh_fallback", "is failed (inhibit_on_failure) or drained"),
        (
            {"lb_algo": "sh", "real_servers": [CHECKED, {**SECOND, "inhibit_on_failure": True}]},
            "sh_fallback",
            "is failed (inhibit_on_failure) or drained",
        ),
        ({"smtp_alert": True}, "smtp_alert", "no mail is sent without smtp_server"),
        ({"real_servers": [{**CHECKED, "smtp_alert": True}]}, "real_servers[0].smtp_alert", "without smtp_server"),
        ({"quorum_down": "/bin/x > /tmp/log"}, "quorum_down", "there is no shell"),
        ({"real_servers": [{**CHECKED, "notify_up": "/bin/x ; y"}]}, "real_servers[0].notify_up", "there is no shell"),
        ({"real_servers": [{**SERVER, "check": PROGRAM}]}, "real_servers[0].check.misc_path", "there is no shell"),
    ],
)
def test_what_is_warned_of_in_a_service(said: t.Dict[str, t.Any], path: str, message: str) -> None:
    ((place, words),) = warned(said)

    assert place == path
    assert message in words


def test_a_group_that_nobody_serves() -> None:
    ((path, message),) = warned({}, virtual_server_groups={"G": {"entries": ["192.0.2.60 80"]}})
    assert (path, message) == ("virtual_server_groups.G", "no virtual_server names it, so it is not served.")


@pytest.mark.parametrize("lb_algo", ["sh", "mh"])
def test_on_nftables_no_client_is_hashed_to_weight_0(lb_algo: str) -> None:
    said = {"lb_algo": lb_algo, "inhibit_on_failure": True}
    assert warned(said, global_defs={"data_plane": "nftables"}) == []
    assert [path for path, _message in warned(said)] == [f"{lb_algo}_fallback"]


def test_what_a_check_goes_by_is_used() -> None:
    sections = {
        "track_files": {"load": {"file": "/run/load"}},
        "bfd_instances": {"peer": {"neighbor_ip": "192.0.2.9"}},
    }
    checks = [{"type": "file", "track_file": "load"}, {"type": "bfd", "name": "peer"}]
    assert warned({"real_servers": [{**SERVER, "checks": checks}]}, **sections) == []
    assert [path for path, _message in warned({}, **sections)] == ["track_files.load", "bfd_instances.peer"]

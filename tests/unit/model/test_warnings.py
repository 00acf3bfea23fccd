# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is allowed and hardly meant."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.load import load_config
from mainstay.model.warnings import warnings

from .model_samples import GOOD

INSTANCE = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"], "priority": 150}
MAIL = {"smtp_server": "mail.example.com", "notification_email": ["ops@example.com"]}


def warned(instance: t.Mapping[str, t.Any], **sections: t.Any) -> t.List[t.Tuple[str, str]]:
    document = {
        "vrrp_scripts": {"chk": {"script": "/usr/local/bin/chk", "weight": -20}},
        "vrrp_instances": {"VI_1": {"track_script": ["chk"], **INSTANCE, **instance}},
        **sections,
    }
    return [(warning.path, warning.message) for warning in warnings(load_config(document))]


def test_a_sensible_configuration_has_none() -> None:
    assert list(warnings(load_config(GOOD))) == []
    assert warned({"track_interface": ["eth1 weight -10"], "smtp_alert": True}, global_defs=MAIL) == []


@pytest.mark.parametrize(
    ("instance", "path", "said"),
    [
        ({"nopreempt": True}, "track_script[0]", "weight -20 can never cause a failover: with nopreempt"),
        ({"track_interface": ["eth0 weight -10"]}, "track_interface[0]", "its own interface is down"),
        ({"priority": 254, "track_script": ["chk weight 10"]}, "track_script[0]", "the highest that there is"),
        ({"priority": 1}, "track_script[0]", "the lowest that there is"),
        ({"strict_mode": True}, "accept", "not even a ping"),
        ({"auth_hmac": {"keys": [{"id": 1, "key": "k" * 32}], "active_key": 1, "mode": "permissive"}},
         "auth_hmac.mode", "unsigned adverts count as well"),
        ({"virtual_ipaddress": ["2001:db8::1"], "unicast_peer": ["2001:db8::3"]}, "virtual_ipaddress[0]", "RFC 9568"),
        ({"smtp_alert": True}, "smtp_alert", "no mail is sent without smtp_server"),
        ({"notify": "/bin/x >> /tmp/log"}, "notify", "there is no shell"),
    ],
)  # fmt: skip
def test_what_is_warned_of_in_an_instance(instance: t.Dict[str, t.Any], path: str, said: str) -> None:
    ((place, message),) = warned(instance)

    assert place == f"vrrp_instances.VI_1.{path}"
    assert said in message


def test_a_weight_of_the_own_interface_counts_when_its_carrier_does_not() -> None:
    assert warned({"track_interface": ["eth0 weight -10"], "dont_track_primary": True}) == []


def test_a_weight_of_the_group_is_judged_for_its_members() -> None:
    groups = {"G1": {"group": ["VI_1", "VI_2"], "track_script": ["chk"]}}
    second = {**INSTANCE, "virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.11/24"], "nopreempt": True}
    document = {
        "vrrp_scripts": {"chk": {"script": "/usr/local/bin/chk", "weight": -20}},
        "vrrp_instances": {"VI_1": {**INSTANCE, "nopreempt": True}, "VI_2": second},
        "vrrp_sync_groups": groups,
    }

    places = {warning.path for warning in warnings(load_config(document))}

    assert places == {"vrrp_sync_groups.G1.track_script[0]"}


def test_a_group_of_one_and_a_definition_that_nobody_uses() -> None:
    found = warned(
        {},
        vrrp_sync_groups={"G1": {"group": ["VI_1"], "sync_group_tracking_weight": True}},
        track_files={"load": {"file": "/run/load"}},
    )

    assert [path for path, _message in found] == ["vrrp_sync_groups.G1.group", "track_files.load"]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two configurations, with values, and without secrets."""

from __future__ import annotations

import copy
import typing as t

from mainstay.model.changes import ObjectChange, changes
from mainstay.model.dump import HIDDEN, config_document, hide_secrets, secrets_in
from mainstay.model.load import load_config

from .model_samples import GOOD


def told(old: t.Any, new: t.Any, secrets: t.AbstractSet[str] = frozenset()) -> t.List[str]:
    found: t.List[ObjectChange] = changes(
        *(hide_secrets(config_document(load_config(one))) for one in (old, new)), secrets
    )
    return [
        f"{change.subject}: {change.change}"
        + "".join(f"; {line}" for one in change.options for line in one.sentences())
        for change in found
    ]


def test_equal_configurations_differ_in_nothing_however_they_are_spelt() -> None:
    spelt = copy.deepcopy(GOOD)
    spelt["vrrp_instances"]["VI_1"]["advert_int"] = 1.0
    assert told(GOOD, spelt) == []


def test_values_stand_beside_each_other_and_lists_tell_what_comes_and_goes() -> None:
    document = copy.deepcopy(GOOD)
    document["global_defs"]["router_id"] = "lb1"
    document["vrrp_instances"]["VI_1"].update(priority=90, virtual_ipaddress=["192.0.2.99/24"])
    document["virtual_servers"] = {"dns": {"address": "192.0.2.10", "port": 53, "protocol": "UDP"}}

    lines = told(GOOD, document)

    assert any(line.startswith("global_defs: changed; router_id: ") and line.endswith("-> lb1") for line in lines)
    (instance,) = [line for line in lines if line.startswith("vrrp_instance VI_1: changed")]
    assert "; priority: " in instance and " -> 90" in instance
    assert "; virtual_ipaddress: without " in instance and "; virtual_ipaddress: with 192.0.2.99/24" in instance
    assert lines[-2:] == ["virtual_server web: removed", "virtual_server dns: added"]


def test_header_fields_of_a_check_let_somebody_in_and_are_never_shown() -> None:
    def pool(token: str) -> t.Dict[str, t.Any]:
        check = {"type": "http", "headers": {"Authorization": f"Bearer {token}"}}
        servers = [{"address": "192.0.2.21", "checks": [check]}]
        service = {"address": "192.0.2.10", "port": 80, "protocol": "TCP", "real_servers": servers}
        return {"virtual_servers": {"headers": service}}

    before, after = pool("hush1"), pool("hush2")
    old, new = (secrets_in(config_document(load_config(one))) for one in (before, after))
    differing = {path for path in old if old[path] != new[path]}
    assert differing == {"virtual_servers.headers.real_servers.0.check.headers.Authorization"}

    assert told(before, after) == []
    changed = "virtual_server headers: changed; real_servers: changed, not shown"
    assert told(before, after, frozenset(differing)) == [changed]
    shown = str(hide_secrets(config_document(load_config(before))))
    assert HIDDEN in shown and "hush" not in shown
    assert "192.0.2.10" in shown, "the service has that name and is no header"


def test_a_secret_is_told_to_differ_and_never_shown() -> None:
    before = copy.deepcopy(GOOD)
    before["vrrp_instances"]["VI_1"].update(version=2, authentication={"auth_type": "PASS", "auth_pass": "hush-1"})
    after = copy.deepcopy(before)
    after["vrrp_instances"]["VI_1"]["authentication"]["auth_pass"] = "hush-2"

    old, new = (secrets_in(config_document(load_config(one))) for one in (before, after))
    assert old == {"vrrp_instances.VI_1.authentication.auth_pass": "hush-1"}

    assert told(before, after) == []
    assert told(before, after, frozenset(new)) == ["vrrp_instance VI_1: changed; authentication: changed, not shown"]
    assert HIDDEN in str(told(GOOD, before)) and "hush" not in str(told(GOOD, before))

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one data plane cannot do and the other can: refused at its path, with the reason and the remedy."""

from __future__ import annotations

import copy
import typing as t

import pytest

from .model_samples import GOOD, problems_of


def document(data_plane: str, server: t.Mapping[str, object] = {}, **changes: object) -> dict[str, t.Any]:
    """A service that both engines take, with these options changed; `server` of its first real server."""
    changed = copy.deepcopy(GOOD)
    changed["global_defs"]["data_plane"] = data_plane
    web = changed["virtual_servers"]["web"]
    web.update({"lb_kind": "NAT", "sorry_server": {"address": "192.0.2.30", "port": 80}, **changes})
    web["real_servers"][0].update(server)
    for key in [key for key, value in web.items() if value is None]:
        del web[key]
    return changed


MARK = {"address": None, "port": None, "protocol": None, "fwmark": 5}


@pytest.mark.parametrize("changes", [
    {"lb_algo": "rr"}, {"lb_algo": "sh", "sh_port": True, "sh_fallback": True},
    {"lb_algo": "mh", "mh_port": True, "mh_fallback": True}, {"protocol": "UDP"},
    {"persistence_timeout": 300, "persistence_granularity": 24}, {"persistence_timeout": 300, "port": 0}, MARK,
    {"sorry_server_inhibit": True, "inhibit_on_failure": True, "quorum": 1}, {"masquerade": True},
], ids=str)  # fmt: skip
def test_what_nftables_can_do_is_taken(changes: dict[str, object]) -> None:
    assert problems_of(document("nftables", **changes)) == []


@pytest.mark.parametrize(("changes", "said"), [
    ({"lb_kind": "DR"}, "forwards by NAT only"),
    ({"sorry_server_lb_kind": "DR"}, "forwards by NAT only"),
    ({"lb_algo": "wlc"}, "knows rr, wrr, sh, mh and does not count connections when it chooses"),
    ({"lb_algo": "lc"}, "does not count connections"),
    ({"lb_algo": "dh"}, "knows rr, wrr, sh, mh; choose one"),
    ({"protocol": "SCTP"}, "balances TCP and UDP"),
    ({"ops": True, "protocol": "UDP"}, "no packet is alone"),
    ({"persistence_engine": "sip", "protocol": "UDP", "persistence_timeout": 300}, "by their address only"),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else "")  # fmt: skip
def test_what_nftables_cannot_do_is_refused_with_the_reason(changes: dict[str, object], said: str) -> None:
    option, value = next(iter(changes.items()))
    found = problems_of(document("nftables", **changes))
    mine = [problem for problem in found if problem.path == f"virtual_servers.web.{option}"]
    assert [problem.value for problem in mine] == [value], found
    assert said in mine[0].message and "or set global_defs.data_plane to ipvs." in mine[0].message


@pytest.mark.parametrize(("option", "value", "said"), [
    ("lb_kind", "DR", "forwards by NAT only"),
    ("uthreshold", 100, "does not count connections"),
])  # fmt: skip
def test_a_real_server_that_nftables_cannot_serve_is_named(option: str, value: object, said: str) -> None:
    (problem,) = problems_of(document("nftables", {option: value}))
    assert (problem.path, problem.value) == (f"virtual_servers.web.real_servers[0].{option}", value)
    assert said in problem.message


def test_all_of_it_is_fine_where_ip_vs_forwards() -> None:
    for changes in ({"lb_kind": "DR"}, {"lb_algo": "wlc"}, {"ops": True, "protocol": "UDP"}):
        found = problems_of(document("ipvs", **changes))
        assert [problem for problem in found if "nftables" in problem.message] == []


def test_masquerading_is_nothing_that_ip_vs_does() -> None:
    (problem,) = problems_of(document("ipvs", masquerade=True))
    assert problem.path == "virtual_servers.web.masquerade"
    assert "never changes the client's address" in problem.message and "data_plane to nftables" in problem.message


@pytest.mark.parametrize(("key", "value", "said"), [
    ("lvs_sync_daemon", {"interface": "eth0"}, "synchronises the connections of ip_vs"),
    ("lvs_timeouts", {"tcp": 900}, "sets the timeouts of ip_vs"),
    ("lvs_flush", True, "empties the table of ip_vs"),
    ("lvs_flush_on_stop", "all", "empties the table of ip_vs"),
])  # fmt: skip
def test_what_is_about_ip_vs_alone_is_refused_without_it(key: str, value: object, said: str) -> None:
    (problem,) = problems_of({"global_defs": {"data_plane": "nftables", key: value}})
    assert (problem.path, problem.value) == (f"global_defs.{key}", None if isinstance(value, dict) else value)
    assert said in problem.message and "leave it out or set global_defs.data_plane to ipvs." in problem.message
    assert problems_of({"global_defs": {key: value}}) == [], "the default data plane, with or without services"


def test_their_defaults_may_be_said_on_nftables() -> None:
    defaults = {"lvs_flush": False, "lvs_flush_on_stop": "ours"}
    assert problems_of({"global_defs": {"data_plane": "nftables", **defaults}}) == []

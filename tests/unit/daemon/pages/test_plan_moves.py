# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which virtual IPs a reload would move: what one machine can know, and what it cannot."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.pages.plan_moves import Move, moves
from mainstay.daemon.pages.planning import ReloadPlan
from mainstay.model.load import load_config

from ..daemon_process import INSTANCE

PRIORITY = {"state": "MASTER", "effective_priority": 150, "master_priority": 150}
MASTER = {"instances": {"VI_1": PRIORITY}}
BACKUP = {"instances": {"VI_1": {"state": "BACKUP", "effective_priority": 100, "master_priority": 150, "master": "X"}}}
VIP = "192.0.2.10/24 on eth0"


def document(**instances: t.Any) -> t.Any:
    return {"vrrp_instances": instances}


def planned(after: t.Any, status: t.Any = MASTER, before: t.Any = None, **options: t.Any) -> t.List[Move]:
    running = document(VI_1={**INSTANCE, "priority": 150}) if before is None else before
    return moves(load_config(running), load_config(after), status, **options)


def changed(**options: t.Any) -> t.Any:
    return document(VI_1={**INSTANCE, "priority": 150, **options})


def test_nothing_new_moves_nothing() -> None:
    assert planned(changed()) == []


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (document(other={**INSTANCE, "virtual_router_id": 99}), "leaves the configuration: a backup takes over"),
        (changed(virtual_router_id=52), "virtual_router_id 51 -> 52"),
        (changed(interface="eth1"), "interface eth0 -> eth1"),
        (changed(version=2), "version 3 -> 2"),
        (changed(unicast_peer=["192.0.2.2"]), "multicast and unicast_peer changed places"),
        (
            {**changed(), "global_defs": {"vrrp_mcast_group4": "224.0.0.19"}},
            "mcast_dst_ip 224.0.0.18 -> 224.0.0.19",
        ),
    ],
)
def test_a_master_that_ends_or_becomes_another_router_gives_its_address_away(after: t.Any, why: str) -> None:
    (move,) = planned(after)

    assert move.certain and move.addresses == (VIP,) and why in move.why


def test_the_same_change_of_a_backup_moves_nothing_from_here() -> None:
    assert planned(changed(virtual_router_id=52), BACKUP) == []


def test_an_address_that_leaves_the_list_moves_and_the_others_stay() -> None:
    before = changed(virtual_ipaddress=["192.0.2.10/24", "192.0.2.11/24"])

    move, risk = planned(changed(), before=before)

    assert move == Move("VI_1", ("192.0.2.11/24 on eth0",), True, "not an address of this machine's masters any more")
    assert not risk.certain and "another list of virtual_ipaddress" in risk.why


def test_an_address_that_goes_to_another_master_here_stays_here() -> None:
    other = {**INSTANCE, "virtual_router_id": 52, "virtual_ipaddress": ["192.0.2.20/24"]}
    before = document(VI_1=INSTANCE, VI_2=other)
    after = document(VI_2={**other, "virtual_ipaddress": ["192.0.2.20/24", "192.0.2.10/24"]})
    both = {"instances": {"VI_1": PRIORITY, "VI_2": PRIORITY}}

    assert not any(move.certain for move in planned(after, both, before))
    backup = {"instances": {"VI_1": PRIORITY, "VI_2": {"state": "BACKUP"}}}
    assert any(move.certain and move.addresses == (VIP,) for move in planned(after, backup, before))


def test_another_name_for_the_same_router_moves_nothing() -> None:
    assert planned(document(web={**INSTANCE, "priority": 150})) == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"priority": 100}, "priority 150 -> 100: a backup above 100 takes over"),
        ({"track_interface": ["eth1"]}, "other things are tracked"),
    ],
)
def test_what_hangs_on_peers_may_move(options: t.Any, why: str) -> None:
    (move,) = planned(changed(**options))

    assert not move.certain and move.addresses == (VIP,) and why in move.why
    assert planned(changed(**options), BACKUP) == []


def test_a_higher_priority_of_the_master_moves_nothing() -> None:
    assert planned(changed(priority=200)) == []


def test_peers_that_get_no_adverts_any_more_may_take_over() -> None:
    before = changed(unicast_peer=["192.0.2.2", "192.0.2.3"])
    (move,) = planned(changed(unicast_peer=["192.0.2.2"]), before=before)
    assert "192.0.2.3 hears this machine no more" in move.why


def test_an_interval_counts_in_version_2_alone() -> None:
    assert planned(changed(advert_int=2)) == []
    (move,) = planned(changed(version=2, advert_int=2), before=changed(version=2))
    assert "another advert_int (version 2)" in move.why


def test_other_authentication_may_split_the_group() -> None:
    (move,) = planned(changed(), reauthenticated={"VI_1"})
    assert not move.certain and "other authentication" in move.why


@pytest.mark.parametrize(
    ("priority", "nopreempt", "comes"), [(200, False, True), (151, False, False), (200, True, False)]
)
def test_a_backup_takes_over_when_it_becomes_better_than_the_master_it_hears(
    priority: int, nopreempt: bool, comes: bool
) -> None:
    """Tracking has taken 30 off 150 already, and will take them off 200 too."""
    status = {"instances": {"VI_1": {**BACKUP["instances"]["VI_1"], "effective_priority": 120}}}

    found = planned(changed(priority=priority, nopreempt=nopreempt), status)

    assert [move.certain for move in found] == [True] * comes
    assert not comes or "with priority 170 it preempts X, which advertises 150" in found[0].why


def test_a_demoted_backup_takes_nothing() -> None:
    status = {"instances": {"VI_1": {**BACKUP["instances"]["VI_1"], "demoted": True}}}
    assert planned(changed(priority=250), status) == []


def test_a_member_that_becomes_another_router_may_take_its_group_along() -> None:
    other = {**INSTANCE, "virtual_router_id": 60, "virtual_ipaddress": ["192.0.2.20/24"]}
    group = {"vrrp_sync_groups": {"pair": {"group": ["VI_1", "VI_2"]}}}
    before = {**document(VI_1=INSTANCE, VI_2=other), **group}
    after = {**document(VI_1={**INSTANCE, "virtual_router_id": 52}, VI_2=other), **group}

    first, second = planned(after, {"instances": {"VI_1": PRIORITY, "VI_2": PRIORITY}}, before)

    assert first.certain and first.addresses == (VIP,)
    assert not second.certain and "vrrp_sync_group pair yields with VI_1: also VI_2" in second.why


@pytest.mark.parametrize(
    ("certain", "begins"), [(None, "a reload would change"), (False, "!? vrrp_instance"), (True, "!! vrrp_instance")]
)
def test_the_page_says_that_nothing_moves_only_when_nothing_may(certain: t.Optional[bool], begins: str) -> None:
    moving = () if certain is None else (Move("VI_1", (VIP,), certain, "a backup above 120 takes over"),)

    page = ReloadPlan((), moving, (), True, True).page()

    assert page.startswith(begins)
    assert ("no virtual IP moves by this alone" in page) is (certain is None)

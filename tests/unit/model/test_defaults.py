# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What global_defs says counts for every instance that says nothing itself, and for no other."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.config import GlobalDefs
from mainstay.model.defaults import RunningInstance, notifications, running_instances
from mainstay.model.load import load_config
from mainstay.model.units import seconds
from mainstay.model.vrrp_config import Notifications

IPV4 = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"]}
IPV6 = {**IPV4, "virtual_ipaddress": ["fe80::51/64"]}


def runs(defs: t.Dict[str, t.Any], instance: t.Mapping[str, t.Any] = IPV4, **own: t.Any) -> RunningInstance:
    """The only instance of this file, as workers run it."""
    document = {"global_defs": defs, "vrrp_instances": {"VI_1": {**instance, **own}}}
    return running_instances(load_config(document))["VI_1"]


# Word of global_defs, what it says, the instance's own word, what the instance runs, what the instance says itself.
WORDS = [
    ("vrrp_version", 2, "version", 2, 3),
    ("vrrp_mcast_group4", "224.0.0.19", "mcast_dst_ip", "224.0.0.19", "224.0.0.20"),
    ("vrrp_strict", True, "strict_mode", True, False),
    ("vrrp_skip_check_adv_addr", True, "skip_check_adv_addr", True, False),
    ("vrrp_down_timer_adverts", 5, "down_timer_adverts", 5, 4),
    ("vrrp_lower_prio_no_advert", True, "lower_prio_no_advert", True, False),
    ("vrrp_higher_prio_send_advert", False, "higher_prio_send_advert", False, True),
    ("vrrp_garp_master_delay", 7, "garp_master_delay", seconds(7), 2),
    ("vrrp_garp_master_repeat", 9, "garp_master_repeat", 9, 2),
    ("vrrp_garp_master_refresh", 60, "garp_master_refresh", seconds(60), 30),
    ("vrrp_garp_master_refresh_repeat", 4, "garp_master_refresh_repeat", 4, 2),
    ("vrrp_garp_lower_prio_delay", 8, "garp_lower_prio_delay", seconds(8), 3),
    ("vrrp_garp_lower_prio_repeat", 6, "garp_lower_prio_repeat", 6, 1),
]


@pytest.mark.parametrize(("word", "value", "own", "meant", "otherwise"), WORDS, ids=[row[0] for row in WORDS])
def test_a_word_of_global_defs_counts_where_the_instance_says_nothing(
    word: str, value: object, own: str, meant: object, otherwise: t.Any
) -> None:
    assert getattr(runs({}), own) != meant, "or the word would show nothing"
    assert getattr(runs({word: value}), own) == meant
    said = getattr(runs({word: value}, **{own: otherwise}), own)
    assert said == (seconds(otherwise) if own.endswith(("delay", "refresh")) else otherwise)


def test_ipv6_has_a_group_of_its_own_and_no_version_2() -> None:
    heard = runs({"vrrp_mcast_group6": "ff02::99", "vrrp_version": 2}, IPV6)
    assert (heard.mcast_dst_ip, heard.version) == ("ff02::99", 3)
    assert runs({"vrrp_mcast_group6": "ff02::99"}).mcast_dst_ip == "224.0.0.18", "of no concern to IPv4"


def test_vrrp_min_garp_is_one_announcement_unless_an_instance_wants_more() -> None:
    few = runs({"vrrp_min_garp": True})
    assert (few.garp_master_delay, few.garp_master_repeat, few.garp_lower_prio_repeat) == (0, 1, 1)
    assert runs({"vrrp_min_garp": True}, garp_master_repeat=3).garp_master_repeat == 3


def test_what_answers_a_lesser_master_is_as_much_as_a_new_master_announces_unless_it_is_said() -> None:
    plain = runs({"vrrp_garp_master_delay": 7, "vrrp_garp_master_repeat": 9})
    assert (plain.garp_lower_prio_delay, plain.garp_lower_prio_repeat) == (seconds(7), 9)


def test_strict_mode_is_what_the_rfc_has() -> None:
    strict = runs({"vrrp_strict": True})
    assert strict.lower_prio_no_advert and not strict.higher_prio_send_advert and not strict.accept
    assert strict.garp_lower_prio_repeat == 0


@pytest.mark.parametrize(
    ("own", "of_vrrp", "of_all", "mailed"),
    [
        (None, None, None, False),
        (None, None, True, True),
        (None, False, True, False),
        (None, True, None, True),
        (False, True, True, False),
        (True, False, False, True),
    ],
)
def test_the_nearest_word_about_mail_counts(
    own: t.Optional[bool], of_vrrp: t.Optional[bool], of_all: t.Optional[bool], mailed: bool
) -> None:
    defs = GlobalDefs(smtp_alert=of_all, smtp_alert_vrrp=of_vrrp)
    assert notifications(Notifications(smtp_alert=own), defs).smtp_alert is mailed

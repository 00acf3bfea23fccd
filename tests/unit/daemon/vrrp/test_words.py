# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the word in the file to what the vrrp worker does: no word of an instance is lost on the way."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.vrrp.port import port_key
from mainstay.daemon.vrrp.settings import router_settings
from mainstay.model.defaults import RunningInstance, running_instances
from mainstay.model.load import load_config
from mainstay.model.units import seconds
from mainstay.net.standing import Wanted
from mainstay.net.vrrp_socket import UNICAST
from mainstay.vrrp.announcing import Announcing

from ...vrrp.packets import datagram, message, pseudo_header, with_checksum
from .lab import OWN, PEER, Story

IPV4 = {"interface": "eth0", "virtual_router_id": 51, "virtual_ipaddress": ["192.0.2.10/24"], "garp_master_repeat": 1}
PEERS = {"unicast_peer": [{"address": PEER, "min_ttl": 200, "max_ttl": 250}]}
STRANGER = "192.0.2.77"


def runs(**words: t.Any) -> RunningInstance:
    """The only instance of this file."""
    return running_instances(load_config({"vrrp_instances": {"VI_1": {**IPV4, **words}}}))["VI_1"]


def to_us(ttl: int = 225, source: str = PEER, **changes: t.Any) -> bytes:
    """A better advert sent to us alone, as a peer sends it."""
    whole = message(priority=200, **changes)
    summed = with_checksum(whole, pseudo_header(len(whole), source, OWN))
    return datagram(summed, source=source, destination=OWN, ttl=ttl)


SETTINGS = [
    ("virtual_router_id", 77, "virtual_router_id", 77),
    ("priority", 150, "priority", 150),
    ("state", "MASTER", "state", "MASTER"),
    ("advert_int", 0.5, "advert_int", seconds(0.5)),
    ("version", 2, "version", 2),
    ("nopreempt", True, "nopreempt", True),
    ("preempt_delay", 30, "preempt_delay", seconds(30)),
    ("down_timer_adverts", 5, "down_timer_adverts", 5),
    ("lower_prio_no_advert", True, "lower_prio_no_advert", True),
    ("higher_prio_send_advert", False, "higher_prio_send_advert", False),
    ("learn_interval_max", 20, "learn_interval_max", seconds(20)),
    ("strict_mode", True, "strict", True),
]


@pytest.mark.parametrize(("word", "value", "setting", "meant"), SETTINGS, ids=[row[0] for row in SETTINGS])
def test_a_word_of_the_election_reaches_the_state_machine(word: str, value: t.Any, setting: str, meant: object) -> None:
    settings = router_settings(runs(**{word: value}), OWN, False)
    assert getattr(settings, setting) == meant != getattr(router_settings(runs(), OWN, False), setting)


def test_every_setting_of_the_state_machine_has_its_word() -> None:
    """Or the table above has grown old. The others come from the interface, the addresses and the group."""
    told = {setting for _word, _value, setting, _meant in SETTINGS}
    assert set(vars(router_settings(runs(), OWN, False))) - told == {"name", "local_address", "family", "in_group"}


def test_announcements_are_as_the_file_says() -> None:
    words = {"delay": 4, "repeat": 3, "refresh": 30, "refresh_repeat": 2}
    announcing = Announcing(runs(**{f"garp_master_{word}": value for word, value in words.items()}))
    announcing.start(0)
    assert [announcing.due(seconds(at)) for at in (0, 3.9, 4, 30, 60)] == [3, 0, 3, 2, 2]


def test_announcements_against_a_lesser_master_are_as_the_file_says() -> None:
    announcing = Announcing(runs(garp_lower_prio_delay=2, garp_lower_prio_repeat=4))
    announcing.start_against_lesser(0)
    assert [announcing.due(seconds(at)) for at in (0, 1.9, 2, 60)] == [4, 0, 4, 0]


def test_groups_and_sources_are_as_the_file_says() -> None:
    assert port_key(runs()) == ("eth0", "224.0.0.18", Wanted(4, None))
    chosen = port_key(runs(mcast_src_ip="192.0.2.9", mcast_dst_ip="224.0.0.99"))
    assert chosen == ("eth0", "224.0.0.99", Wanted(4, "192.0.2.9"))
    assert port_key(runs(**PEERS, unicast_src_ip="192.0.2.9")) == ("eth0", UNICAST, Wanted(4, "192.0.2.9"))


@pytest.mark.conformance("RX-04")
@pytest.mark.parametrize("ttl", [200, 250])
def test_a_peer_within_its_range_of_ttl_is_heard(ttl: int) -> None:
    story = Story(runs(**PEERS)).master()
    story.hears(to_us(ttl))
    assert story.state == "BACKUP", story.log


@pytest.mark.conformance_negative("RX-04")
@pytest.mark.parametrize("ttl", [199, 251])
def test_a_peer_out_of_its_range_of_ttl_is_not(ttl: int) -> None:
    story = Story(runs(**PEERS)).master()
    story.hears(to_us(ttl))
    assert story.state == "MASTER" and story.status["counters"]["discarded"] == {"ttl": 1}


@pytest.mark.parametrize(("checked", "state"), [(True, "MASTER"), (False, "BACKUP")])
def test_check_unicast_src_decides_whether_a_stranger_is_heard(checked: bool, state: str) -> None:
    story = Story(runs(unicast_peer=[PEER], check_unicast_src=checked)).master()
    story.hears(to_us(source=STRANGER))
    assert story.state == state, story.log


@pytest.mark.parametrize(("skipped", "alarms"), [(False, 1), (True, 0)])
def test_skip_check_adv_addr_is_silence_about_another_list(skipped: bool, alarms: int) -> None:
    story = Story(runs(skip_check_adv_addr=skipped)).master()
    other = with_checksum(message(priority=150, addresses=bytes([192, 0, 2, 99])))
    story.hears(datagram(other, source=PEER))
    assert story.state == "BACKUP"
    assert story.log.count("192.0.2.99") == alarms, story.log


@pytest.mark.parametrize(("hinted", "wait"), [("MASTER", 1.1), ("BACKUP", 4)])
def test_state_is_a_hint_for_the_first_wait(hinted: str, wait: float) -> None:
    story = Story(runs(state=hinted)).started()
    story.passes(wait)
    assert story.state == "MASTER"
    story = Story(runs(state="BACKUP")).started()
    story.passes(1.1)
    assert story.state == "BACKUP"


def test_without_addresses_of_its_own_an_instance_elects_all_the_same() -> None:
    """no_virtual_ipaddress: a notify script moves something else."""
    story = Story(runs(virtual_ipaddress=[], no_virtual_ipaddress=True))
    story.started().passes(4)
    assert story.state == "MASTER" and story.port.priorities[-1] == 100 and story.port.sent[-1][3] == 0

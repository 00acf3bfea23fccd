# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requirements of VRRP that show only where router, addresses, sockets and clock come together."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp import announcer as vrrp_announcer
from mainstay.model.config import VirtualAddress, VrrpInstance
from mainstay.model.units import seconds
from mainstay.net import rtnl
from mainstay.net.standing import Standing

from ...vrrp.packets import datagram, message, message_v2, with_checksum
from . import test_worker as worker_lab
from .lab import ETH0, INSTANCE, NO_CARRIER, PEER, VIP, RecordedFrames, Story, advert
from .played_socket import PlayedSocket
from .test_worker import PlayedNetlink

machine = worker_lab.machine
HOUR = 3600 * 10**9


@pytest.fixture(autouse=True)
def frames(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    RecordedFrames.sent, RecordedFrames.open, RecordedFrames.refuse = [], 0, 0
    monkeypatch.setattr(vrrp_announcer, "FrameSocket", RecordedFrames)
    return RecordedFrames.sent


# ---- a backup is passive, a master answers


@pytest.mark.conformance("FSM-04")
def test_a_backup_holds_no_address_sends_nothing_and_announces_nothing(frames: list[bytes]) -> None:
    """Without the address the kernel answers no ARP and no neighbour solicitation, and accepts nothing for it."""
    story = Story().started()
    for _second in range(10):
        story.hears(advert(150))
        story.passes(1)
    assert (story.state, story.holds, story.port.sent, frames) == ("BACKUP", False, [], [])


@pytest.mark.conformance_negative("FSM-04")
def test_an_address_that_a_backup_finds_on_itself_is_removed() -> None:
    story = Story()
    story.kernel.add(VIP, None)
    story.started()
    assert story.state == "BACKUP" and not story.holds and "was on eth0 at the start and is removed" in story.log


@pytest.mark.conformance("FSM-11")
def test_a_master_holds_the_address_so_that_the_kernel_answers_for_it() -> None:
    assert Story().master().holds


@pytest.mark.conformance_negative("FSM-11")
def test_a_master_without_the_address_says_so_and_takes_it_again() -> None:
    story = Story().master()
    story.kernel.remove(VIP)
    story.runner.look(story.poller.now())
    assert story.holds and story.status["problems"] == ["somebody removed 192.0.2.10/24 from eth0; put back"]


# ---- the clock


@pytest.mark.conformance("TMR-07")
@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["an hour on", "an hour back"])
def test_steps_of_the_wall_clock_move_nobody(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    master, backup = Story().master(), Story().started()
    wall = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: wall + step)
    monkeypatch.setattr(time, "time", lambda: (wall + step) / 1e9)
    for _second in range(5):
        backup.hears(advert(150))
        master.passes(1)
        backup.passes(1)
    assert (master.state, backup.state, master.holds) == ("MASTER", "BACKUP", True)
    assert master.status["transitions"] == 2, "to BACKUP and to MASTER, long before"


@pytest.mark.conformance("TMR-11")
def test_ten_adverts_a_second_are_taken_over_from_within_0_37_s() -> None:
    backup = heard_by_a_fast_backup()
    backup.passes(0.37)
    assert backup.state == "MASTER" and backup.holds and len(backup.port.sent) == 1


@pytest.mark.conformance_negative("TMR-11")
def test_and_not_before_three_adverts_and_the_skew_are_missing() -> None:
    backup = heard_by_a_fast_backup()
    backup.passes(0.36)
    assert backup.state == "BACKUP" and not backup.holds


def heard_by_a_fast_backup() -> Story:
    """Priority 100: 3 * 0.1 s and a skew of 0.1 s * 156 / 256 = 0.0609 s."""
    backup = Story(replace(INSTANCE, advert_int=seconds(0.1))).started()
    backup.passes(0.2)
    backup.hears(datagram(with_checksum(message(priority=150, interval=10)), source=PEER))
    return backup


# ---- owners


@pytest.mark.conformance_negative("OWN-01")
def test_who_is_not_the_owner_but_lists_the_hosts_own_address_becomes_no_master() -> None:
    """It would have to send from a virtual address, which the owner alone does."""
    story = Story()
    story.kernel.add(VIP, None)
    story.port.standing = Standing(ETH0, None, "no IPv4 address on eth0 to send from, apart from virtual ones")
    story.started().passes(10)
    assert story.state == "FAULT" and story.port.sent == [] and story.holds


# ---- many of them, and others on the segment


@pytest.mark.conformance("INT-03")
def test_255_instances_of_each_family_on_one_interface_all_elect() -> None:
    PlayedNetlink.addresses.append(rtnl.HeldAddress(rtnl.AddressKey(2, "fe80::1", 64), False, 253, None))
    story = worker_lab.Story()
    story.runs(*(one for number in range(1, 256) for one in (ipv4(number), ipv6(number))))
    states = story.passes(5).states
    assert len(states) == 510 and set(states.values()) == {"MASTER"}
    assert {number for number, _priority in PlayedSocket.sent} == set(range(1, 256))


@pytest.mark.conformance_negative("INT-03")
def test_each_of_255_hears_its_own_adverts_and_no_other() -> None:
    story = worker_lab.Story().runs(*(ipv4(number) for number in range(1, 256))).passes(5)
    PlayedSocket.of("eth0").waiting.append(advert(200, virtual_router_id=77))
    story.poller.watched[PlayedSocket.of("eth0").fileno()][1](1, story.poller.now())
    assert [name for name, state in story.states.items() if state == "BACKUP"] == ["v4-77"]


def ipv4(number: int) -> VrrpInstance:
    own = (VirtualAddress(f"10.4.0.{number}", 24),)
    return VrrpInstance(f"v4-{number}", "eth0", number, own, garp_master_delay=0, garp_master_repeat=1)


def ipv6(number: int) -> VrrpInstance:
    own = (VirtualAddress(f"fe80::4:{number:x}", 64),)
    return VrrpInstance(f"v6-{number}", "eth0", number, own, garp_master_delay=0, garp_master_repeat=1)


@pytest.mark.conformance("INT-06")
def test_a_router_of_the_other_version_is_an_alarm_that_names_it() -> None:
    story = Story().master()
    story.hears(datagram(message_v2(priority=200), source=PEER))
    assert story.state == "MASTER" and story.status["counters"]["discarded"] == {"version": 1}
    (problem,) = story.status["problems"]
    assert problem == f"adverts of {PEER} are discarded: version 2, we speak 3: set the same on all routers"


def test_priority_0_that_a_dead_link_does_not_carry_is_no_news() -> None:
    """B43."""
    story = Story().master()
    story.port.broken = True
    story.link_is(NO_CARRIER)
    assert story.state == "FAULT" and "cannot be sent" not in story.log
    assert not [line for line in story.lines if "advert" in line.message and line.level != "info"]
    assert story.status["problems"] == ["no carrier on eth0"]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual router at work: leases, stalls, lost links, broken sockets, other people's hands."""

from __future__ import annotations

import errno
import time
from dataclasses import replace

import pytest
from scapy.layers.l2 import ARP, Ether

from mainstay.daemon.vrrp import announcer as vrrp_announcer
from mainstay.model.config import VirtualAddress
from mainstay.model.units import seconds
from mainstay.net import rtnl
from mainstay.net.standing import Standing

from ...vrrp.packets import datagram, message
from .lab import ETH0, INSTANCE, NO_CARRIER, OWN, PEER, USABLE, VIP, RecordedFrames, Story, advert

SECOND = VirtualAddress("192.0.2.11", 24)
SECOND_KEY = rtnl.AddressKey(2, "192.0.2.11", 24)


@pytest.fixture(autouse=True)
def frames(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    RecordedFrames.sent, RecordedFrames.open, RecordedFrames.refuse = [], 0, 0
    monkeypatch.setattr(vrrp_announcer, "FrameSocket", RecordedFrames)
    return RecordedFrames.sent


# ---- the ordinary way


def test_silence_makes_it_master_with_address_advert_and_announcement(frames: list[bytes]) -> None:
    story = Story().started()
    assert story.state == "BACKUP" and not story.holds and story.port.sent == []

    story.passes(4)

    assert story.state == "MASTER" and story.holds and story.port.priorities == [100]
    (frame,) = frames
    assert Ether(frame)[ARP].psrc == "192.0.2.10" and Ether(frame).src == "02:00:00:00:00:01"


def test_a_socket_for_announcing_that_was_refused_is_asked_for_again_when_it_is_needed(frames: list[bytes]) -> None:
    RecordedFrames.refuse = errno.EMFILE
    story = Story().started()
    assert "cannot open a socket for announcements on eth0: Too many open files" in story.log
    RecordedFrames.refuse = 0
    story.passes(4)
    assert story.state == "MASTER" and len(frames) == 1


def test_every_advert_renews_the_lease(frames: list[bytes]) -> None:
    story = Story().master()
    story.passes(20)
    assert story.holds and story.state == "MASTER" and len(frames) == 1
    assert story.status["vip_lease"] == 2


def test_many_adverts_a_second_do_not_each_renew_it() -> None:
    story = Story(replace(INSTANCE, advert_int=seconds(0.01))).started()
    story.passes(1)
    assert story.state == "MASTER"
    before = story.kernel.orders
    story.passes(10)
    assert story.holds and story.kernel.orders - before <= 40


def test_stopping_says_farewell_before_it_lets_go(frames: list[bytes]) -> None:
    story = Story().master()
    story.runner.stop(story.poller.now())
    assert story.port.priorities[-1] == 0 and not story.holds
    frames.clear()
    story.passes(60)
    assert (frames, story.poller.pending, RecordedFrames.open) == ([], [], 0)


def test_a_better_router_gets_the_address() -> None:
    story = Story().master()
    story.hears(advert(150))
    assert story.state == "BACKUP" and not story.holds
    assert story.status["master"] == PEER


# ---- stalls (TMR-08, F05)


def test_a_stall_shorter_than_a_takeover_puts_the_address_back_after_the_advert() -> None:
    story = Story().master()
    story.sleeps(2.5)
    assert story.holds and story.state == "MASTER"
    assert "lease ended" in story.log and len(story.status["problems"]) == 1


@pytest.mark.fault("F06")
def test_after_a_long_stall_the_queue_is_heard_before_the_deadline_is_acted_on(frames: list[bytes]) -> None:
    """A lesser peer took over meanwhile: nothing is sent, nothing is taken."""
    story = Story().master()
    adverts, announcements = len(story.port.sent), len(frames)

    story.sleeps(10, advert(50), advert(50))

    assert story.state == "BACKUP" and not story.holds
    assert (len(story.port.sent), len(frames)) == (adverts, announcements)
    story.passes(4)
    assert story.state == "MASTER", "it preempts in order"


def test_a_backup_that_slept_hears_its_master_before_it_declares_it_dead() -> None:
    story = Story().started()
    story.hears(advert(150))
    story.sleeps(60, advert(150))
    assert story.state == "BACKUP" and story.port.sent == []


def test_each_advert_moves_the_deadline_and_not_the_timer() -> None:
    """The timer that comes early is set anew, and the takeover is a whole down interval after the last one."""
    story = Story().started()
    set_to = story.poller.pending
    for _advert in range(3):
        story.passes(0.9)
        story.hears(advert(150))
        assert story.poller.pending == set_to
    story.passes(3.6)
    assert story.state == "BACKUP", story.log
    story.passes(0.02)
    assert story.state == "MASTER", story.log


@pytest.mark.parametrize(("advert_int", "waits"), [(seconds(1), 1_000_000), (seconds(0.01), 1)])
def test_deadlines_of_one_millisecond_wake_up_together_where_a_millisecond_is_nothing(
    advert_int: int, waits: int
) -> None:
    story = Story(replace(INSTANCE, advert_int=advert_int))
    story.poller.clock += 123_457
    story.started()
    wake, deadline = story.poller.pending[0], story.runner.router.deadline()
    assert deadline is not None and wake % waits == 0 and 0 <= wake - deadline < waits


def test_what_the_lease_took_is_not_put_back_by_the_notification_that_tells_of_it() -> None:
    """On waking the netlink socket may be served first; a peer's advert may wait in the other one."""
    story = Story().master()
    story.poller.clock += seconds(10)
    story.runner.look(story.poller.now())
    assert not story.holds and "somebody removed" not in story.log


# ---- nobody hears us (TX-04)


def test_a_master_that_cannot_send_lets_the_lease_end_and_says_so() -> None:
    story = Story().master()
    story.port.broken = True
    story.passes(4)
    assert not story.holds
    (problem,) = story.status["problems"]
    assert "adverts cannot be sent on eth0: Operation not permitted" in problem
    assert story.status["counters"]["send_failures"] >= 3

    story.port.broken = False
    story.passes(2)
    assert story.holds and story.state == "MASTER" and "adverts leave eth0 again" in story.log


def test_a_single_advert_that_did_not_leave_is_counted_and_costs_no_mastership() -> None:
    story = Story().master()
    story.port.broken = True
    story.passes(1)
    story.port.broken = False
    story.passes(1)
    assert story.holds and story.state == "MASTER"
    assert story.status["counters"]["send_failures"] == 1
    assert "cannot be sent" not in story.log


# ---- what others do


def test_an_address_that_somebody_deletes_comes_back_at_once_and_is_reported(frames: list[bytes]) -> None:
    """F31."""
    story = Story().master()
    story.kernel.remove(VIP)
    story.runner.look(story.poller.now())
    assert story.holds and story.state == "MASTER" and len(frames) == 2
    assert story.status["problems"] == ["somebody removed 192.0.2.10/24 from eth0; put back"]
    story.passes(61)
    assert story.status["problems"] == []


def test_as_backup_a_missing_address_is_as_it_should_be() -> None:
    story = Story().started()
    story.runner.look(story.poller.now())
    assert not story.holds and story.status["problems"] == []


@pytest.mark.fault("F53")
def test_a_refused_address_is_a_problem_with_its_reason() -> None:
    story = Story().started()
    story.kernel.refuse_with = 1
    story.passes(4)
    assert story.status["addresses_held"] == []
    assert any("Operation not permitted" in problem for problem in story.status["problems"])


def test_a_bad_packet_is_counted_logged_and_changes_nothing() -> None:
    story = Story().master()
    for _count in range(5):
        story.hears(datagram(message(priority=255), ttl=64))
    assert story.state == "MASTER"
    assert story.status["counters"]["discarded"] == {"ttl": 5}
    assert story.log.count("TTL 64") == 1
    story.passes(5)
    story.hears(datagram(message(priority=255), ttl=64))
    assert story.log.count("TTL 64") == 2


# ---- links


def test_carrier_loss_is_a_fault_without_the_address_and_healing_waits_as_backup() -> None:
    story = Story().master()
    story.link_is(NO_CARRIER)
    assert story.state == "FAULT" and not story.holds
    assert story.status["problems"] == ["no carrier on eth0"]
    story.link_is(USABLE)
    assert story.state == "BACKUP"
    story.passes(4)
    assert story.state == "MASTER" and story.holds


def test_an_interface_replaced_under_a_master_is_a_fault_first() -> None:
    """F29: the new one may be on another segment, with a master of its own."""
    story = Story().master()
    anew = replace(ETH0, index=9)
    story.kernel.links["eth0"] = anew
    story.link_is(Standing(anew, OWN, ""))
    assert story.state == "BACKUP"
    story.passes(4)
    assert story.kernel.held(replace(VIP, index=9)) is not None


def test_another_hardware_address_is_announced(frames: list[bytes]) -> None:
    story = Story().master()
    changed = replace(ETH0, hardware_address=b"\x02\0\0\0\0\x99")
    story.kernel.links["eth0"] = changed
    story.link_is(Standing(changed, OWN, ""))
    assert story.state == "MASTER" and Ether(frames[-1])[ARP].hwsrc == "02:00:00:00:00:99"


def test_an_address_on_an_interface_that_is_missing_is_said_and_the_others_are_held() -> None:
    elsewhere = VirtualAddress("198.51.100.10", 24, dev="eth1")
    story = Story(replace(INSTANCE, virtual_ipaddress=(*INSTANCE.virtual_ipaddress, elsewhere))).master()
    assert story.holds
    assert story.status["problems"] == ["198.51.100.10/24: interface eth1 does not exist"]

    story.kernel.links["eth1"] = rtnl.Link(3, "eth1", True, True, b"\x02\0\0\0\0\2")
    story.runner.look(story.poller.now())
    assert story.status["addresses_held"] == ["192.0.2.10/24", "198.51.100.10/24"]


# ---- adoption and leftovers


@pytest.mark.parametrize(("lease_left", "adopted"), [(2, True), (1, True), (14, False), (None, False)])
def test_only_a_lease_that_no_peer_can_have_outlived_is_adopted(lease_left: int | None, adopted: bool) -> None:
    story = Story()
    story.kernel.add(VIP, lease_left)
    story.started(may_adopt=True)
    assert story.state == ("MASTER" if adopted else "BACKUP")
    assert story.holds is adopted
    assert ("is removed" in story.log) is not adopted


def test_a_short_interval_outruns_every_lease_so_it_proves_nothing() -> None:
    story = Story(replace(INSTANCE, advert_int=seconds(0.1)))
    story.kernel.add(VIP, 1)
    assert story.started(may_adopt=True).state == "BACKUP"


def test_one_of_two_addresses_is_no_proof() -> None:
    story = Story(replace(INSTANCE, virtual_ipaddress=(*INSTANCE.virtual_ipaddress, SECOND)))
    story.kernel.add(VIP, 2)
    assert story.started(may_adopt=True).state == "BACKUP"
    assert not story.holds


def test_a_later_configuration_does_not_adopt() -> None:
    story = Story()
    story.kernel.add(VIP, 2)
    assert story.started(may_adopt=False).state == "BACKUP"


def test_an_owner_leaves_alone_what_its_interface_has_for_good() -> None:
    story = Story(replace(INSTANCE, priority=255))
    story.kernel.add(VIP, None)
    story.started()
    assert story.state == "MASTER"
    assert story.status["addresses_held"] == ["192.0.2.10/24"] and "is removed" not in story.log
    story.runner.stop(story.poller.now())
    assert story.holds


def test_the_hosts_only_address_is_never_removed_by_a_mistaken_configuration() -> None:
    story = Story()
    story.kernel.add(VIP, None)
    story.port.standing = Standing(ETH0, None, "no IPv4 address on eth0 to send from, apart from virtual ones")
    story.started()
    assert story.state == "FAULT" and story.holds


# ---- reload


def test_a_reload_takes_new_addresses_drops_old_ones_and_stays_master() -> None:
    story = Story(replace(INSTANCE, virtual_ipaddress=(*INSTANCE.virtual_ipaddress, SECOND))).master()
    transitions = story.status["transitions"]
    third = VirtualAddress("192.0.2.12", 24)

    story.reloads(replace(INSTANCE, priority=90, virtual_ipaddress=(*INSTANCE.virtual_ipaddress, third)))

    assert (story.state, story.status["transitions"]) == ("MASTER", transitions)
    assert story.status["addresses_held"] == ["192.0.2.10/24", "192.0.2.12/24"]
    assert story.kernel.held(SECOND_KEY) is None
    assert story.port.priorities[-1] == 90, "TX-01: the next advert says so at once"


def test_a_reload_of_a_backup_touches_no_address() -> None:
    story = Story().started()
    story.reloads(replace(INSTANCE, priority=90))
    assert story.state == "BACKUP" and not story.holds and story.port.sent == []


def test_turning_the_lease_off_and_on_changes_what_is_held() -> None:
    story = Story().master()
    story.reloads(replace(INSTANCE, vip_lease=0))
    held = story.kernel.held(VIP)
    assert held is not None and held.valid_seconds is None
    story.reloads(INSTANCE)
    held = story.kernel.held(VIP)
    assert held is not None and held.valid_seconds == 2


# ---- the status


def test_times_are_this_machine_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the rest of the status: an operator compares them with the clock on the wall."""
    monkeypatch.setenv("TZ", "MST+7")
    time.tzset()
    try:
        since = Story().master().status["since"]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert since.endswith("-07:00")


def test_the_status_has_the_agreed_keys() -> None:
    status = Story().master().status
    assert set(status) == {
        "state", "since", "interface", "virtual_router_id", "priority", "effective_priority", "addresses",
        "addresses_held", "master", "last_transition", "transitions", "advert_int", "vip_lease", "problems",
        "counters", "priority_because", "demoted", "faults", "group", "trackers", "version", "family",
        "unicast_peers", "authentication", "routes", "routes_held", "statistics", "master_priority",
    }  # fmt: skip
    assert status["master"] == OWN and status["advert_int"] == 1.0
    assert status["last_transition"].startswith("BACKUP -> MASTER: no advert of priority 100")
    assert status["counters"]["adverts_sent"] == 1

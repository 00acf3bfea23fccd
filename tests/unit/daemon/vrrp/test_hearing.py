# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routers that were heard apart from strangers: what a flood may cost, and whom it may not drown."""

from __future__ import annotations

import errno
import typing as t

import pytest

from mainstay.daemon.vrrp import hearing
from mainstay.daemon.vrrp.hearing import Hearing, Place
from mainstay.daemon.vrrp.strangers import Strangers
from mainstay.daemon.worker import LogLine
from mainstay.model.units import Instant, seconds
from mainstay.net.polling import READABLE
from mainstay.net.vrrp_socket import Datagram, delivery

from ...scripted_poller import ScriptedPoller
from ...vrrp.packets import datagram, message
from .lab import OWN
from .played_socket import PlayedSocket

ETH0 = Place("eth0", 2, 4, "224.0.0.18")
MASTER, STRANGER = "192.0.2.2", "192.0.2.66"
COST = 20_000
"""Nanoseconds that one packet takes."""


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[PlayedSocket]:
    return PlayedSocket.takes_the_place(monkeypatch)


def advert(source: str) -> bytes:
    return datagram(message(), source=source)


GOOD, JUNK = advert(MASTER), advert(STRANGER)


class Story:
    """An interface of which every advert is good but the stranger's."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.lines: list[LogLine] = []
        self.delivered: list[bytes] = []
        self.hearing = Hearing(self.poller, Strangers(self.poller), "eth0", self.lines.append, self.deliver)
        self.hearing.open(ETH0)

    def deliver(self, packet: Datagram, _now: Instant) -> bool:
        self.poller.clock += COST
        self.delivered.append(packet.octets)
        return packet.octets != JUNK

    def arrives(self, *packets: bytes) -> None:
        """The kernel puts each into the queues of the sockets that hear its sender."""
        for packet in packets:
            for one in PlayedSocket.made:
                if one.hears(Datagram(packet).source):
                    one.waiting.append(packet)

    def turn(self) -> None:
        """One turn of the loop: whatever is watched and has something to say."""
        for one in PlayedSocket.made:
            if one.open and one.waiting and one.fileno() in self.poller.watched:
                self.poller.watched[one.fileno()][1](READABLE, self.poller.now())

    def hears(self, *packets: bytes) -> list[bytes]:
        """What is delivered of them in one turn."""
        del self.delivered[:]
        self.arrives(*packets)
        self.turn()
        return self.delivered


def test_whoever_was_heard_is_read_beside_any_flood_and_once() -> None:
    story = Story()
    assert story.hears(GOOD) == [GOOD]
    heard = story.hears(*[JUNK] * 5000, GOOD)
    assert heard.count(GOOD) == 1 and heard.count(JUNK) < 200


def test_what_is_said_while_the_second_socket_is_made_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel makes whoever joins a group wait for everybody who changes links or routes."""
    story = Story()

    def slowly(*place: t.Any, **options: t.Any) -> PlayedSocket:
        story.arrives(GOOD)
        return PlayedSocket(*place, **options)

    monkeypatch.setattr(hearing, "VrrpSocket", slowly)
    assert story.hears(GOOD) == [GOOD, GOOD]
    assert story.hears(GOOD) == [GOOD]


def test_a_stranger_who_is_never_believed_stays_one(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.hears(*[JUNK] * 50)
    assert len(sockets) == 1 and sockets[0].hears(Datagram(JUNK).source)


def test_a_flood_gets_half_of_the_time() -> None:
    """What is watched wakes the worker as long as something waits, so strangers are not watched for a while."""
    story = Story()
    began = story.poller.now()
    story.hears(*[JUNK] * 5000)
    while len(story.delivered) < 5000:
        story.poller.run_until(story.poller.pending[0])
        story.turn()
    took = story.poller.now() - began
    assert 1.9 * 5000 * COST < took <= 2 * 5000 * COST


def test_a_flood_does_not_keep_the_loop() -> None:
    story = Story()
    story.hears(GOOD)
    assert len(story.hears(*[GOOD] * 2000)) < 2000, "the rest makes the poller call again"
    assert len(story.hears(*[JUNK] * 2000)) < 2000, "and this after a while"


def test_before_a_deadline_whoever_is_familiar_is_heard_out() -> None:
    """TMR-08: the good advert stands behind more than is read in one go."""
    story = Story()
    last = advert(MASTER)[:-1] + b"x"
    story.hears(GOOD)
    story.arrives(*[JUNK] * 5000, *[GOOD] * 700, last)
    story.hearing.hear_out(story.poller.now())
    assert story.delivered.count(last) == 1


def test_before_a_deadline_strangers_are_heard_for_5_ms() -> None:
    """A router that is not familiar yet may be the better one."""
    story = Story()
    story.arrives(*[JUNK] * 200, GOOD)
    story.hearing.hear_out(story.poller.now())
    assert story.delivered.count(GOOD) == 1
    story.arrives(*[JUNK] * 5000)
    before = story.poller.now()
    story.hearing.hear_out(before + 1)
    assert seconds(0.005) <= story.poller.now() - before < seconds(0.01)


def test_an_endless_flood_delays_the_deadlines_of_one_wake_up_by_20_ms_all_together() -> None:
    """Even of somebody who is familiar, or says so."""
    story = Story()
    story.hears(GOOD)
    wake = story.poller.now()
    PlayedSocket.made[-1].endless = lambda: GOOD
    for _router in range(255):
        story.hearing.hear_out(wake)
    assert seconds(0.02) <= story.poller.now() - wake < seconds(0.04)
    heard = len(story.delivered)
    story.hearing.hear_out(story.poller.now())
    assert len(story.delivered) > heard, "the next wake-up listens again"


def test_what_was_read_to_its_end_just_now_is_not_read_again_for_the_next_router_of_the_wake_up() -> None:
    """255 routers whose deadlines come together cost one look at the socket, unless acting on them takes long."""
    story = Story()
    wake = story.poller.now()
    story.hearing.hear_out(wake)
    story.arrives(GOOD)
    story.hearing.hear_out(wake)
    assert story.delivered == [], "not within the same millisecond"
    story.poller.clock += seconds(0.001)
    story.hearing.hear_out(wake)
    assert story.delivered == [GOOD]


def test_what_was_dropped_unread_is_counted_and_told_at_most_every_five_seconds(sockets: list[PlayedSocket]) -> None:
    story = Story()
    sockets[0].lost = 77
    for _burst in range(3):
        story.hears(*[JUNK] * 200)
        story.poller.run_for(seconds(0.01))
        story.turn()
    assert [line.message for line in story.lines] == [
        "more packets than can be judged, 77 found no room and were dropped unread so far; "
        "routers that were heard before have a queue of their own"
    ]
    assert story.hearing.unread == 77
    story.hearing.open(ETH0)
    assert story.hearing.unread == 77, "the new sockets begin with none"


def test_a_burst_that_finds_room_is_not_told(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.hears(*[JUNK] * 200)
    assert story.lines == [] and story.hearing.unread == 0
    sockets[0].lost = 77
    for _burst in range(3):
        story.poller.run_for(seconds(10))
        story.hears(*[JUNK] * 200)
    assert len(story.lines) == 1, "nothing was lost since"


def test_what_the_familiar_s_queue_could_not_hold_stays_counted_without_it(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.hears(GOOD)
    sockets[1].lost = 5
    PlayedSocket.refuse = errno.ENOMEM
    story.hears(advert("192.0.2.3"))
    assert not sockets[1].open and story.hearing.unread == 5


def test_who_is_familiar_stays_so_when_the_interface_is_made_anew(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.hears(GOOD)
    story.hearing.open(ETH0._replace(link_index=9))
    assert [made.open for made in sockets] == [False, False, True, True]
    heard = story.hears(*[JUNK] * 5000, GOOD)
    assert heard.count(GOOD) == 1


def test_the_oldest_of_many_becomes_a_stranger_again(sockets: list[PlayedSocket]) -> None:
    story = Story()
    routers = [f"192.0.2.{number}" for number in range(100, 117)]
    for router in routers:
        story.hears(advert(router))
    strangers = [router for router in routers if sockets[0].hears(Datagram(advert(router)).source)]
    familiar = [router for router in routers if sockets[1].hears(Datagram(advert(router)).source)]
    assert strangers == routers[:1] and familiar == routers[1:]


def test_without_a_second_socket_one_hears_everybody_and_that_is_told(sockets: list[PlayedSocket]) -> None:
    story = Story()
    PlayedSocket.refuse = errno.EMFILE
    assert story.hears(GOOD, GOOD) == [GOOD, GOOD]
    (line,) = story.lines
    assert line.message.startswith("no second VRRP socket, so a flood may drown adverts: Too many open files")
    assert story.hears(GOOD) == [GOOD] and len(sockets) == 1
    PlayedSocket.refuse = 0
    story.hears(GOOD)
    assert len(sockets) == 2, "the next advert tries again"


def test_a_refused_filter_leaves_nobody_unheard(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.hears(GOOD)
    PlayedSocket.refuse = errno.ENOMEM
    other = advert("192.0.2.3")
    assert story.hears(other) == [other]
    assert [made.open for made in sockets] == [True, False]
    assert story.hears(GOOD, other) == [GOOD, other]


def test_an_error_of_the_socket_ends_the_reading_and_nothing_else(sockets: list[PlayedSocket]) -> None:
    story = Story()
    sockets[0].waiting.append(OSError(errno.ENETDOWN, "down"))
    assert story.hears(GOOD) == []
    assert story.hears() == [GOOD]


def test_closed_it_watches_nothing_and_sends_nothing(sockets: list[PlayedSocket]) -> None:
    story = Story()
    story.hears(GOOD)
    story.hears(*[JUNK] * 500)
    story.hearing.close()
    assert story.poller.watched == {} and story.poller.pending == [] and not any(made.open for made in sockets)
    with pytest.raises(OSError, match="down"):
        story.hearing.send(b"advert", delivery(OWN, "224.0.0.18", 255, 2))

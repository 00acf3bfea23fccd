# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A master asks who else answers for its addresses: when, on which links, and what it makes of an answer."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from mainstay.daemon.vrrp.address_inquiry import FIRST_PAUSE, PERIOD, AddressInquiry
from mainstay.model.units import Instant, seconds
from mainstay.net import rtnl
from mainstay.net.addresses import LeasedAddress
from mainstay.net.arp_question import Claim
from mainstay.vrrp.actions import Alarm

from ...scripted_poller import ScriptedPoller
from .lab import ETH0

STRANGER = bytes.fromhex("020000000099")
VIP = "192.0.2.10"


class Question:
    """A packet socket of a segment that the test plays."""

    def __init__(self, device: str, addresses: t.Sequence[str], descriptor: int) -> None:
        self.device, self.addresses, self.descriptor = device, tuple(addresses), descriptor
        self.asked: list[bytes] = []
        self.answers: list[Claim] = []
        self.closed = False

    def fileno(self) -> int:
        return self.descriptor

    def ask(self, hardware_address: bytes) -> None:
        self.asked.append(hardware_address)

    def receive(self) -> Claim | None:
        return self.answers.pop(0) if self.answers else None

    def close(self) -> None:
        self.closed = True


class Segment:
    """A mirror of one link, and the questions that were opened."""

    def __init__(self) -> None:
        self.poller = ScriptedPoller()
        self.link: rtnl.Link | None = ETH0
        self.questions: list[Question] = []
        self.alarms: list[Alarm] = []
        self.inquiry = AddressInquiry(self.poller, t.cast(t.Any, self), self.hear, t.cast(t.Any, self.open))

    def named(self, name: str) -> rtnl.Link | None:
        return self.link if self.link is not None and self.link.name == name else None

    def open(self, device: str, addresses: t.Sequence[str]) -> Question:
        self.questions.append(Question(device, addresses, 50 + len(self.questions)))
        return self.questions[-1]

    def hear(self, alarm: Alarm, _now: Instant) -> None:
        self.alarms.append(alarm)

    def answer(self, question: Question, hardware_address: bytes) -> None:
        question.answers.append(Claim(hardware_address, VIP))
        _interest, ready = self.poller.watched[question.descriptor]
        ready(1, self.poller.clock)


def leased(address: str = VIP, prefix_length: int = 24) -> LeasedAddress:
    return LeasedAddress(rtnl.AddressKey(ETH0.index, address, prefix_length), "eth0")


@pytest.fixture
def segment() -> Segment:
    segment = Segment()
    segment.inquiry.prepare([leased(), leased("2001:db8::10", 64)])
    return segment


def test_a_master_asks_a_second_after_it_took_over_and_every_half_minute(segment: Segment) -> None:
    (question,) = segment.questions
    assert question.addresses == (VIP,)
    segment.inquiry.begin(segment.poller.clock)
    segment.poller.run_for(FIRST_PAUSE - 1)
    assert question.asked == []
    segment.poller.run_for(1)
    assert question.asked == [ETH0.hardware_address]
    segment.poller.run_for(2 * PERIOD)
    assert len(question.asked) == 3


def test_an_answer_is_an_alarm_that_names_the_other_host(segment: Segment) -> None:
    segment.inquiry.begin(segment.poller.clock)
    segment.poller.run_for(FIRST_PAUSE)
    segment.answer(segment.questions[0], STRANGER)
    (alarm,) = segment.alarms
    assert alarm.kind == "address_elsewhere"
    assert VIP in alarm.detail and "02:00:00:00:00:99" in alarm.detail


def test_an_answer_before_the_first_question_is_a_former_master_that_lets_go(segment: Segment) -> None:
    for _mastership in range(2):
        segment.inquiry.begin(segment.poller.clock)
        segment.poller.run_for(FIRST_PAUSE - 1)
        segment.answer(segment.questions[0], STRANGER)
        assert segment.alarms == []
        segment.poller.run_for(PERIOD)
        segment.inquiry.end()


def test_our_own_answer_is_none(segment: Segment) -> None:
    segment.inquiry.begin(segment.poller.clock)
    segment.poller.run_for(FIRST_PAUSE)
    segment.answer(segment.questions[0], ETH0.hardware_address)
    assert segment.alarms == []


def test_a_backup_asks_nothing_and_minds_no_answer(segment: Segment) -> None:
    segment.inquiry.begin(segment.poller.clock)
    segment.inquiry.end()
    segment.poller.run_for(seconds(120))
    segment.answer(segment.questions[0], STRANGER)
    assert segment.questions[0].asked == [] and segment.alarms == []


def test_a_link_that_was_made_anew_gets_another_socket(segment: Segment) -> None:
    segment.link = replace(ETH0, index=9)
    segment.inquiry.prepare([leased()])
    assert [question.closed for question in segment.questions] == [True, False]


def test_without_a_link_nothing_is_opened_and_nothing_asked(segment: Segment) -> None:
    segment.link = None
    segment.inquiry.prepare([leased()])
    segment.inquiry.begin(segment.poller.clock)
    assert segment.questions[0].closed and segment.poller.pending == []

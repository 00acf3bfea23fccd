# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON lines between supervisor and worker, without ever waiting for the other side."""

from __future__ import annotations

import os
import typing as t

import pytest

from mainstay.daemon import channel as channel_module
from mainstay.daemon.channel import Channel, Message
from mainstay.daemon.reactor import Reactor
from mainstay.net.local_sockets import channel_pair


class ChannelPair:
    """Both ends on one reactor."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.heard: t.List[Message] = []
        self.closed: t.List[str] = []
        near, self.far_descriptor = channel_pair()
        self.near = Channel(self.reactor, near, lambda message, _now: None, lambda _now: self.closed.append("near"))
        self.far: t.Optional[Channel] = None

    def listen(self) -> Channel:
        self.far = Channel(
            self.reactor,
            self.far_descriptor,
            lambda message, _now: self.heard.append(message),
            lambda _now: self.closed.append("far"),
        )
        return self.far

    def turn_until(self, condition: t.Callable[[], bool]) -> None:
        def give_up(_now: int) -> None:
            raise AssertionError(f"not within 5 s; heard {len(self.heard)}, closed {self.closed}")

        deadline = self.reactor.call_at(self.reactor.now() + 5_000_000_000, give_up)
        while not condition():
            self.reactor.run_once()
        deadline.cancel()


@pytest.fixture
def pair() -> t.Iterator[ChannelPair]:
    made = ChannelPair()
    yield made
    made.near.close()
    if made.far:
        made.far.close()
    else:
        os.close(made.far_descriptor)
    made.reactor.close()


def test_messages_arrive_whole_and_in_order(pair: ChannelPair) -> None:
    pair.listen()
    sent: t.List[Message] = [{"n": number, "text": "ü\n"} for number in range(100)]
    for message in sent:
        pair.near.send(message)

    pair.turn_until(lambda: len(pair.heard) == 100)

    assert pair.heard == sent


def test_a_message_larger_than_the_socket_s_buffer_arrives(pair: ChannelPair) -> None:
    pair.listen()
    pair.near.send({"config": "x" * 5_000_000})
    pair.near.send({"after": True})

    pair.turn_until(lambda: len(pair.heard) == 2)

    assert len(pair.heard[0]["config"]) == 5_000_000


def test_a_side_that_does_not_read_stops_nobody_and_the_overflow_is_counted(
    pair: ChannelPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "_BACKLOG", 1_000_000)
    for number in range(3000):
        pair.near.send({"n": number, "pad": "x" * 1000})
    assert pair.near.dropped > 0
    kept = 3000 - pair.near.dropped

    pair.listen()
    pair.turn_until(lambda: len(pair.heard) == kept)

    assert [message["n"] for message in pair.heard] == list(range(kept))


def test_the_end_of_the_other_side_is_told_once_and_sending_on_is_harmless(pair: ChannelPair) -> None:
    far = pair.listen()
    far.close()

    pair.turn_until(lambda: pair.closed == ["near"])

    pair.near.send({"late": True})
    pair.near.close()
    assert pair.closed == ["near"]


def test_the_last_words_of_the_dead_are_heard(pair: ChannelPair) -> None:
    far = pair.listen()
    for number in range(3):
        pair.near.send({"last": number})
    pair.near.close()

    far.drain(pair.reactor.now())

    assert [message["last"] for message in pair.heard] == [0, 1, 2]
    assert pair.closed == ["far"]


def test_what_is_held_back_goes_out_at_the_end_whole_and_in_order(pair: ChannelPair) -> None:
    far = pair.listen()
    with pytest.raises(ZeroDivisionError), pair.near.held_back():
        for number in range(3):
            pair.near.send({"number": number})
        far.drain(0)
        assert pair.heard == [], "told before its time"
        raise ZeroDivisionError  # what was said before an error is said all the same
    pair.near.send({"number": 3})
    pair.turn_until(lambda: len(pair.heard) == 4)
    assert [message["number"] for message in pair.heard] == [0, 1, 2, 3]


def test_a_channel_that_closes_while_it_holds_back_is_silent(pair: ChannelPair) -> None:
    with pair.near.held_back():
        pair.near.send({"number": 0})
        pair.near.close()
    pair.listen()
    pair.turn_until(lambda: pair.closed == ["far"])
    assert pair.heard == []

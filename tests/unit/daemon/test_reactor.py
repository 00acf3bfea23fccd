# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event loop: what it calls, in which order, and what it never calls."""

from __future__ import annotations

import contextlib
import os
import typing as t

import pytest

from mainstay.daemon.reactor import Reactor
from mainstay.net.polling import READABLE, WRITABLE

MILLISECOND = 1_000_000


@pytest.fixture
def reactor() -> t.Iterator[Reactor]:
    loop = Reactor()
    yield loop
    loop.close()


@pytest.fixture
def pipe() -> t.Iterator[t.Tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for end in (reader, writer):
        with contextlib.suppress(OSError):  # the story may have closed it itself
            os.close(end)


def run_until(reactor: Reactor, condition: t.Callable[[], bool], seconds: float = 5.0) -> None:
    """Turn until the condition holds; a deadline of the loop itself ends a story that never would."""

    def give_up(_now: int) -> None:
        raise AssertionError(f"not within {seconds} s")

    deadline = reactor.call_at(reactor.now() + int(seconds * 1e9), give_up)
    while not condition():
        reactor.run_once()
    deadline.cancel()


def test_deadlines_come_in_order_and_never_early(reactor: Reactor) -> None:
    called: t.List[t.Tuple[str, int]] = []
    start = reactor.now()
    for name, delay in (("third", 9), ("first", 2), ("second", 5)):
        reactor.call_at(start + delay * MILLISECOND, lambda now, name=name: called.append((name, now)))

    run_until(reactor, lambda: len(called) == 3)

    assert [name for name, _ in called] == ["first", "second", "third"]
    for (name, now), delay in zip(called, (2, 5, 9)):
        assert now >= start + delay * MILLISECOND, name


def test_equal_deadlines_keep_the_order_of_asking(reactor: Reactor) -> None:
    called: t.List[int] = []
    deadline = reactor.now() + MILLISECOND
    for number in range(5):
        reactor.call_at(deadline, lambda _now, number=number: called.append(number))

    run_until(reactor, lambda: len(called) == 5)

    assert called == [0, 1, 2, 3, 4]


def test_a_deadline_in_the_past_is_served_at_once(reactor: Reactor) -> None:
    called: t.List[int] = []
    reactor.call_at(0, called.append)
    reactor.call_at(-5, called.append)

    run_until(reactor, lambda: len(called) == 2)


def test_a_cancelled_call_is_not_made_and_cancelling_again_is_harmless(reactor: Reactor) -> None:
    called: t.List[str] = []
    timer = reactor.call_at(reactor.now(), lambda _now: called.append("cancelled"))
    reactor.call_at(reactor.now() + MILLISECOND, lambda _now: called.append("kept"))
    timer.cancel()
    timer.cancel()

    run_until(reactor, lambda: "kept" in called)

    assert called == ["kept"]
    timer.cancel()


def test_a_call_cancelled_by_its_neighbour_of_the_same_instant_is_not_made(reactor: Reactor) -> None:
    called: t.List[str] = []
    deadline = reactor.now() + MILLISECOND
    reactor.call_at(deadline, lambda _now: (called.append("first"), second.cancel()))
    second = reactor.call_at(deadline, lambda _now: called.append("second"))

    run_until(reactor, lambda: bool(called))

    assert called == ["first"]


def test_many_cancelled_calls_do_not_pile_up(reactor: Reactor) -> None:
    kept = reactor.call_at(reactor.now() + 3600 * 1000 * MILLISECOND, lambda _now: None)
    for _ in range(10_000):
        reactor.call_at(reactor.now() + 1000 * MILLISECOND, lambda _now: None).cancel()

    assert len(reactor._heap) < 200
    assert kept in [call for _deadline, _order, call in reactor._heap]


def test_a_readable_descriptor_is_served_until_it_is_read(reactor: Reactor, pipe: t.Tuple[int, int]) -> None:
    reader, writer = pipe
    seen: t.List[bytes] = []
    reactor.watch(reader, READABLE, lambda _bits, _now: seen.append(os.read(reader, 1)))
    os.write(writer, b"ab")

    run_until(reactor, lambda: len(seen) == 2)

    assert seen == [b"a", b"b"]


def test_watching_again_replaces_interest_and_callback(reactor: Reactor, pipe: t.Tuple[int, int]) -> None:
    _reader, writer = pipe
    seen: t.List[str] = []
    reactor.watch(writer, READABLE, lambda _bits, _now: seen.append("old"))
    reactor.watch(writer, WRITABLE, lambda bits, _now: seen.append(f"new {bits}"))

    run_until(reactor, lambda: bool(seen))

    assert seen == [f"new {WRITABLE}"]


def test_a_hung_up_descriptor_sets_both_bits(reactor: Reactor, pipe: t.Tuple[int, int]) -> None:
    reader, writer = pipe
    seen: t.List[int] = []
    reactor.watch(reader, READABLE, lambda bits, _now: (seen.append(bits), reactor.unwatch(reader)))
    os.close(writer)

    run_until(reactor, lambda: bool(seen))

    assert seen == [READABLE | WRITABLE]


def test_a_descriptor_unwatched_in_the_same_turn_is_not_called(reactor: Reactor) -> None:
    pipes = [os.pipe(), os.pipe()]
    seen: t.List[int] = []

    def ready(index: int) -> None:
        seen.append(index)
        for reader, _writer in pipes:
            reactor.unwatch(reader)

    for index, (reader, writer) in enumerate(pipes):
        reactor.watch(reader, READABLE, lambda _bits, _now, index=index: ready(index))
        os.write(writer, b"x")

    run_until(reactor, lambda: bool(seen))

    assert len(seen) == 1
    for reader, writer in pipes:
        os.close(reader)
        os.close(writer)


def test_a_reused_descriptor_number_does_not_inherit_readiness(reactor: Reactor) -> None:
    first, second = os.pipe(), os.pipe()
    seen: t.List[str] = []

    def close_the_other(mine: int, other: t.Tuple[int, int]) -> None:
        seen.append("old")
        for reader in (mine, other[0]):
            reactor.unwatch(reader)
        os.close(other[0])
        os.close(other[1])
        replacement = os.pipe()
        seen.append("reused" if other[0] in replacement else "not reused")
        reactor.watch(other[0], READABLE, lambda _bits, _now: seen.append("stale readiness"))

    reactor.watch(first[0], READABLE, lambda _bits, _now: close_the_other(first[0], second))
    reactor.watch(second[0], READABLE, lambda _bits, _now: close_the_other(second[0], first))
    os.write(first[1], b"x")
    os.write(second[1], b"x")

    run_until(reactor, lambda: bool(seen))

    assert seen == ["old", "reused"]


def test_unwatching_an_unknown_descriptor_is_harmless(reactor: Reactor) -> None:
    reactor.unwatch(12345)


def test_what_arrived_is_heard_before_a_deadline_is_judged(reactor: Reactor, pipe: t.Tuple[int, int]) -> None:
    reader, writer = pipe
    order: t.List[str] = []
    timer = reactor.call_at(reactor.now() - 1, lambda _now: order.append("peer declared dead"))

    def hear(_bits: int, _now: int) -> None:
        order.append(os.read(reader, 6).decode())
        timer.cancel()

    reactor.watch(reader, READABLE, hear)
    os.write(writer, b"advert")

    run_until(reactor, lambda: bool(order))

    assert order == ["advert"]


def test_timers_rearmed_in_the_past_starve_no_descriptor(reactor: Reactor, pipe: t.Tuple[int, int]) -> None:
    reader, writer = pipe
    seen: t.List[bytes] = []

    def again(now: int) -> None:
        reactor.call_at(now - 1, again)

    reactor.call_at(reactor.now(), again)
    reactor.run_once()
    reactor.watch(reader, READABLE, lambda _bits, _now: seen.append(os.read(reader, 1)))
    os.write(writer, b"x")

    run_until(reactor, lambda: bool(seen))


def test_an_exception_of_a_callback_comes_out_of_run(reactor: Reactor) -> None:
    def fail(_now: int) -> None:
        raise ValueError("half-changed state")

    reactor.call_at(reactor.now(), fail)

    with pytest.raises(ValueError, match="half-changed state"):
        reactor.run()


def test_stop_leaves_run_after_the_turn(reactor: Reactor) -> None:
    called: t.List[str] = []
    deadline = reactor.now()
    reactor.call_at(deadline, lambda _now: (called.append("stopping"), reactor.stop()))
    reactor.call_at(deadline, lambda _now: called.append("same turn"))
    reactor.call_at(deadline + 3600 * 1000 * MILLISECOND, lambda _now: called.append("never"))

    reactor.run()

    assert called == ["stopping", "same turn"]

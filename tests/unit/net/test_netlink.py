# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialogue with the kernel: batches, dumps and refusals, against a scripted kernel end of a socket."""

from __future__ import annotations

import errno
import socket
import struct
import typing as t

import pytest

from mainstay.net import netlink
from mainstay.net.netlink import Answer, KernelSocket, Message, decode, encode, u32

HEADER = struct.Struct("=IHHII")
ERROR, DONE = 2, 3
ACKNOWLEDGE = 0x4
CAPPED_WITH_TEXT, INTERRUPTED = 0x300, 0x10


class ScriptedSocket:
    """Takes the place of socket.socket: answers every request as the script says."""

    script: t.ClassVar[t.Callable[[int, int, bytes], list[tuple[int, int, bytes]]]]
    """(sequence, type, body) of a request -> [(type, flags, body)] of its answers."""
    sent: t.ClassVar[list[int]]

    def __init__(self, *_arguments: int) -> None:
        self._waiting: list[tuple[bytes, int]] = [(b"forged", 4711)]

    def setsockopt(self, *_arguments: int) -> None: ...

    def bind(self, _address: tuple[int, int]) -> None: ...

    def close(self) -> None: ...

    def send(self, requests: bytes) -> None:
        offset, count = 0, 0
        while offset < len(requests):
            length, kind, flags_asked, sequence, _port = HEADER.unpack_from(requests, offset)
            body = requests[offset + HEADER.size : offset + length]
            for answer_kind, flags, answer in type(self).script(sequence, kind, body):
                if answer_kind == ERROR and not any(answer[:4]) and not flags_asked & ACKNOWLEDGE:
                    continue
                packed = HEADER.pack(HEADER.size + len(answer), answer_kind, flags, sequence, 0) + answer
                self._waiting.append((packed, 0))
            offset += (length + 3) & ~3
            count += 1
        type(self).sent.append(count)

    def recvfrom_into(self, buffer: bytearray) -> tuple[int, tuple[int, int]]:
        if not self._waiting:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        datagram, sender = self._waiting.pop(0)
        buffer[: len(datagram)] = datagram
        return len(datagram), (sender, 0)


def done(number: int = 0, text: str = "") -> tuple[int, int, bytes]:
    """An acknowledgement, with the kernel's explanation."""
    explanation = encode([(1, text.encode() + b"\0")]) if text else b""
    flags = CAPPED_WITH_TEXT if text else 0
    return ERROR, flags, struct.pack("=i", -number) + bytes(HEADER.size) + explanation


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[type[ScriptedSocket]]:
    ScriptedSocket.sent = []
    monkeypatch.setattr(netlink.socket, "socket", ScriptedSocket)
    yield ScriptedSocket


def test_attributes_survive_the_way_there_and_back() -> None:
    packed = encode([(1, b"abc"), (2, [(3, u32(7)), (4, b"")])])
    assert len(packed) % 4 == 0
    assert decode(packed)[1] == b"abc"
    assert decode(decode(packed)[2]) == {3: u32(7), 4: b""}


@pytest.mark.parametrize("length", range(12))
def test_attributes_cut_short_do_no_harm(length: int) -> None:
    decode(encode([(1, b"abcd"), (2, b"")])[:length])


def test_every_order_gets_its_own_answer(kernel: type[ScriptedSocket]) -> None:
    kernel.script = lambda _sequence, _kind, body: [done(errno.EEXIST, "it is there") if body == b"again" else done()]
    answers = KernelSocket(16).order([Message(20, b"once"), Message(20, b"again"), Message(20, b"more")])
    assert answers == [Answer(0), Answer(errno.EEXIST, "it is there"), Answer(0)]


def test_the_refusal_of_the_last_order_ends_a_batch_too(kernel: type[ScriptedSocket]) -> None:
    kernel.script = lambda _sequence, _kind, body: [done(errno.ENOENT) if body == b"none" else done()]
    answers = KernelSocket(16).order([Message(20, b"none"), Message(20, b"some"), Message(20, b"none")])
    assert [answer.errno for answer in answers] == [errno.ENOENT, 0, errno.ENOENT]


def test_many_orders_go_out_in_batches_that_the_receive_buffer_can_answer(kernel: type[ScriptedSocket]) -> None:
    kernel.script = lambda _sequence, _kind, _body: [done()]
    assert KernelSocket(16).order([Message(20, b"")] * 150) == [Answer(0)] * 150
    assert kernel.sent == [64, 64, 22]


def test_a_dump_ends_with_done(kernel: type[ScriptedSocket]) -> None:
    kernel.script = lambda _sequence, _kind, _body: [(20, 2, b"one"), (20, 2, b"two"), (DONE, 2, struct.pack("=i", 0))]
    assert KernelSocket(16).dump(Message(20, b"")) == [b"one", b"two"]


def test_a_dump_that_the_kernel_calls_inconsistent_is_read_again(kernel: type[ScriptedSocket]) -> None:
    kernel.script = lambda sequence, _kind, _body: [
        (20, 2 | (INTERRUPTED if sequence == 1 else 0), b"one" if sequence == 1 else b"two"),
        (DONE, 2, struct.pack("=i", 0)),
    ]
    assert KernelSocket(16).dump(Message(20, b"")) == [b"two"]


def test_a_dump_that_never_holds_still_is_an_error(kernel: type[ScriptedSocket]) -> None:
    kernel.script = lambda _sequence, _kind, _body: [(20, INTERRUPTED, b""), (DONE, 2, struct.pack("=i", 0))]
    with pytest.raises(OSError, match="changed during every attempt") as refused:
        KernelSocket(16).dump(Message(20, b""))
    assert refused.value.errno == errno.EBUSY


@pytest.mark.parametrize("question", [KernelSocket.ask, KernelSocket.dump])
def test_a_refused_question_raises_what_the_kernel_said(
    kernel: type[ScriptedSocket], question: t.Callable[[KernelSocket, Message], object]
) -> None:
    kernel.script = lambda _sequence, _kind, _body: [done(errno.ENOENT, "no such family")]
    with pytest.raises(FileNotFoundError, match="no such family"):
        question(KernelSocket(16), Message(16, b""))


def test_a_kernel_that_says_nothing_is_a_timeout(kernel: type[ScriptedSocket]) -> None:
    kernel.script = lambda _sequence, _kind, _body: []
    with pytest.raises(socket.timeout, match="did not answer in time") as late:
        KernelSocket(16).order([Message(20, b"")])
    assert late.value.errno is None, "the engines word it by this"


def test_the_socket_speaks_netlink() -> None:
    """The one test with the real kernel: the controller of generic netlink is in every Linux."""
    real = KernelSocket(16)
    name = encode([(2, b"nlctrl\0")])
    answer = decode(real.ask(Message(16, struct.pack("=BBH", 3, 1, 0) + name)), 4)
    assert answer[1] == struct.pack("=H", 16)
    real.close()

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our route netlink sockets against a scripted kernel: forged senders, refusals, dumps that change, overruns."""

from __future__ import annotations

import errno
import struct
import typing as t

import pytest

from mainstay.net import rtnl, rtnl_socket

ADDRESS = struct.pack("=IHHII", 32, rtnl.RTM_NEWADDR, 2, 1, 0) + struct.pack("=BBBBI", 2, 24, 0, 0, 3) + (
    struct.pack("=HH", 8, 2) + bytes([192, 0, 2, 10])
)
DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
NOTHING_WAITS = BlockingIOError(errno.EAGAIN, "nothing")


class ScriptedSocket:
    """Takes the place of socket.socket; `incoming` is (datagram or error, port id of the sender)."""

    incoming: t.ClassVar[list[tuple[bytes | OSError, int]]] = []
    sent: t.ClassVar[list[bytes]] = []
    forced: t.ClassVar[bool] = True

    def __init__(self, *_arguments: int) -> None: ...

    def setsockopt(self, _level: int, option: int, _value: int) -> None:
        if option == rtnl_socket._SO_RCVBUFFORCE and not self.forced:
            raise PermissionError(errno.EPERM, "no")

    def bind(self, _address: tuple[int, int]) -> None: ...

    def setblocking(self, _flag: bool) -> None: ...

    def settimeout(self, _seconds: float) -> None: ...

    def close(self) -> None: ...

    def fileno(self) -> int:
        return 9

    def send(self, batch: bytes) -> None:
        self.sent.append(batch)

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[int, int]]:
        datagram, sender = self.incoming.pop(0) if self.incoming else (NOTHING_WAITS, 0)
        if isinstance(datagram, OSError):
            raise datagram
        return datagram, (sender, 0)


@pytest.fixture(autouse=True)
def kernel(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedSocket]:
    ScriptedSocket.incoming, ScriptedSocket.sent, ScriptedSocket.forced = [], [], True
    monkeypatch.setattr(rtnl_socket.socket, "socket", ScriptedSocket)
    return ScriptedSocket


def refusal(sequence: int, number: int) -> bytes:
    return struct.pack("=IHHIIi", 20, 2, 0, sequence, 0, -number)


def interrupted(datagram: bytes) -> bytes:
    return datagram[:6] + struct.pack("=H", 0x12) + datagram[8:]


def test_silence_after_an_order_means_done(kernel: type[ScriptedSocket]) -> None:
    assert rtnl_socket.OrderSocket().send(b"batch") == []
    assert kernel.sent == [b"batch"]


def test_what_the_kernel_refused_is_there_when_the_send_returns(kernel: type[ScriptedSocket]) -> None:
    kernel.incoming = [(refusal(4, errno.ENODEV), 0), (refusal(5, errno.EPERM), 0)]
    refused = rtnl_socket.OrderSocket().send(b"batch")
    assert refused == [rtnl.Refused(4, errno.ENODEV), rtnl.Refused(5, errno.EPERM)]


@pytest.mark.fault("F54")
def test_messages_of_other_processes_are_dropped(kernel: type[ScriptedSocket]) -> None:
    """F54: anyone may write to a netlink socket."""
    kernel.incoming = [(ADDRESS, 4711)]
    assert rtnl_socket.ListenerSocket().receive() is None
    kernel.incoming = [(ADDRESS, 4711), (ADDRESS, 0)]
    assert len(rtnl_socket.ListenerSocket().receive() or []) == 1


def test_a_dump_is_read_to_its_end(kernel: type[ScriptedSocket]) -> None:
    kernel.incoming = [(ADDRESS, 0), (ADDRESS + DONE, 0)]
    assert len(rtnl_socket.OrderSocket().dump(rtnl.RTM_GETADDR)) == 2


def test_a_dump_that_changed_on_the_way_is_read_again(kernel: type[ScriptedSocket]) -> None:
    kernel.incoming = [(interrupted(ADDRESS), 0), (DONE, 0), (NOTHING_WAITS, 0), (ADDRESS + DONE, 0)]
    assert len(rtnl_socket.OrderSocket().dump(rtnl.RTM_GETADDR)) == 1
    assert len(kernel.sent) == 2


def test_a_dump_that_never_holds_still_is_given_up(kernel: type[ScriptedSocket]) -> None:
    kernel.incoming = [(interrupted(ADDRESS), 0), (NOTHING_WAITS, 0)] * 5
    with pytest.raises(OSError, match="changed during every attempt"):
        rtnl_socket.OrderSocket().dump(rtnl.RTM_GETADDR)


def test_a_refused_dump_raises(kernel: type[ScriptedSocket]) -> None:
    kernel.incoming = [(refusal(1, errno.EPERM), 0)]
    with pytest.raises(PermissionError):
        rtnl_socket.OrderSocket().dump(rtnl.RTM_GETLINK)


def test_lost_notifications_are_an_overrun_and_other_errors_are_not(kernel: type[ScriptedSocket]) -> None:
    kernel.incoming = [(OSError(errno.ENOBUFS, "lost"), 0), (OSError(errno.EBADF, "bad"), 0)]
    listener = rtnl_socket.ListenerSocket()
    with pytest.raises(rtnl_socket.ListenerOverrun):
        listener.receive()
    with pytest.raises(OSError, match="bad"):
        listener.receive()


def test_without_the_right_to_force_the_buffer_the_socket_opens_all_the_same(kernel: type[ScriptedSocket]) -> None:
    kernel.forced = False
    assert rtnl_socket.ListenerSocket().fileno() == 9


def test_what_is_left_of_a_dump_that_was_given_up_is_no_answer_to_the_next(kernel: type[ScriptedSocket]) -> None:
    orders = rtnl_socket.OrderSocket()
    kernel.incoming = [(ADDRESS, 0), (TimeoutError("no answer"), 0)]
    with pytest.raises(TimeoutError):
        orders.dump(rtnl.RTM_GETADDR)
    kernel.incoming = [(ADDRESS * 3 + DONE, 0), (NOTHING_WAITS, 0), (ADDRESS + DONE, 0)]
    assert len(orders.dump(rtnl.RTM_GETADDR)) == 1

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions and orders to the kernel over netlink, each answered before the call returns.

Generic netlink (ip_vs) and nfnetlink (conntrack) share this framing: linux/netlink.h. Packed by hand because
one order costs 45 to 90 us this way and 400 to 500 us through pyroute2's message classes, and a thousand
servers change at once when a check's network goes away.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t
from dataclasses import dataclass

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLM_F_DUMP_INTR = 0x10
_NLMSG_ERROR, _NLMSG_END = 2, 3
_NLMSGERR_ATTR_MSG = 1
NESTED = 0x8000
"""Flag in an attribute's type. encode() sets it on sequences; on bytes that hold attributes the caller does."""
_TYPE_MASK = 0x3FFF

_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 270, 10, 11
_ANSWER_SECONDS = 5
_BATCH = 64  # their refusals fit into the default receive buffer several times over
_DATAGRAM = 64 * 1024  # of a dump the kernel makes 32 KiB at most
_DUMP_ATTEMPTS = 5

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_ATTRIBUTE = struct.Struct("=HH")  # length with this header, type
_U32 = struct.Struct("=I")
_TIMEVAL = struct.Struct("@ll")

Attributes = t.Dict[int, bytes]
Encoded = t.Union[bytes, t.Sequence[t.Tuple[int, t.Any]]]


@dataclass(frozen=True)
class Message:
    """One request before framing."""

    kind: int
    """nlmsg_type: the family, or a control message."""
    body: bytes
    """Family header and attributes."""


@dataclass(frozen=True)
class Answer:
    """What the kernel said to one order; errno 0 is done."""

    errno: int
    detail: str = ""
    """The kernel's own explanation (extended acknowledgement), often empty."""


_DONE = Answer(0)


def encode(attributes: t.Sequence[t.Tuple[int, Encoded]]) -> bytes:
    """Pack attributes; a value that is itself a sequence of pairs becomes a nested attribute."""
    packed = []
    for kind, value in attributes:
        payload, flag = (value, 0) if isinstance(value, bytes) else (encode(value), NESTED)
        packed.append(_ATTRIBUTE.pack(_ATTRIBUTE.size + len(payload), kind | flag) + payload)
        packed.append(b"\0" * (-len(payload) % 4))
    return b"".join(packed)


def decode(buffer: bytes, offset: int = 0) -> Attributes:
    """Attributes by type, from `offset` on. A malformed rest is ignored: the kernel sends none."""
    found: Attributes = {}
    while offset + _ATTRIBUTE.size <= len(buffer):
        length, kind = _ATTRIBUTE.unpack_from(buffer, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = buffer[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def u32(value: int) -> bytes:
    """An unsigned 32 bit number in host order."""
    return _U32.pack(value)


class KernelSocket:
    """One netlink socket for requests; no other traffic arrives on it."""

    def __init__(self, protocol: int) -> None:
        """Open for a netlink protocol (NETLINK_GENERIC 16, NETLINK_NETFILTER 12). Raises OSError."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        # The kernel answers within send(); the timeout only keeps a lost answer from stopping the worker. It is the
        # kernel's own: Python's would ask poll() before every answer.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(_ANSWER_SECONDS, 0))
        self._socket.bind((0, 0))
        self._sequence = 0
        # One buffer for everything: a fresh one for each answer would be mapped and unmapped by malloc each time,
        # which costs more than the answer.
        self._buffer = bytearray(_DATAGRAM)
        self._view = memoryview(self._buffer)

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

    def order(self, messages: t.Sequence[Message]) -> t.List[Answer]:
        """Carry out in order; one answer per message. Raises OSError when the kernel does not answer."""
        answers: t.List[Answer] = []
        for start in range(0, len(messages), _BATCH):
            answers += self._order_batch(messages[start : start + _BATCH])
        return answers

    def ask(self, message: Message) -> bytes:
        """The body of the one answer to a question. Raises OSError with the kernel's errno."""
        bodies = self._collect(self._send([message], NLM_F_ACK))
        return bodies[0] if bodies else b""

    def dump(self, message: Message) -> t.List[bytes]:
        """The bodies of all entries. Raises OSError, EBUSY when the list never held still."""
        for _attempt in range(_DUMP_ATTEMPTS):
            bodies = self._dump_once(message)
            if bodies is not None:
                return bodies
        raise OSError(errno.EBUSY, "the kernel's table changed during every attempt to read it")

    def portions(self, message: Message) -> t.Iterator[t.List[bytes]]:
        """The bodies of all entries of a dump, those of one datagram (32 KiB) at a time: the kernel makes the next one
        when this one has been taken. What changes meanwhile may be missing. Raises OSError.

        Nothing else can be asked over this socket until the end.
        """
        sequence = self._send([message], NLM_F_DUMP)
        ended = False
        while not ended:
            bodies: t.List[bytes] = []
            for kind, flags, received, body in self._receive():
                if received != sequence:
                    continue
                if kind in (_NLMSG_ERROR, _NLMSG_END):
                    _raise_unless_done(_answer(flags, body))
                    ended = True
                else:
                    bodies.append(body)
            yield bodies

    def _send(self, messages: t.Sequence[Message], flags: int) -> int:
        """Send framed, the last with these flags; returns its sequence number."""
        framed = []
        for left, message in enumerate(messages, 1 - len(messages)):
            self._sequence += 1
            length = _HEADER.size + len(message.body)
            flags_of = NLM_F_REQUEST if left else NLM_F_REQUEST | flags
            header = _HEADER.pack(length, message.kind, flags_of, self._sequence, 0)
            framed.append(header + message.body + b"\0" * (-length % 4))
        self._socket.send(b"".join(framed))
        return self._sequence

    def _order_batch(self, messages: t.Sequence[Message]) -> t.List[Answer]:
        """Only the last asks for an acknowledgement: the kernel works in order and tells refusals unasked."""
        last = self._send(messages, NLM_F_ACK)
        first = last - len(messages) + 1
        answers: t.Dict[int, Answer] = {}
        while last not in answers:
            for kind, flags, sequence, body in self._receive():
                if kind == _NLMSG_ERROR and sequence >= first:
                    answers[sequence] = _answer(flags, body)
        return [answers.get(sequence, _DONE) for sequence in range(first, last + 1)]

    def _collect(self, sequence: int) -> t.List[bytes]:
        """Bodies up to the acknowledgement of this request."""
        bodies: t.List[bytes] = []
        while True:
            for kind, flags, received, body in self._receive():
                if received != sequence:
                    continue
                if kind == _NLMSG_ERROR:
                    _raise_unless_done(_answer(flags, body))
                    return bodies
                bodies.append(body)

    def _dump_once(self, message: Message) -> t.Optional[t.List[bytes]]:
        """All bodies, or None when the table changed meanwhile."""
        sequence = self._send([message], NLM_F_DUMP)
        bodies: t.List[bytes] = []
        steady = True
        while True:
            for kind, flags, received, body in self._receive():
                if received != sequence:
                    continue
                if kind in (_NLMSG_ERROR, _NLMSG_END):
                    _raise_unless_done(_answer(flags, body))
                    return bodies if steady else None
                steady = steady and not flags & _NLM_F_DUMP_INTR
                bodies.append(body)

    def _receive(self) -> t.Iterator[t.Tuple[int, int, int, bytes]]:
        """Type, flags, sequence and body of each message in one datagram."""
        try:
            size, (sender, _groups) = self._socket.recvfrom_into(self._buffer)
        except BlockingIOError as late:
            raise socket.timeout("the kernel did not answer in time") from late
        if sender != 0:  # any process may write to a netlink socket; only the kernel is port 0
            return
        offset = 0
        while offset + _HEADER.size <= size:
            length, kind, flags, sequence, _port = _HEADER.unpack_from(self._buffer, offset)
            if length < _HEADER.size:
                return
            yield kind, flags, sequence, bytes(self._view[offset + _HEADER.size : min(offset + length, size)])
            offset += (length + 3) & ~3


def _answer(flags: int, body: bytes) -> Answer:
    """Read an error message or the end of a dump; both start with the negative errno."""
    (negative,) = struct.unpack_from("=i", body) if len(body) >= 4 else (0,)
    detail = b""
    if negative and flags & _NLM_F_ACK_TLVS and flags & _NLM_F_CAPPED:
        detail = decode(body, 4 + _HEADER.size).get(_NLMSGERR_ATTR_MSG, b"")
    return Answer(-negative, detail.rstrip(b"\0").decode("utf-8", "replace"))


def _raise_unless_done(answer: Answer) -> None:
    if answer.errno:
        raise OSError(answer.errno, answer.detail or os.strerror(answer.errno))

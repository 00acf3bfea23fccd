# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders for routes and rules, prepared as bytes, and the notice that one of them may be gone.

Theory of operation. There is no mirror of routes: a router may have a million of them, and how the kernel writes a
route down differs from how it was asked for one. Instead the orders themselves are the question. Adding what is
there is answered EEXIST and changes nothing; so adding everything again puts back what is missing, and only that,
and the silence of an answer says which it was. Removing what is gone is answered ESRCH or ENOENT.

The listener is only there to know when to ask. A filter in the kernel lets through what can mean a loss: a removed
route of our protocol, a route that was replaced, a removed rule. Where the kernel drops routes without a word (an
interface goes down, the address in src is removed) it notifies about the interface or the address.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import typing as t
from dataclasses import dataclass

from ..model.route_text import route_text, rule_text
from ..model.routing import Route, Rule
from .netlink import decode
from .packet_filter import attach
from .routes import RTM_DELROUTE, RTM_NEWROUTE, IndexOf, route_bodies
from .routing_filter import loss_filter
from .rules import RTM_DELRULE, RTM_NEWRULE, rule_body

_HEADER = struct.Struct("=IHHII")
_SEQUENCE, _SEQUENCE_AT = struct.Struct("=I"), 8
_NLMSG_ERROR = 2
_NLM_F_REQUEST, _NLM_F_EXCL, _NLM_F_CREATE = 0x1, 0x200, 0x400
_NLM_F_CAPPED, _NLM_F_ACK_TLVS = 0x100, 0x200
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 270, 10, 11
# The groups IPV4_ROUTE, IPV4_RULE, IPV6_ROUTE and IPV6_RULE of linux/rtnetlink.h, as bits.
_GROUPS = 1 << 6 | 1 << 7 | 1 << 10 | 1 << 18
_BATCH = 64
"""Messages of one send: that many refusals fit into the default receive buffer (212 kB, under 1 kB each) thrice."""
_DATAGRAM = 256 * 1024
_ABSENT = (errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL)


@dataclass(frozen=True)
class Answer:
    """What the kernel said to one message; errno 0 is done."""

    errno: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Entry:
    """One route or rule, with the messages that add and remove it."""

    text: str
    """As iproute2 spells it, for people: "route 10.0.0.0/8 via 192.0.2.254"."""
    add: t.Tuple[bytes, ...]
    remove: t.Tuple[bytes, ...]
    renew: bool = False
    """The kernel forgets a part of it (the source address of an IPv6 route) and keeps the rest."""


@dataclass(frozen=True)
class Outcome:
    """What became of some entries."""

    done: t.Tuple[Entry, ...] = ()
    """Those that were missing and are there now, or were there and are removed."""
    refused: t.Tuple[t.Tuple[Entry, Answer], ...] = ()


def route_entry(route: Route, index_of: IndexOf) -> Entry:
    """Encode a route; `index_of` knows every interface that it names."""
    bodies = route_bodies(route, index_of)
    return Entry(
        f"route {route_text(route)}",
        tuple(_framed(RTM_NEWROUTE, _NLM_F_CREATE, body) for body in bodies),
        tuple(_framed(RTM_DELROUTE, 0, body) for body in bodies),
        renew=route.family == 6 and route.src is not None,
    )


def rule_entry(rule: Rule) -> Entry:
    """Encode a rule."""
    body = rule_body(rule)
    add = _framed(RTM_NEWRULE, _NLM_F_CREATE | _NLM_F_EXCL, body)
    return Entry(f"rule {rule_text(rule)}", (add,), (_framed(RTM_DELRULE, 0, body),))


def _framed(kind: int, flags: int, body: bytes) -> bytes:
    """With the sequence number 0; `_send` writes the real one over it."""
    return _HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST | flags, 0, 0) + body


class RoutingOrders:
    """The socket that entries are sent through."""

    def __init__(self) -> None:
        """Raises OSError when the kernel gives no netlink socket."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        self._socket.bind((0, 0))
        self._socket.setblocking(False)
        self._sequence = 0

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

    def add(self, entries: t.Sequence[Entry]) -> Outcome:
        """Install what is missing; what is there already stays as it is and is not in the outcome."""
        return self._carry_out([(entry, entry.add) for entry in entries], (errno.EEXIST,))

    def remove(self, entries: t.Sequence[Entry]) -> Outcome:
        """Withdraw what is there; what is gone already is not in the outcome."""
        return self._carry_out([(entry, entry.remove) for entry in entries], _ABSENT)

    def renew(self, entries: t.Sequence[Entry]) -> None:
        """Withdraw those that the kernel may have kept in part, so that adding them means something."""
        self.remove([entry for entry in entries if entry.renew])

    def _carry_out(self, orders: t.Sequence[t.Tuple[Entry, t.Sequence[bytes]]], harmless: t.Collection[int]) -> Outcome:
        answers = self._send([message for _entry, messages in orders for message in messages])
        done: t.List[Entry] = []
        refused: t.List[t.Tuple[Entry, Answer]] = []
        for entry, messages in orders:
            own = [answers.pop(0) for _message in messages]
            bad = [answer for answer in own if answer.errno and answer.errno not in harmless]
            if bad:
                refused.append((entry, bad[0]))
            elif any(not answer.errno for answer in own):
                done.append(entry)
        return Outcome(tuple(done), tuple(refused))

    def _send(self, messages: t.Sequence[bytes]) -> t.List[Answer]:
        """One answer for each message. The kernel works within send(): silence after it means done."""
        answers: t.List[Answer] = []
        for start in range(0, len(messages), _BATCH):
            answers += self._send_batch(messages[start : start + _BATCH])
        return answers

    def _send_batch(self, messages: t.Sequence[bytes]) -> t.List[Answer]:
        first, count = self._sequence + 1, len(messages)
        self._sequence += count
        batch = bytearray()
        for position, message in enumerate(messages):
            start = len(batch)
            batch += message
            _SEQUENCE.pack_into(batch, start + _SEQUENCE_AT, first + position)
        answers = [Answer()] * count
        try:
            self._socket.send(batch)
            for sequence, answer in self._refusals():
                if first <= sequence < first + count:
                    answers[sequence - first] = answer
        except OSError as error:
            return [Answer(error.errno or errno.EIO)] * count
        return answers

    def _refusals(self) -> t.Iterator[t.Tuple[int, Answer]]:
        """What waits. Raises OSError when some of it is lost."""
        while True:
            try:
                datagram, sender = self._socket.recvfrom(_DATAGRAM)
            except BlockingIOError:
                return
            yield from _answers(datagram, sender)


def _answers(datagram: bytes, sender: t.Tuple[int, int]) -> t.Iterator[t.Tuple[int, Answer]]:
    """Refusals by sequence number; only port 0 is the kernel."""
    offset = 0
    while sender[0] == 0 and offset + _HEADER.size <= len(datagram):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size:
            return
        body = datagram[offset + _HEADER.size : offset + length]
        if kind == _NLMSG_ERROR and len(body) >= 4:
            yield sequence, Answer(-struct.unpack_from("=i", body)[0], _detail(flags, body))
        offset += (length + 3) & ~3


def _detail(flags: int, body: bytes) -> str:
    """The kernel's own explanation, often empty."""
    if not (flags & _NLM_F_ACK_TLVS and flags & _NLM_F_CAPPED):
        return ""
    return decode(body, 4 + _HEADER.size).get(_NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode("utf-8", "replace")


class RoutingListener:
    """Wakes up when a route or rule of ours may be gone."""

    def __init__(self) -> None:
        """Raises OSError when the kernel gives no netlink socket."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        attach(self._socket, loss_filter())
        self._socket.bind((0, _GROUPS))
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """The descriptor, for the poller."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Read all that waits; what it says does not matter, nor does what did not fit (ENOBUFS)."""
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    self._socket.recv(_DATAGRAM)
                except OSError as error:
                    if error.errno != errno.ENOBUFS:
                        raise

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

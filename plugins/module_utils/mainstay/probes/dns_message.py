# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS messages (RFC 1035 4): the question that goes out, and an answer read within bounds."""

from __future__ import annotations

import ipaddress
import struct
import typing as t
from dataclasses import dataclass

from .dns_name import MalformedMessage, encoded_name, read_name

TYPES: t.Mapping[str, int] = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
}  # fmt: skip
MESSAGE_BYTES = 4096
"""A longer answer is refused unread; without EDNS a server may not send more than 512."""

_RCODES = (
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
    "NOTZONE",
)  # fmt: skip
_HEADER = struct.Struct("!6H")
_QUESTION_END = struct.Struct("!2H")
_RECORD = struct.Struct("!2HIH")
_INTERNET = 1
_RESPONSE, _OPCODE, _TRUNCATED, _RECURSION_DESIRED, _RCODE = 0x8000, 0x7800, 0x0200, 0x0100, 0x000F


@dataclass(frozen=True)
class Record:
    """One record of the answer section."""

    kind: int
    texts: t.Tuple[str, ...]
    """How it may be named: as zone files write it, and shorter forms of the same; empty of other types."""


@dataclass(frozen=True)
class Answer:
    """What a server said to our question."""

    rcode: str
    truncated: bool
    records: t.Tuple[Record, ...]


def question(number: int, name: str, kind: str) -> bytes:
    """One question with recursion desired; `number` is its id. Raises ValueError for what is no name."""
    header = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + encoded_name(name) + _QUESTION_END.pack(TYPES[kind], _INTERNET)


def answers(asked: bytes, message: bytes) -> bool:
    """Is this an answer to the question `asked`, and not one to another or a forged one?

    A server that refuses may leave the question out (RFC 1035 4.1.1: FORMERR); then the id alone has to do.
    """
    if len(message) < _HEADER.size:
        return False
    number, flags, questions = _HEADER.unpack_from(message)[:3]
    if number != int.from_bytes(asked[:2], "big") or not flags & _RESPONSE or flags & _OPCODE:
        return False
    if questions == 0:
        return bool(flags & _RCODE) and len(message) == _HEADER.size
    echoed = message[_HEADER.size : len(asked)]
    # Names are compared without regard to case (RFC 4343); type and class have no letters to fold: 1 to 33.
    return questions == 1 and echoed.lower() == asked[_HEADER.size :].lower()


def read_answer(asked: bytes, message: bytes) -> Answer:
    """An answer to `asked`, see `answers`. Raises MalformedMessage."""
    if len(message) > MESSAGE_BYTES:
        raise MalformedMessage(f"the answer is longer than {MESSAGE_BYTES} bytes")
    _number, flags, _questions, count = _HEADER.unpack_from(message)[:4]
    code = flags & _RCODE
    rcode = _RCODES[code] if code < len(_RCODES) else f"RCODE {code}"
    truncated = bool(flags & _TRUNCATED)
    return Answer(rcode, truncated, _records(message, len(asked), count, truncated))


def _records(message: bytes, offset: int, count: int, truncated: bool) -> t.Tuple[Record, ...]:
    """The answer section; of a truncated message as much as is there."""
    found: t.List[Record] = []
    while len(found) < count:
        try:
            record, offset = _record(message, offset)
        except MalformedMessage:
            if truncated:
                break
            raise
        found.append(record)
    return tuple(found)


def _record(message: bytes, offset: int) -> t.Tuple[Record, int]:
    _owner, offset = read_name(message, offset)
    begin = offset + _RECORD.size
    if begin > len(message):
        raise MalformedMessage("a record is cut off")
    kind, _class, _ttl, size = _RECORD.unpack_from(message, offset)
    if begin + size > len(message):
        raise MalformedMessage("a record is cut off")
    reader = _CONTENTS.get(kind)
    return Record(kind, reader(message, begin, begin + size) if reader else ()), begin + size


def _address(message: bytes, begin: int, end: int) -> t.Tuple[str, ...]:
    if end - begin not in (4, 16):
        raise MalformedMessage(f"an address has {end - begin} bytes")
    return (str(ipaddress.ip_address(message[begin:end])),)


def _host(message: bytes, begin: int, end: int) -> t.Tuple[str, ...]:
    return (_last_name(message, begin, end),)


def _ranked_host(numbers: str) -> t.Callable[[bytes, int, int], t.Tuple[str, ...]]:
    """MX and SRV: some numbers, then a host, which may also stand alone."""
    layout = struct.Struct(numbers)

    def read(message: bytes, begin: int, end: int) -> t.Tuple[str, ...]:
        if end - begin < layout.size:
            raise MalformedMessage("a record is cut off")
        host = _last_name(message, begin + layout.size, end)
        return (" ".join(map(str, layout.unpack_from(message, begin))) + f" {host}", host)

    return read


def _authority(message: bytes, begin: int, end: int) -> t.Tuple[str, ...]:
    """SOA: the primary's name may stand alone."""
    primary, offset = read_name(message, begin)
    mailbox, offset = read_name(message, offset)
    if offset + 20 != end:
        raise MalformedMessage("an SOA record has not the length of its content")
    numbers = " ".join(map(str, struct.unpack_from("!5I", message, offset)))
    return (f"{primary} {mailbox} {numbers}", primary)


def _strings(message: bytes, begin: int, end: int) -> t.Tuple[str, ...]:
    """TXT: one text of all its parts."""
    parts: t.List[bytes] = []
    while begin < end:
        size = message[begin]
        if begin + 1 + size > end:
            raise MalformedMessage("a TXT record has not the length of its content")
        parts.append(message[begin + 1 : begin + 1 + size])
        begin += 1 + size
    return (b"".join(parts).decode("utf-8", "backslashreplace"),)


def _last_name(message: bytes, begin: int, end: int) -> str:
    name, offset = read_name(message, begin)
    if offset != end:
        raise MalformedMessage("a record has not the length of its content")
    return name


_CONTENTS: t.Mapping[int, t.Callable[[bytes, int, int], t.Tuple[str, ...]]] = {
    TYPES["A"]: _address,
    TYPES["AAAA"]: _address,
    TYPES["NS"]: _host,
    TYPES["CNAME"]: _host,
    TYPES["PTR"]: _host,
    TYPES["SOA"]: _authority,
    TYPES["MX"]: _ranked_host("!H"),
    TYPES["SRV"]: _ranked_host("!3H"),
    TYPES["TXT"]: _strings,
}

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the DNS on the wire (RFC 1035 3.1 and 4.1.4), read from messages that may be hostile."""

from __future__ import annotations

import typing as t

LABEL_BYTES = 63
NAME_BYTES = 255

_POINTER = 0xC0


class MalformedMessage(Exception):
    """The bytes are no DNS message; the text is the reason in a sentence."""


def encoded_name(name: str) -> bytes:
    """A name of the configuration as it goes into a question; "." is the root.

    Raises ValueError for what is no name: an empty label, one above 63 bytes, more than 255 bytes in all, a
    character outside visible ASCII (write such a name in its xn-- form).
    """
    labels = name[:-1].split(".") if name.endswith(".") else name.split(".")
    if name == ".":
        labels = []
    if any(not 0 < len(label) <= LABEL_BYTES for label in labels):
        raise ValueError(f"name {name!r}: a label has 1 to {LABEL_BYTES} characters")
    if any(not "!" <= character <= "~" for character in name):
        raise ValueError(f"name {name!r}: allowed are visible ASCII characters")
    wire = b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels) + b"\0"
    if len(wire) > NAME_BYTES:
        raise ValueError(f"name {name!r}: {len(wire)} bytes on the wire, at most {NAME_BYTES} are allowed")
    return wire


def read_name(message: bytes, offset: int) -> t.Tuple[str, int]:
    """The name at `offset` in lower case without its last dot, and where the message goes on.

    A compression pointer has to point before the labels that led to it: so no loop is possible, whatever the
    message says. Raises MalformedMessage.
    """
    labels: t.List[str] = []
    size, begin, end = 1, offset, 0
    while True:
        length = _byte(message, offset)
        if length & _POINTER == _POINTER:
            target = (length & ~_POINTER) << 8 | _byte(message, offset + 1)
            end = end or offset + 2
            if target >= begin:
                raise MalformedMessage("a compressed name points forwards or at itself")
            begin = offset = target
            continue
        if length > LABEL_BYTES:
            raise MalformedMessage("a name has a label of an unknown kind")
        if length == 0:
            return ".".join(labels), end or offset + 1
        size += 1 + length
        if size > NAME_BYTES or offset + 1 + length > len(message):
            raise MalformedMessage("a name is too long or cut off")
        labels.append(_text(message[offset + 1 : offset + 1 + length]))
        offset += 1 + length


def _byte(message: bytes, offset: int) -> int:
    if offset >= len(message):
        raise MalformedMessage("a name is too long or cut off")
    return message[offset]


def _text(label: bytes) -> str:
    """A label as harmless text; its own dots, backslashes and what is not visible stand as \\DDD (RFC 4343)."""
    return "".join(
        chr(byte) if 0x21 <= byte <= 0x7E and byte not in b".\\" else f"\\{byte:03d}" for byte in label.lower()
    )

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of what only checks and pools say: bytes, digests, patterns, headers, prefix lengths."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .byte_text import Nibbles, parse_bytes, parse_nibbles
from .check_regex import compiled_regex
from .option import Option
from .problems import shown_value
from .refused import Reader, Refused, pattern_reader, suggestion

_HEX_BYTES = re.compile(r"([0-9A-Fa-f]{2}){1,1400}")
_HEX_PATTERN = re.compile(r"[0-9A-Fa-fxX]{1,2800}")
_DIGEST = re.compile(r"[0-9A-Fa-f]{32}([0-9A-Fa-f]{32})?")
_DOMAIN = re.compile(r"\.|(?=.{1,254}\Z)[\x21-\x2d\x2f-\x7e]{1,63}(\.[\x21-\x2d\x2f-\x7e]{1,63})*\.?")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,4096}")
_OWN_HEADERS = {
    "host": "Write virtualhost.",
    "content-length": "It is computed from body.",
    "transfer-encoding": "The body is sent as it is.",
    "connection": "http_protocol decides it.",
}


class Netmask(int):
    """The prefix length of an IPv4 netmask: spelt so, it says nothing about IPv6."""

    @property
    def text(self) -> str:
        """As it is written."""
        return str(ipaddress.ip_network(f"0.0.0.0/{self}").netmask)


def read_prefix(value: object, option: Option) -> int:
    """A prefix length; an IPv4 netmask is counted, as a Netmask."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 128:
        return value
    if isinstance(value, str) and value.count(".") == 3:
        try:
            length = Netmask(ipaddress.ip_network(f"0.0.0.0/{value}").prefixlen)
        except ValueError:
            length = Netmask(0)
        if length and length.text == value:
            return length
    raise Refused(f"must be {option.expected}.")


def read_words(value: object, option: Option) -> t.Tuple[str, ...]:
    """Some of the choices, each at most once."""
    if not isinstance(value, (list, tuple)):
        raise Refused(f"must be {option.expected}.")
    for item in value:
        if item not in option.choices:
            raise Refused(f"must be {option.expected}; {shown_value(item)} is none.{suggestion(item, option.choices)}")
    if len(set(value)) != len(value):
        raise Refused("has one of them twice; once is enough.")
    return tuple(value)


def read_conversation(value: object, option: Option) -> bytes:
    """Text with escapes as bytes."""
    if not isinstance(value, str) or not 1 <= len(value) <= 4096:
        raise Refused(f"must be {option.expected}.")
    try:
        return parse_bytes(value)
    except ValueError as error:
        raise Refused(f"must be {option.expected}: {error}.") from error


def read_hex_bytes(value: object, option: Option) -> bytes:
    """Hex digits as bytes."""
    if not isinstance(value, str) or not _HEX_BYTES.fullmatch(value):
        raise Refused(f"must be {option.expected}.")
    return bytes.fromhex(value)


def read_hex_pattern(value: object, option: Option) -> Nibbles:
    """Hex digits and x as nibbles."""
    if not isinstance(value, str) or not _HEX_PATTERN.fullmatch(value):
        raise Refused(f"must be {option.expected}.")
    return parse_nibbles(value)


def read_digest(value: object, option: Option) -> str:
    """Hex digits in lower case."""
    return str(pattern_reader(_DIGEST)(value, option)).lower()


def read_regex(value: object, option: Option) -> str:
    """A pattern that compiles; its options are looked at with those of the check."""
    if not isinstance(value, str) or not 1 <= len(value) <= 1024:
        raise Refused(f"must be {option.expected}.")
    try:
        compiled_regex(value, ())
    except (ValueError, UnicodeError) as error:
        raise Refused(f"must be {option.expected}: {error}.") from error
    return value


def read_headers(value: object, option: Option) -> t.Tuple[t.Tuple[str, str], ...]:
    """Names and values in the order given."""
    if not isinstance(value, t.Mapping) or len(value) > 64:
        raise Refused(f"must be {option.expected}.")
    for name, content in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise Refused(f"must be {option.expected}; {shown_value(name)} is no name of a header.")
        if not isinstance(content, str) or not _HEADER_VALUE.fullmatch(content):
            raise Refused(f"must be {option.expected}; the value of {name} is none.")
        if name.lower() in _OWN_HEADERS:
            raise Refused(f"cannot have {name}: {_OWN_HEADERS[name.lower()]}")
    return tuple(value.items())


def read_body(value: object, option: Option) -> str:
    """Text that can be sent as UTF-8."""
    if not isinstance(value, str) or len(value) > 65536 or value != value.encode("utf-8", "replace").decode("utf-8"):
        raise Refused(f"must be {option.expected}.")
    return value


CHECK_READERS: t.Mapping[str, Reader] = {
    "prefix": read_prefix,
    "words": read_words,
    "conversation": read_conversation,
    "hex_bytes": read_hex_bytes,
    "hex_pattern": read_hex_pattern,
    "digest": read_digest,
    "regex": read_regex,
    "headers": read_headers,
    "body": read_body,
    "domain": pattern_reader(_DOMAIN),
}

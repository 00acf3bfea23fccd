# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that the texts of routes and rules share, read one after the other.

Every reader raises ValueError with a sentence: the word, its value, what is allowed, the remedy.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

TABLES: t.Mapping[str, int] = {"default": 253, "main": 254, "local": 255}
"""The kernel's own tables; every other name is an entry of a file that differs from machine to machine."""

LARGEST = 0xFFFFFFFF

_DEVICE = re.compile(r"[^\s/:\x00-\x1f\x7f]{1,15}")
_NUMBER = re.compile(r"\d{1,10}")
_MARK = re.compile(r"0[xX][0-9a-fA-F]{1,8}|\d{1,10}")
_FAMILIES = {"inet": 4, "inet6": 6}


class Words:
    """One text, word by word; every keyword may be said once."""

    def __init__(self, text: str) -> None:
        if not text.isascii() or not text.isprintable():
            raise ValueError("may only hold printable ASCII characters.")
        self._waiting = text.split()[::-1]
        self._said: t.Set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def peek(self) -> str:
        """The next word, or "" at the end."""
        return self._waiting[-1] if self._waiting else ""

    def next(self) -> str:
        """Take the next word."""
        return self._waiting.pop()

    def value(self, keyword: str) -> str:
        """Take the value of a keyword."""
        if not self._waiting:
            raise ValueError(f"{keyword} needs a value after it.")
        return self._waiting.pop()

    def once(self, meaning: str, keyword: str) -> None:
        """Refuse a meaning that was given before, perhaps by another of its words."""
        if meaning in self._said:
            raise ValueError(f"{keyword}: {meaning} is given twice.")
        self._said.add(meaning)

    def family(self) -> t.Optional[int]:
        """Take inet or inet6 if it stands here."""
        return _FAMILIES[self.next()] if self.peek() in _FAMILIES else None


class FamilyVotes:
    """Which family the addresses of one text ask for; the first one decides."""

    def __init__(self) -> None:
        self.family: t.Optional[int] = None
        self._said_by = ""

    def add(self, family: int, said_by: str) -> None:
        """Raises ValueError when `said_by` contradicts what stands before it."""
        if self.family is None:
            self.family, self._said_by = family, said_by
        elif self.family != family:
            raise ValueError(f"{said_by} is IPv{family}, {self._said_by} is IPv{self.family}: use one family.")


def read_network(text: str, keyword: str) -> Network:
    """A prefix, or an address as its longest prefix; host bits are a mistake."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"{keyword} {text} is no prefix such as 192.0.2.0/24 or 2001:db8::/32.") from error
    if "/" in text and not text.partition("/")[2].isdecimal():
        raise ValueError(f"{keyword} {text}: write the prefix length as a number, {network}.")
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"{keyword} {text} has bits beyond its prefix length; the network is {network}.")
    return network


def read_host(text: str, keyword: str) -> t.Tuple[int, str]:
    """Family and canonical text of an address that one machine can have."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f"{keyword} {text} is no IP address.") from error
    if address.is_multicast or address.is_unspecified or "%" in text:
        raise ValueError(f"{keyword} {text} is the address of no machine.")
    return address.version, str(address)


def read_device(text: str, keyword: str) -> str:
    """The name of an interface."""
    if not _DEVICE.fullmatch(text) or text in (".", ".."):
        raise ValueError(f"{keyword} {text} is no name of an interface (1 to 15 characters, no slash, no colon).")
    return text


def read_number(text: str, keyword: str, least: int, most: int) -> int:
    """A decimal number within its range."""
    number = int(text) if _NUMBER.fullmatch(text) else -1
    if not least <= number <= most:
        raise ValueError(f"{keyword} {text} must be a number from {least} to {most}.")
    return number


def read_mark(text: str, keyword: str) -> int:
    """A number of 32 bits, decimal or 0x and hexadecimal."""
    number = int(text, 16 if text[:2] in ("0x", "0X") else 10) if _MARK.fullmatch(text) else LARGEST + 1
    if number > LARGEST:
        raise ValueError(f"{keyword} {text} must be a number from 0 to 0xffffffff, decimal or with 0x.")
    return number


def read_table(text: str) -> str:
    """main, local, default, or a number as text; 254 is main."""
    if text in TABLES:
        return text
    if not _NUMBER.fullmatch(text):
        raise ValueError(
            f"table {text}: only main, local and default have a name here; use the number that"
            f" /etc/iproute2/rt_tables gives {text}."
        )
    number = read_number(text, "table", 1, LARGEST)
    return next((name for name, known in TABLES.items() if known == number), str(number))


def unknown_word(word: str, known: t.Iterable[str], left_out: t.Mapping[str, str]) -> ValueError:
    """The refusal of a word that has no meaning here."""
    if word in left_out:
        return ValueError(f"{word} is not supported: {left_out[word]}")
    import difflib  # only who mistypes pays for it

    near = difflib.get_close_matches(word[:64], list(known), n=1, cutoff=0.6)
    return ValueError(f"{word[:64]} is not known here." + (f" Did you mean {near[0]}?" if near else ""))

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of names, of other datagrams, and of echo."""

from __future__ import annotations

import functools
import typing as t

from mainstay.model.check_config import Check, DnsCheck, PingCheck, UdpCheck

from . import datagram_servers as zoo
from .animal import FAR, SOON, Animal
from .datagram_servers import ADDRESS, DatagramServer, RefusesDatagrams

WWW = DnsCheck(name="www.example.org", query_type="A")
EXPECTS = DnsCheck(name="www.example.org", query_type="A", answer="192.0.2.81")
STRICT = UdpCheck(require_reply=True, reply=(0xA, None, 1), min_reply_length=2, max_reply_length=4)
# On a busy machine they may come after the deadline.
PASSED_OVER = r"no answer to www.example.org A (\(passed over \d others\) )?within 0.4 s"
POINTS_AT_ITSELF = b"\xc0\x21"


def _animal(name: str, behaviour: zoo.Behaviour, check: Check, up: bool, reason: str) -> Animal:
    deadline = SOON if "within" in reason or "ICMP error" in reason else FAR
    return Animal(name, functools.partial(DatagramServer, behaviour), check, deadline, up, reason)


def _refuses(name: str, check: Check) -> Animal:
    return Animal(name, RefusesDatagrams, check, FAR, False, r"connection refused \(ICMP port unreachable\)")


def _names(name: str, make: t.Callable[[bytes], bytes], up: bool, reason: str, check: Check = WWW) -> Animal:
    return _animal(f"dns: {name}", zoo.answers(make), check, up, reason)


DNS = (
    _names("healthy", zoo.names(ADDRESS), True, "NOERROR, 192.0.2.80"),
    _names("cut short", zoo.names(ADDRESS, flags=zoo.TRUNCATED, count=9), True, "NOERROR, 192.0.2.80"),
    _names("another address", zoo.names(ADDRESS), False, "expected 192.0.2.81, the answer is 192.0.2.80", EXPECTS),
    _names("servfail", zoo.names(flags=zoo.SERVFAIL), False, "SERVFAIL for www.example.org A"),
    _names("nxdomain", zoo.names(flags=zoo.NXDOMAIN), False, "NXDOMAIN for www.example.org A"),
    _names("nothing", zoo.names(), False, "NOERROR without content for www.example.org A"),
    _names("pointer loop", zoo.names(POINTS_AT_ITSELF), False, "malformed answer: a compressed name points .*"),
    _names("claims 65535 records", zoo.names(ADDRESS, count=65535), False, "malformed answer: a name is too long .*"),
    _names("huge", zoo.names(bytes(60_000)), False, "malformed answer: the answer is longer than 4096 bytes"),
    _names("echo", zoo.echoed, False, PASSED_OVER),
    _names("forges the id", zoo.forged, False, PASSED_OVER),
    _animal(
        "dns: forger and server",
        zoo.answers(*[zoo.forged] * 20, zoo.names(ADDRESS)),
        EXPECTS,
        False,
        "expected 192.0.2.81, .*",
    ),
    _animal(
        "dns: flood of forgeries",
        zoo.floods(zoo.forged),
        WWW,
        False,
        r"more than 64 KiB, and no answer to www.example.org A \(passed over \d+ others\)",
    ),
    _animal(
        "dns: garbage",
        zoo.replies(b"", b"\0", bytes(range(256)) * 4),
        WWW,
        False,
        PASSED_OVER,
    ),
    _animal("dns: slow", zoo.later(0.3, zoo.names(ADDRESS)), WWW, True, "NOERROR, 192.0.2.80"),
    _animal(
        "dns: too slow", zoo.later(2, zoo.names(ADDRESS)), WWW, False, "no answer to www.example.org A within 0.4 s"
    ),
    _animal("dns: silent", zoo.silent, WWW, False, "no answer to www.example.org A within 0.4 s"),
    _refuses("dns: nobody there", WWW),
)
UDP = (
    _animal("udp: silent", zoo.silent, UdpCheck(), True, "no ICMP error came"),
    _animal("udp: answers unasked for", zoo.replies(b"hello"), UdpCheck(), True, "a reply of 5 bytes"),
    _animal("udp: owes a reply", zoo.silent, STRICT, False, "no reply within 0.4 s"),
    _animal("udp: replies", zoo.replies(b"\xa7\x1f"), STRICT, True, "a reply of 2 bytes"),
    _animal("udp: wrong reply", zoo.replies(b"\xa7\x2f"), STRICT, False, "the reply begins with a72f, expected is ax1"),
    _animal("udp: long reply", zoo.replies(b"\xa7\x1f" * 30_000), STRICT, False, "a reply of 60000 bytes, .*"),
    _animal("udp: empty reply", zoo.replies(b""), STRICT, False, "a reply of 0 bytes, allowed are 2 to 4"),
    _refuses("udp: nobody there", UdpCheck()),
    _refuses("udp: nobody there, reply required", STRICT),
)
PING = (
    Animal("ping: this host", RefusesDatagrams, PingCheck(), FAR, True, "echo reply"),
    Animal("ping: this host, IPv6", RefusesDatagrams, PingCheck(connect_ip="::1"), FAR, True, "echo reply"),
    Animal(
        "ping: no way there", RefusesDatagrams, PingCheck(connect_ip="192.0.2.1"), FAR, False, "network is unreachable"
    ),
    Animal(
        "ping: from an interface that is not there",
        RefusesDatagrams,
        PingCheck(bind_if="nope0"),
        FAR,
        False,
        "bind_if nope0: there is no such interface",
        ran=False,
    ),
)
ANIMALS = (*DNS, *UDP, *PING)

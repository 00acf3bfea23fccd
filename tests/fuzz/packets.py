# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent into the codec: good packets of every kind, and what six mutations make of them.

Everything comes from one seeded generator, so a finding is told by its seed and its number.
"""

from __future__ import annotations

import functools
import random
import typing as t
from dataclasses import dataclass, replace
from ipaddress import ip_address

from mainstay.model.units import NANOSECONDS_PER_SECOND, seconds
from mainstay.model.vrrp_config import HmacAuthentication, HmacKey, UnicastPeer
from mainstay.vrrp.advert import Advert
from mainstay.vrrp.authentication import auth_data
from mainstay.vrrp.checksum import ChecksumForm, added_by, with_checksum
from mainstay.vrrp.expectations import GROUP, GROUP_V6, Expectations
from mainstay.vrrp.hmac_trailer import HmacSigner, HmacVerifier
from mainstay.vrrp.packet import encode_advert, with_trailer

WALL = 1_800_000_000 * NANOSECONDS_PER_SECOND
PASSWORD = auth_data("1111")
HMAC = HmacAuthentication(keys=(HmacKey(1, bytes(range(32))),), active_key=1)
PERMISSIVE = replace(HMAC, mode="permissive", anti_replay="monotonic")

Ends = t.Tuple[int, int]
"""Source and destination as numbers."""
Mutation = t.Callable[[random.Random, bytes, t.Sequence[bytes]], bytes]


@dataclass(frozen=True)
class Kind:
    """One combination of version, family, way of sending and authentication."""

    name: str
    expectations: Expectations
    source: str
    destination: str
    payload: bytes
    """A good packet's VRRP message."""

    @property
    def family(self) -> int:
        return self.expectations.family

    @functools.cached_property
    def ends(self) -> Ends:
        return int(ip_address(self.source)), int(ip_address(self.destination))


def kinds() -> list[Kind]:
    """Every combination, with new verifiers."""
    v4 = Expectations(51, seconds(1), ("192.0.2.10", "192.0.2.11"))
    v6 = replace(v4, addresses=("fe80::10", "2001:db8::10"), family=6)
    peers = replace(v4, own_address="192.0.2.2", peers=(UnicastPeer("192.0.2.1", 1, 255),))
    peers6 = replace(v6, own_address="2001:db8::2", peers=(UnicastPeer("2001:db8::1"),))
    to_group, to_group6 = ("192.0.2.1", GROUP), ("fe80::1", GROUP_V6)
    return [
        _kind("v2", replace(v4, version=2), *to_group),
        _kind("v2 password", replace(v4, version=2, auth_data=PASSWORD), *to_group),
        _kind("v2 signed", replace(v4, version=2), *to_group, authentication=HMAC),
        _kind("v3", v4, *to_group),
        _kind("v3 message only", v4, *to_group, form=ChecksumForm.MESSAGE_ONLY),
        _kind("v3 signed", v4, *to_group, authentication=HMAC),
        _kind("v3 permissive", v4, *to_group, authentication=PERMISSIVE),
        _kind("v3 without addresses", replace(v4, addresses=()), *to_group),
        _kind("v3 unicast", peers, "192.0.2.1", "192.0.2.2"),
        _kind("v3 old unicast", peers, "192.0.2.1", "192.0.2.2", form=ChecksumForm.LEGACY_UNICAST),
        _kind("v6", v6, *to_group6),
        _kind("v6 signed", v6, *to_group6, authentication=HMAC),
        _kind("v6 unicast", peers6, "2001:db8::1", "2001:db8::2"),
    ]


def _kind(
    name: str,
    expectations: Expectations,
    source: str,
    destination: str,
    form: ChecksumForm = ChecksumForm.PSEUDO_HEADER,
    authentication: HmacAuthentication | None = None,
) -> Kind:
    wanted = expectations
    advert = Advert(wanted.version, wanted.virtual_router_id, 150, wanted.advert_int, wanted.addresses)
    payload = encode_advert(advert, source, destination, form, wanted.auth_data)
    if authentication is not None:
        wanted = replace(wanted, hmac=HmacVerifier(authentication, seconds(5)))
        trailer = HmacSigner(authentication, seconds(5)).trailer(payload, ip_address(source).packed, WALL)
        payload = with_trailer(payload, trailer, source, destination)
    return Kind(name, wanted, source, destination, payload)


def mutated(random_: random.Random, kind: Kind, pool: t.Sequence[bytes], ends: Ends) -> bytes:
    """A payload that began as the kind's good one; half of them have a right checksum again."""
    payload = kind.payload
    for _count in range(random_.choice((0, 1, 1, 1, 2, 3))):
        payload = random_.choice(MUTATIONS)(random_, payload, pool)
    return _repaired(payload, ends) if random_.random() < 0.5 else payload


def ends_of(random_: random.Random, kind: Kind) -> Ends:
    """Nearly always the kind's own; else some address that must not be there."""
    source, destination = kind.ends
    odd = random_.random()
    if odd >= 0.05:
        return kind.ends
    if odd < 0.03:
        return random_.choice(_ODD_ADDRESSES[kind.family]), destination
    return source, random_.choice(_ODD_ADDRESSES[kind.family])


def _repaired(payload: bytes, ends: Ends) -> bytes:
    if len(payload) < 8:
        return payload
    form = ChecksumForm.MESSAGE_ONLY if payload[0] >> 4 == 2 else ChecksumForm.PSEUDO_HEADER
    return with_checksum(payload, added_by(form, *ends, len(payload)))


def _flip(random_: random.Random, payload: bytes, _pool: t.Sequence[bytes]) -> bytes:
    if not payload:
        return payload
    bad = bytearray(payload)
    for _count in range(random_.choice((1, 1, 1, 2, 8))):
        bad[random_.randrange(len(bad))] ^= 1 << random_.randrange(8)
    return bytes(bad)


def _cut(random_: random.Random, payload: bytes, _pool: t.Sequence[bytes]) -> bytes:
    return payload[: random_.randrange(len(payload) + 1)]


def _splice(random_: random.Random, payload: bytes, pool: t.Sequence[bytes]) -> bytes:
    other = random_.choice(pool)
    return payload[: random_.randrange(len(payload) + 1)] + other[random_.randrange(len(other)) :]


def _grow(random_: random.Random, payload: bytes, _pool: t.Sequence[bytes]) -> bytes:
    return payload + random_.randbytes(random_.choice((1, 4, 8, 16, 28, 28, 28, 300)))


def _overwrite(random_: random.Random, payload: bytes, _pool: t.Sequence[bytes]) -> bytes:
    """A field at the extremes of its range."""
    if not payload:
        return payload
    at = random_.randrange(min(len(payload), 12))
    return payload[:at] + bytes([random_.choice((0, 1, 2, 4, 127, 128, 254, 255))]) + payload[at + 1 :]


def _noise(random_: random.Random, payload: bytes, _pool: t.Sequence[bytes]) -> bytes:
    head = payload[: random_.choice((0, 1, 2, 4, 8))]
    return head + random_.randbytes(random_.randrange(64))


# Most change what is said and keep the length; the others end at its rung.
MUTATIONS: tuple[Mutation, ...] = (*(_flip,) * 5, *(_overwrite,) * 5, _cut, _splice, _grow, _noise)
_ODD_ADDRESSES = {
    4: [
        int(ip_address(text)) for text in ("0.0.0.0", "255.255.255.255", GROUP, "192.0.2.2", "192.0.2.10", "192.0.2.66")
    ],
    6: [int(ip_address(text)) for text in ("::", "::1", GROUP_V6, "2001:db8::2", "fe80::10", "fe80::66")],
}

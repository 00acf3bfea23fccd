# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The internet checksum over VRRP messages (RFC 1071), in every form that is in use.

| packet | covers | from |
|---|---|---|
| v2 | the message with its authentication data | RFC 3768 5.3.8 |
| v3 over IPv4, `rfc5798` | a pseudo-header and the message | keepalived, MikroTik, FRR |
| v3 over IPv4, `rfc9568` | the message alone | Cisco; RFC 9568 5.2.8 |
| v3 over IPv4, `old_unicast` | as the first, but to 224.0.0.18 | unicast peers of keepalived 1.3.6 and older |
| v3 over IPv6 | a pseudo-header and all that follows the IPv6 header | RFC 8200 8.1 |

A signature (hmac_trailer) lies outside of it over IPv4 and inside over IPv6, where the kernel computes it.

Folding carries is arithmetic modulo 0xffff, and 2^16 is 1 there. So a text is one big number to divide, and an address
or a length of any width can be added as the number it is: no pseudo-header is ever built.
"""

from __future__ import annotations

import enum
import typing as t

PROTOCOL_NUMBER = 112
LEGACY_DESTINATION = 0xE0000012
"""224.0.0.18, as a number."""

_ONES = 0xFFFF


class ChecksumForm(str, enum.Enum):
    """What the checksum of a packet covers."""

    PSEUDO_HEADER = "rfc5798"
    MESSAGE_ONLY = "rfc9568"
    LEGACY_UNICAST = "old_unicast"


# A name of the module is found faster than a member of an enumeration, and every packet comes by here.
_PSEUDO_HEADER, _MESSAGE_ONLY = ChecksumForm.PSEUDO_HEADER, ChecksumForm.MESSAGE_ONLY


def sum16(octets: bytes) -> int:
    """Ones-complement sum of 16-bit words, 0..0xfffe: 0 stands for 0xffff too. An odd last octet is a high one."""
    return (int.from_bytes(octets, "big") << 8 * (len(octets) & 1)) % _ONES


def pseudo_header_sum(source: int, destination: int, length: int) -> int:
    """What the pseudo-header of either family adds, not folded."""
    return source + destination + length + PROTOCOL_NUMBER


def with_checksum(message: bytes, added: int = 0) -> bytes:
    """`message` with its checksum field (octets 6 and 7) filled in; `added` is the pseudo-header's sum."""
    covered = sum16(message[:6] + message[8:]) + added
    return b"%b%b%b" % (message[:6], (-covered % _ONES).to_bytes(2, "big"), message[8:])


def form_of(
    message: bytes, source: int, destination: int, candidates: t.Sequence[ChecksumForm]
) -> t.Optional[ChecksumForm]:
    """The first of the candidates that holds; None when the checksum is wrong in each."""
    covered, added = sum16(message), pseudo_header_sum(source, destination, len(message))
    for form in candidates:
        if form is _PSEUDO_HEADER:
            total = covered + added
        elif form is _MESSAGE_ONLY:
            total = covered
        else:
            total = covered + added - destination + LEGACY_DESTINATION
        if not total % _ONES:
            return form
    return None


def added_by(form: ChecksumForm, source: int, destination: int, length: int) -> int:
    """What a form adds to the sum over the message."""
    if form is ChecksumForm.MESSAGE_ONLY:
        return 0
    legacy = form is ChecksumForm.LEGACY_UNICAST
    return pseudo_header_sum(source, LEGACY_DESTINATION if legacy else destination, length)


def transmit_form(v3_checksum: str, heard: t.Optional[ChecksumForm]) -> ChecksumForm:
    """The form to send for the option `v3_checksum`; `heard` is the form of the last advert accepted, None at first.

    `auto` begins with what keepalived and FRR take by default and follows a peer that sends another form.
    """
    if v3_checksum == "auto":
        return heard or ChecksumForm.PSEUDO_HEADER
    return ChecksumForm(v3_checksum)

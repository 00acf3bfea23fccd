# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a certificate ends, from its DER bytes (RFC 5280 4.1.2.5).

The standard library reads certificates only while it verifies them, and the end matters without that too. Walking
over five fields is all it takes; anything unexpected gives None.
"""

from __future__ import annotations

import re
import typing as t

_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_TIMES: t.Mapping[int, t.Pattern[bytes]] = {
    _UTC_TIME: re.compile(rb"([0-9]{2})" + rb"([0-9]{2})" * 5 + rb"Z"),
    _GENERALIZED_TIME: re.compile(rb"([0-9]{4})" + rb"([0-9]{2})" * 5 + rb"Z"),
}
_DAY_SECONDS = 86400

Field = t.Tuple[int, bytes, bytes]
"""Tag, content, what follows."""


class _Malformed(Exception):
    """Not the DER that we know."""


def certificate_end(certificate: bytes) -> t.Optional[int]:
    """Seconds since 1970 of its notAfter; None when the bytes are not understood."""
    try:
        return _not_after(certificate)
    except _Malformed:
        return None


def expiry_note(end: int, wall_seconds: int) -> str:
    """How long a certificate still lasts, in words."""
    left = end - wall_seconds
    if left < 0:
        return f"certificate ended {_days(-left)} ago"
    return f"certificate ends in {_days(left)}"


def date_text(instant: int) -> str:
    """Seconds since 1970 as 2026-11-22T17:30:00Z."""
    days, rest = divmod(instant, _DAY_SECONDS)
    year, month, day = _civil(days)
    return f"{year:04}-{month:02}-{day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


def _days(seconds: int) -> str:
    days = seconds // _DAY_SECONDS
    if days:
        return "1 day" if days == 1 else f"{days} days"
    return f"{seconds // 3600} h"


def _not_after(certificate: bytes) -> int:
    signed = _expect(_expect(certificate, _SEQUENCE)[1], _SEQUENCE)[1]
    if signed[:1] == bytes([_VERSION]):
        signed = _field(signed)[2]
    after_serial = _expect(signed, _INTEGER)[2]
    after_algorithm = _expect(after_serial, _SEQUENCE)[2]
    after_issuer = _expect(after_algorithm, _SEQUENCE)[2]
    validity = _expect(after_issuer, _SEQUENCE)[1]
    tag, text, _rest = _field(_field(validity)[2])
    return _instant(tag, text)


def _expect(encoded: bytes, wanted: int) -> Field:
    field = _field(encoded)
    if field[0] != wanted:
        raise _Malformed
    return field


def _field(encoded: bytes) -> Field:
    """The first field: lengths are one byte, or 0x80 + n and n bytes."""
    if len(encoded) < 2:
        raise _Malformed
    begin, length = 2, encoded[1]
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(encoded[2:begin], "big")
    if begin > 6 or begin + length > len(encoded):
        raise _Malformed
    return encoded[0], encoded[begin : begin + length], encoded[begin + length :]


def _instant(tag: int, text: bytes) -> int:
    match = _TIMES[tag].fullmatch(text) if tag in _TIMES else None
    if match is None:
        raise _Malformed
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    if tag == _UTC_TIME:
        year += 2000 if year < 50 else 1900
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        raise _Malformed
    return _day_number(year, month, day) * _DAY_SECONDS + hour * 3600 + minute * 60 + second


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, the year counted from March."""
    shifted = year - (month <= 2)
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + in_year - 719468


def _civil(days: int) -> t.Tuple[int, int, int]:
    """The reverse of _day_number."""
    era, in_era = divmod(days + 719468, 146097)
    year_of_era = (in_era - in_era // 1460 + in_era // 36524 - in_era // 146096) // 365
    in_year = in_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * in_year + 2) // 153
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return year_of_era + era * 400 + (month <= 2), month, in_year - (153 * shifted_month + 2) // 5 + 1

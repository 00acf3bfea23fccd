# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed adverts: the trailer of draft-cassen-vrrp-auth-hmac, as keepalived 2.4.2 and later send it (auth_hmac).

```
|   Type = 1    |    Key id     |           Reserved            |
|                 Seconds since 1970, modulo 2^32               |
|   Fraction, 1/65536 s         |           Counter             |
|             HMAC-SHA256, its first 16 bytes                   |
```

Theory of operation. Signed are: a header of 20 bytes that is never sent (family 4 or 6, version, virtual_router_id, 0,
the sender's address in 16 bytes), the message with its checksum read as zero, the first 12 bytes of the trailer, and 16
zero bytes. The destination is not among them, so one signature serves every unicast peer; nor is the checksum, which
over IPv6 is filled in after signing.

Time, fraction and counter are one number of 64 bits that has to grow with every advert of a sender, in the serial order
of RFC 1982. It proves freshness twice: it must lie within `time_window` of our clock, and above the mark that this
sender's last advert left. The mark moves only after the signature has proven right, so nobody without a key moves it.

Clocks step. A sender whose clock steps back goes on counting from its last number, until that lies further ahead
than the window and receivers would refuse it; then it follows its clock. A receiver drops a mark that its own clock has
left a window behind or ahead: the window alone bounds what can be replayed then, and an alarm tells of it.
With anti_replay monotonic no clock is compared, numbers only grow, and marks are kept for good.
"""

from __future__ import annotations

import struct
import typing as t
from collections import OrderedDict

from ..model.units import NANOSECONDS_PER_SECOND, Duration, as_seconds, seconds
from ..model.vrrp_config import HmacAuthentication
from .actions import Alarm
from .rejection import PacketError, RejectReason

TRAILER_SIZE = 28

_PREFIX = struct.Struct("!BBHQ")
_PSEUDO_HEADER = struct.Struct("!BBBx16s")
_TYPE_SHA256 = 1
_HMAC_SIZE = 16
_NO_CHECKSUM = b"\0\0"
_NO_HMAC = bytes(_HMAC_SIZE)

_SERIAL = 1 << 64
_SECOND_BITS = 32
_SECOND_RANGE = 1 << 32
# More senders than one segment has routers for one virtual_router_id. Each of them holds a key.
_SENDERS = 64

Wall = int
"""Nanoseconds since 1970 of the machine's own clock, which people and NTP set."""


def time_window(authentication: HmacAuthentication, advert_int: Duration) -> Duration:
    """How far clocks may differ: as configured, or three adverts but at least 5 s."""
    return authentication.time_window or max(3 * advert_int, seconds(5))


class HmacSigner:
    """Signs one router's adverts. It must outlive reloads: its numbers may never start again."""

    def __init__(self, authentication: HmacAuthentication, window: Duration) -> None:
        self._last = 0
        self.adopt(authentication, window)

    def adopt(self, authentication: HmacAuthentication, window: Duration) -> None:
        """Go on with other keys, another mode or window."""
        from .keyed_digest import keyed_digest

        self._keyed_digest = keyed_digest
        self._signs = authentication.mode != "receive-only"
        self._timed = authentication.anti_replay == "time"
        self._window = window
        self._key_id = authentication.active_key
        self._secret = _secrets(authentication).get(authentication.active_key, b"")

    def trailer(self, message: bytes, source: bytes, wall: Wall) -> bytes:
        """What to append to this message of ours, for all its copies; nothing in mode receive-only.

        `source` is the address it is sent from, packed (4 or 16 bytes).
        """
        if not self._signs:
            return b""
        prefix = _PREFIX.pack(_TYPE_SHA256, self._key_id, 0, self._next(wall))
        return prefix + self._keyed_digest(self._secret, _signed(message, source, prefix))[:_HMAC_SIZE]

    def _next(self, wall: Wall) -> int:
        clock = _serial(wall)
        ahead = _seconds_ahead(self._last, clock)
        stranded = self._timed and ahead * NANOSECONDS_PER_SECOND > self._window
        if not self._last or _is_after(clock, self._last) or stranded:
            self._last = clock
        else:
            self._last = (self._last + 1) % _SERIAL
        return self._last


class HmacVerifier:
    """Verifies what others sent to one router. It must outlive reloads: its marks are what a replay fails at."""

    _keyed_digest: t.Callable[[bytes, bytes], bytes]
    _same_digest: t.Callable[[bytes, bytes], bool]

    def __init__(self, authentication: HmacAuthentication, window: Duration) -> None:
        self._marks: OrderedDict[bytes, int] = OrderedDict()
        self.adopt(authentication, window)

    def adopt(self, authentication: HmacAuthentication, window: Duration) -> None:
        """Go on with other keys, another mode or window."""
        if authentication.keys:
            from .keyed_digest import keyed_digest, same_digest

            self._keyed_digest, self._same_digest = keyed_digest, same_digest
        self._secrets = _secrets(authentication)
        self._enforces = authentication.mode == "enforce"
        self._timed = authentication.anti_replay == "time"
        self._window = window

    def verify(self, message: bytes, trailer: bytes, source: bytes, wall: Wall) -> t.Optional[Alarm]:
        """Return when the message may be believed, with what an operator should hear of. Raises PacketError.

        `trailer` is empty for an unsigned message; `source` is the sender's address, packed.
        """
        if not trailer:
            if self._enforces:
                detail = "not signed, and auth_hmac mode is enforce: set the same auth_hmac on all routers"
                raise PacketError(RejectReason.AUTH_MISSING, detail)
            return None
        kind, key_id, reserved, serial = _PREFIX.unpack_from(trailer)
        if kind != _TYPE_SHA256 or reserved:
            detail = f"signature of type {kind}, reserved bits {reserved:#x}: set the same auth_hmac on all routers"
            raise PacketError(RejectReason.AUTH_MALFORMED, detail)
        ahead = _seconds_ahead(serial, _serial(wall))
        # Before the digest, so that a flood of old captures costs little. It only rejects.
        if self._timed and self._outside(ahead):
            apart = f"its clock is {ahead:+d} s from ours, time_window is {as_seconds(self._window):g} s"
            detail = f"{apart}: check the time service of both"
            raise PacketError(RejectReason.AUTH_STALE, detail)
        secret = self._secrets.get(key_id)
        if secret is None:
            detail = f"signed with key {key_id}, which we do not have: give all routers the same auth_hmac keys"
            raise PacketError(RejectReason.AUTH_UNKNOWN_KEY, detail)
        expected = self._keyed_digest(secret, _signed(message, source, trailer[: _PREFIX.size]))[:_HMAC_SIZE]
        if not self._same_digest(trailer[_PREFIX.size :], expected):
            detail = f"the signature with key {key_id} is wrong: give this key the same secret on all routers"
            raise PacketError(RejectReason.AUTH_HMAC, detail)
        expired = self._raise_mark(source, serial, wall)
        return expired or (self._skewed(ahead) if self._timed else None)

    def _raise_mark(self, source: bytes, serial: int, wall: Wall) -> t.Optional[Alarm]:
        """Refuse what does not grow, else remember it; an alarm when our clock has left the old mark behind."""
        mark = self._marks.get(source)
        expired = mark is not None and self._timed and self._outside(_seconds_ahead(mark, _serial(wall)))
        if mark is not None and not expired and not _is_after(serial, mark):
            raise PacketError(RejectReason.AUTH_REPLAY, "this number was seen already: a replay, or a clock set back")
        stepped_back = expired and mark is not None and not _is_after(serial, mark)
        self._marks[source] = serial
        self._marks.move_to_end(source)
        if len(self._marks) > _SENDERS:
            self._marks.popitem(last=False)
        return Alarm("clock_stepped_back", _STEPPED_BACK) if stepped_back else None

    def _outside(self, ahead: int) -> bool:
        return abs(ahead) * NANOSECONDS_PER_SECOND > self._window

    def _skewed(self, ahead: int) -> t.Optional[Alarm]:
        if abs(ahead) * NANOSECONDS_PER_SECOND * 2 <= self._window:
            return None
        limit = f"adverts are refused beyond {as_seconds(self._window):g} s"
        return Alarm("clock_skew", f"a signed advert is {ahead:+d} s from our clock, {limit}: check time service")


_STEPPED_BACK = "the clock was set back: until it has caught up, signed adverts recorded since could be replayed"


def _secrets(authentication: HmacAuthentication) -> t.Dict[int, bytes]:
    return {key.key_id: key.secret for key in authentication.keys}


def _signed(message: bytes, source: bytes, prefix: bytes) -> bytes:
    family = 4 if len(source) == 4 else 6
    pseudo = _PSEUDO_HEADER.pack(family, message[0] >> 4, message[1], source)
    return b"".join((pseudo, message[:6], _NO_CHECKSUM, message[8:], prefix, _NO_HMAC))


def _serial(wall: Wall) -> int:
    """The number of an instant, with its counter at zero."""
    whole, rest = divmod(wall, NANOSECONDS_PER_SECOND)
    return whole % _SECOND_RANGE << _SECOND_BITS | (rest << 16) // NANOSECONDS_PER_SECOND << 16


def _is_after(serial: int, other: int) -> bool:
    """RFC 1982: numbers that wrap are ordered by the shorter way round."""
    return 0 < (serial - other) % _SERIAL < _SERIAL // 2


def _seconds_ahead(serial: int, other: int) -> int:
    """Whole seconds between two numbers, signed, the shorter way round."""
    apart = ((serial >> _SECOND_BITS) - (other >> _SECOND_BITS)) % _SECOND_RANGE
    return apart - _SECOND_RANGE if apart >= _SECOND_RANGE // 2 else apart

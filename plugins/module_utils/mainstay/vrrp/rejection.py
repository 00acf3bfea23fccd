# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a received packet is discarded: one word for each rung of the receive ladder."""

from __future__ import annotations

import enum
import typing as t


class RejectReason(str, enum.Enum):
    """The value is the counter's name in the status; the order is that of the ladder. Ids are those of the list."""

    IP_HEADER = "ip_header"  # RX-01
    TRUNCATED = "truncated"  # RX-02
    TTL = "ttl"  # RX-03, RX-04
    VERSION = "version"  # RX-05
    TYPE = "type"  # RX-06
    LENGTH = "length"  # RX-07
    CHECKSUM = "checksum"  # RX-08
    VIRTUAL_ROUTER_ID = "virtual_router_id"  # RX-09
    OWNER = "owner"  # RX-10
    ADDRESS_COUNT = "address_count"  # RX-11
    INTERVAL = "advert_int"  # RX-12
    LINK_LOCAL_FIRST = "link_local_first"  # RX-13
    AUTH_TYPE_UNKNOWN = "auth_type_unknown"  # RX-14
    AUTH_TYPE_MISMATCH = "auth_type_mismatch"  # RX-14
    AUTH_PASSWORD = "auth_password"  # RX-14  # noqa: S105
    AUTH_MISSING = "auth_missing"  # AUTH-04
    AUTH_MALFORMED = "auth_malformed"  # AUTH-04
    AUTH_STALE = "auth_stale"  # AUTH-04
    AUTH_UNKNOWN_KEY = "auth_unknown_key"  # AUTH-04
    AUTH_HMAC = "auth_hmac"  # AUTH-04
    AUTH_REPLAY = "auth_replay"  # AUTH-04
    INTERVAL_MISMATCH = "advert_int_mismatch"  # RX-15
    ADDRESS_LIST = "address_list"  # RX-17
    SOURCE = "source"  # RX-18
    OWN_ADDRESS = "own_address"  # RX-21
    DESTINATION = "destination"  # RX-19
    UNICAST_PEER = "unicast_peer"  # RX-20


AUTHENTICATION_MISMATCH, DESTINATION_MISMATCH = "authentication_mismatch", "destination_mismatch"

ALARMING: t.Mapping[RejectReason, str] = {
    RejectReason.VERSION: "other_version",
    RejectReason.AUTH_TYPE_MISMATCH: AUTHENTICATION_MISMATCH,
    RejectReason.AUTH_PASSWORD: AUTHENTICATION_MISMATCH,
    RejectReason.AUTH_MISSING: AUTHENTICATION_MISMATCH,
    RejectReason.AUTH_MALFORMED: AUTHENTICATION_MISMATCH,
    RejectReason.AUTH_STALE: "clock_skew",
    RejectReason.AUTH_UNKNOWN_KEY: AUTHENTICATION_MISMATCH,
    RejectReason.AUTH_HMAC: AUTHENTICATION_MISMATCH,
    RejectReason.INTERVAL_MISMATCH: "interval_mismatch",
    RejectReason.ADDRESS_LIST: "address_list_mismatch",
    RejectReason.OWN_ADDRESS: "equal_address",
    RejectReason.UNICAST_PEER: "unknown_peer",
}
"""Discards after which two routers may both be master for good, and the kind of the alarm that says so.

Whoever reaches our socket can forge most of them: an alarm informs people and changes no state. Of LENGTH and
DESTINATION only some are; those bring their kind along.
"""


class PacketError(Exception):
    """A received packet is discarded; nothing else may come of it (RX-25)."""

    def __init__(self, reason: RejectReason, detail: str, alarm: t.Optional[str] = None) -> None:
        """`alarm` is the kind of alarm that this one discard is worth; by default that of its reason."""
        self.reason = reason
        self.detail = detail
        self.alarm = alarm or ALARMING.get(reason)
        super().__init__(reason, detail)

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}"

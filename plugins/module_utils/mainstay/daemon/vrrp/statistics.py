# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters in the words of RFC 8347 (ietf-vrrp), for programs that know those.

The RFC has checksum, version, vrid and TTL errors once for the machine, because they are found before the virtual
router is known. Here they are told for the machine, for each interface and for each instance: an instance shows what
came for its own virtual_router_id. What the RFC has no leaf for (authentication, and the rest of the receive ladder)
stands beside its own under names of the same kind.
"""

from __future__ import annotations

import typing as t

from ...vrrp.actions import State
from ...vrrp.conflicts import address_text
from ...vrrp.rejection import RejectReason
from ..wall_clock import wall_clock
from .discards import Discards, merged

if t.TYPE_CHECKING:
    from .instance_runner import InstanceRunner

NOT_MASTER, PRIORITY, PREEMPTED, NO_RESPONSE = "not-master", "priority", "preempted", "no-response"
"""new-master-reason of RFC 8347, as vrrpNewMasterReason of RFC 6527."""

_OTHER = "other-errors"
_LEAVES: t.Mapping[RejectReason, str] = {
    RejectReason.CHECKSUM: "checksum-errors",
    RejectReason.VERSION: "version-errors",
    RejectReason.VIRTUAL_ROUTER_ID: "vrid-errors",
    RejectReason.TTL: "ip-ttl-errors",
    RejectReason.INTERVAL: "interval-errors",
    RejectReason.INTERVAL_MISMATCH: "interval-errors",
    RejectReason.TYPE: "invalid-type-pkts-rcvd",
    RejectReason.ADDRESS_LIST: "address-list-errors",
    RejectReason.ADDRESS_COUNT: "address-list-errors",
    RejectReason.LINK_LOCAL_FIRST: "address-list-errors",
    RejectReason.TRUNCATED: "packet-length-errors",
    RejectReason.LENGTH: "packet-length-errors",
    RejectReason.AUTH_TYPE_UNKNOWN: "auth-type-errors",
    RejectReason.AUTH_TYPE_MISMATCH: "auth-type-errors",
    RejectReason.AUTH_PASSWORD: "auth-errors",
    RejectReason.AUTH_MISSING: "auth-errors",
    RejectReason.AUTH_MALFORMED: "auth-errors",
    RejectReason.AUTH_STALE: "auth-errors",
    RejectReason.AUTH_UNKNOWN_KEY: "auth-errors",
    RejectReason.AUTH_HMAC: "auth-errors",
    RejectReason.AUTH_REPLAY: "auth-errors",
}
"""Everything else is counted as other-errors; the status has each reason by its own name under `discarded`."""


class Career:
    """What one virtual router has lived through, as far as its counters do not tell."""

    def __init__(self) -> None:
        self.counted_since = wall_clock()
        """discontinuity-datetime: counters start with the process and with the instance."""
        self.up_since: t.Optional[str] = None
        """When it left INIT last; None in INIT."""
        self.master_transitions = 0
        self.new_master_reason = NOT_MASTER
        self.last_source: t.Optional[int] = None
        self._last_priority: t.Optional[int] = None

    def heard(self, source: int, priority: int) -> None:
        """An advert was accepted."""
        self.last_source, self._last_priority = source, priority

    def moved(self, before: State, after: State, own_priority: int, preempts: bool) -> None:
        """The state changed; `own_priority` is the effective one."""
        if after is State.INIT:
            self.up_since = None
        elif before is State.INIT:
            self.up_since = wall_clock()
        if after is State.MASTER:
            self.master_transitions += 1
            self.new_master_reason = self._why(before, own_priority, preempts)

    def _why(self, before: State, own_priority: int, preempts: bool) -> str:
        theirs = self._last_priority
        if before is not State.BACKUP or theirs == 0:
            return PRIORITY  # the owner, one that adopts, or the best of those whom a master that resigned left behind
        if theirs is not None and theirs < own_priority and preempts:
            return PREEMPTED
        return NO_RESPONSE


def instance_statistics(router: InstanceRunner) -> t.Dict[str, object]:
    """The leaves of one virtual router."""
    career = router.career
    source = None if career.last_source is None else address_text(career.last_source, router.instance.family)
    return {
        "discontinuity-datetime": career.counted_since,
        "up-datetime": career.up_since,
        "last-adv-source": source,
        "new-master-reason": career.new_master_reason,
        "master-transitions": career.master_transitions,
        "advertisement-rcvd": router.adverts_received,
        "advertisement-sent": router.advertiser.sent,
        "priority-zero-pkts-rcvd": router.priority_zero_received,
        "priority-zero-pkts-sent": router.advertiser.priority_zero_sent,
        **error_statistics(router.reception.discards),
    }


def error_statistics(*counters: Discards) -> t.Dict[str, int]:
    """Discarded packets, every leaf, also those that are 0."""
    totals = dict.fromkeys([*dict.fromkeys(_LEAVES.values()), _OTHER], 0)
    for reason, number in merged(*counters).items():
        totals[_LEAVES.get(RejectReason(reason), _OTHER)] += number
    return totals

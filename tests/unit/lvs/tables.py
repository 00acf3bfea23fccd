# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for tests: a short way to write one, and random ones."""

from __future__ import annotations

import typing as t

from hypothesis import strategies as st

from mainstay.lvs.table import Destination, DestinationKey, Service, ServiceKey, Table

WEB = ServiceKey("TCP", "192.0.2.10", 80)


def server(number: int, weight: int = 1, lb_kind: str = "NAT") -> Destination:
    """The real server 192.0.2.`number`:80."""
    return Destination(DestinationKey(f"192.0.2.{number}", 80), lb_kind, weight)


def service(*pool: Destination, key: ServiceKey = WEB, lb_algo: str = "rr", persistence: int = 0) -> Service:
    """A service with this pool."""
    return Service(key, lb_algo, persistence, {destination.key: destination for destination in pool})


def table(*services: Service) -> Table:
    """A table of these services."""
    return {service.key: service for service in services}


KEYS = [ServiceKey(protocol, "192.0.2.10", port) for protocol in ("TCP", "UDP") for port in (53, 80)]


SERVERS = range(21, 25)
_HEADS = [None, ("rr", 0), ("rr", 300), ("wrr", 0), ("wrr", 300)]
_MEMBERS = [None, *((weight, lb_kind) for lb_kind in ("NAT", "DR") for weight in range(4))]


def tables() -> st.SearchStrategy[Table]:
    """Up to four services with up to four servers each, few enough that two random tables overlap often."""
    heads = st.lists(st.sampled_from(_HEADS), min_size=len(KEYS), max_size=len(KEYS))
    cells = len(KEYS) * len(SERVERS)
    return st.builds(_table_of, heads, st.lists(st.sampled_from(_MEMBERS), min_size=cells, max_size=cells))


def _table_of(heads: list[t.Any], members: list[t.Any]) -> Table:
    """Plain choices in fixed places: Hypothesis draws and shrinks them fast."""
    made = []
    for place, (key, head) in enumerate(zip(KEYS, heads)):
        row = zip(SERVERS, members[place * len(SERVERS) :])
        pool = [server(number, *member) for number, member in row if member is not None]
        if head is not None:
            made.append(service(*pool, key=key, lb_algo=head[0], persistence=head[1]))
    return table(*made)

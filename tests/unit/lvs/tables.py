# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables for tests: a short way to write one, and random ones."""

from __future__ import annotations

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


def pools() -> st.SearchStrategy[list[Destination]]:
    """Up to four of four servers, so that two random pools overlap often."""
    one = st.builds(server, st.integers(21, 24), st.integers(0, 3), st.sampled_from(["NAT", "DR"]))
    return st.lists(one, max_size=4, unique_by=lambda destination: destination.key)


def services(key: ServiceKey) -> st.SearchStrategy[Service]:
    """A random service under this key."""
    return st.builds(
        lambda pool, lb_algo, persistence: service(*pool, key=key, lb_algo=lb_algo, persistence=persistence),
        pools(), st.sampled_from(["rr", "wrr"]), st.sampled_from([0, 300]),
    )  # fmt: skip


def tables() -> st.SearchStrategy[Table]:
    """Up to four services under four keys."""
    return st.sets(st.sampled_from(KEYS)).flatmap(
        lambda keys: st.fixed_dictionaries({key: services(key) for key in keys})
    )

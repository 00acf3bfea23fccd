# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What use_vmac and accept: false leave behind a dead daemon: macvlans, and the packet filter table.

Only macvlans that carry our mark are deleted. The interface below gets back what the mark remembers of it, unless
another macvlan of ours stays on it.
"""

from __future__ import annotations

import os
import typing as t

from ..net import macvlan, rtnl
from ..net.accept_filter import TABLE
from ..net.accept_socket import remove_table
from ..net.device_settings import write_setting
from ..net.rtnl_socket import OrderSocket


class Outcome(t.NamedTuple):
    """Sentences about what was removed, and about what stays."""

    removed: t.List[str]
    refused: t.List[str]


def remove_macvlans(names: t.Collection[str]) -> Outcome:
    """Delete those of these names that are ours; what is gone already is no complaint."""
    outcome = Outcome([], [])
    try:
        orders = OrderSocket()
    except OSError as error:
        outcome.refused.append(f"macvlans stay: no netlink socket ({error.strerror})")
        return outcome
    try:
        links = [link for link in orders.dump(rtnl.RTM_GETLINK) if isinstance(link, rtnl.Link)]
        ours = [link for link in links if link.name in names and macvlan.marked(link) is not None]
        for link in ours:
            _delete(orders, link, outcome)
        staying = {link.parent for link in links if link not in ours and macvlan.marked(link) is not None}
        _restore(orders, [link for link in ours if link.parent not in staying])
    except OSError as error:
        outcome.refused.append(f"macvlans stay: {os.strerror(error.errno or 0)}")
    finally:
        orders.close()
    return outcome


def remove_filter_table() -> Outcome:
    """The table is ours as a whole."""
    try:
        return Outcome([f"removed packet filter table inet {TABLE}"] if remove_table() else [], [])
    except OSError as error:
        return Outcome([], [f"packet filter table inet {TABLE} stays: {os.strerror(error.errno or 0)}"])


def _delete(orders: OrderSocket, link: rtnl.Link, outcome: Outcome) -> None:
    try:
        macvlan.delete(orders, link.index)
        outcome.removed.append(f"removed macvlan {link.name}")
    except OSError as error:
        outcome.refused.append(f"macvlan {link.name} stays: {os.strerror(error.errno or 0)}")


def _restore(orders: OrderSocket, deleted: t.Sequence[rtnl.Link]) -> None:
    """Raises OSError."""
    for link in deleted:
        for name, value in (macvlan.marked(link) or {}).items():
            write_setting(orders, link.parent, name, value)

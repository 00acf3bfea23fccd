# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runners of one worker share of the kernel."""

from __future__ import annotations

import typing as t

from ...net.links import LinkMirror
from ...net.polling import Poller
from ...net.rtnl_socket import OrderSocket
from .guard import AcceptGuard
from .macvlans import Macvlans
from .pacing import AnnouncementPacing
from .routing_claims import SharedRouting


class Kernel(t.NamedTuple):
    """What the runners of one worker share."""

    poller: Poller
    orders: OrderSocket
    mirror: LinkMirror
    pacing: AnnouncementPacing
    routing: SharedRouting
    guard: AcceptGuard
    macvlans: Macvlans

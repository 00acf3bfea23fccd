# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision who serves; see below for the rules."""

from __future__ import annotations

import typing as t

from ..model.lvs_defaults import RunningService
from ..model.units import Instant
from .member import Member, Pool


def decide(service: RunningService, members: t.Sequence[Member], before: t.Optional[Pool], now: Instant) -> Pool:
    """`members` in the order of service.real_servers. `before`: the previous decision on the service of this name
    (also across a reload), None at the start."""
    raise NotImplementedError

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the decision on a pool to what the kernel should hold."""

from __future__ import annotations

import typing as t

from ..model.lvs_defaults import RunningService
from .draining import LeavingBook
from .member import Pool
from .table import Service, ServiceKey


def desired_services(service: RunningService, pool: Pool, leaving: LeavingBook) -> t.Dict[ServiceKey, Service]:
    """Every service of the kernel that this virtual_server is, each with the whole pool."""
    raise NotImplementedError

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no single option can see: contradictions between options and between sections."""

from __future__ import annotations

import typing as t

from .config import Config
from .consistency_addresses import address_contradictions
from .consistency_checks import check_contradictions
from .consistency_definitions import definition_contradictions
from .consistency_global import global_contradictions
from .consistency_groups import group_contradictions
from .consistency_instances import instance_contradictions
from .consistency_nftables import nftables_contradictions
from .consistency_pools import pool_contradictions
from .consistency_served import served_contradictions
from .consistency_services import service_contradictions
from .consistency_strict import strict_contradictions
from .consistency_tracking import tracking_contradictions
from .consistency_transport import transport_contradictions
from .problems import Problem


def contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one, at the path of the later of the two places."""
    for judge in _JUDGES:
        yield from judge(config)


_JUDGES: t.Sequence[t.Callable[[Config], t.Iterator[Problem]]] = (
    global_contradictions,
    definition_contradictions,
    instance_contradictions,
    transport_contradictions,
    strict_contradictions,
    address_contradictions,
    tracking_contradictions,
    group_contradictions,
    service_contradictions,
    served_contradictions,
    pool_contradictions,
    check_contradictions,
    nftables_contradictions,
)

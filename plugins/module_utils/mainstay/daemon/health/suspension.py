# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ha_suspend: a service whose address is on another machine need not be checked from this one."""

from __future__ import annotations

import typing as t

from ...model.lvs_defaults import RunningService


def suspended(services: t.Iterable[RunningService], holds: t.Callable[[str], bool]) -> t.FrozenSet[str]:
    """Names of the services whose checks rest."""
    return frozenset(service.name for service in services if service.ha_suspend and not _here(service, holds))


def _here(service: RunningService, holds: t.Callable[[str], bool]) -> bool:
    """A firewall mark is everywhere; of a range the first address stands for all, as they move together."""
    return any(entry.address is None or holds(entry.address) for entry in service.entries)

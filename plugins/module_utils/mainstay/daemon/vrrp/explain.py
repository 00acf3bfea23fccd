# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vrrp worker's answer to "why is it not master?" """

from __future__ import annotations

import typing as t

from ...model.units import Instant
from .groups import GroupRunner
from .instance_runner import InstanceRunner
from .status import instance_status
from .tracking import TrackingBook


def explanation(
    runner: InstanceRunner, groups: t.Mapping[str, GroupRunner], tracking: TrackingBook, now: Instant
) -> t.Dict[str, object]:
    """JSON-able: why the instance is in its state, what would change it, its group, and its whole status."""
    told = runner.explain(now)
    return {
        "ok": True,
        "instance": runner.instance.name,
        "state": told.state.value,
        "why": told.why,
        "outlook": told.outlook,
        "sentence": told.sentence(),
        "group": _group(None if runner.group is None else groups.get(runner.group.name)),
        "status": instance_status(runner, tracking, now),
    }


def _group(runner: t.Optional[GroupRunner]) -> t.Optional[t.Dict[str, object]]:
    if runner is None:
        return None
    members = {name: member.router.state.value for name, member in runner.members.items()}
    last = runner.report.last_transition
    return {"name": runner.name, "state": runner.state.value, "members": members, "last_transition": last}

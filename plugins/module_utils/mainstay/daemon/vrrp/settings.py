# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the state machine is told of an instance."""

from __future__ import annotations

import ipaddress
import typing as t

from ...model.defaults import RunningInstance
from ...vrrp.settings import RouterSettings


def router_settings(instance: RunningInstance, source: t.Optional[str], in_group: bool) -> RouterSettings:
    """`source`: the address adverts leave from, None as long as there is none; `in_group`: of a vrrp_sync_group."""
    return RouterSettings(
        name=instance.name,
        virtual_router_id=instance.virtual_router_id,
        priority=instance.priority,
        advert_int=instance.advert_int,
        local_address=int(ipaddress.ip_address(source)) if source else 0,
        version=instance.version,
        nopreempt=instance.nopreempt,
        family=instance.family,
        state=instance.state or "BACKUP",
        preempt_delay=instance.preempt_delay,
        down_timer_adverts=instance.down_timer_adverts,
        lower_prio_no_advert=instance.lower_prio_no_advert,
        higher_prio_send_advert=instance.higher_prio_send_advert,
        learn_interval_max=instance.learn_interval_max,
        strict=instance.strict_mode,
        in_group=in_group,
    )

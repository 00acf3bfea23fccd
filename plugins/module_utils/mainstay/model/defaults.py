# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instance runs where it says nothing itself: global_defs, then what the version and strict mode ask for."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .config import Config, GlobalDefs, VrrpInstance
from .units import Duration, seconds
from .vrrp_config import Notifications


@dataclass(frozen=True)
class RunningInstance(VrrpInstance):
    """A VrrpInstance without open questions: what workers run."""

    version: int = 3
    accept: bool = True
    strict_mode: bool = False
    skip_check_adv_addr: bool = False
    mcast_dst_ip: str = "224.0.0.18"
    down_timer_adverts: int = 3
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    learn_interval_max: Duration = seconds(10)
    garp_master_delay: Duration = seconds(5)
    garp_master_repeat: int = 5
    garp_master_refresh: Duration = 0
    garp_master_refresh_repeat: int = 1
    garp_lower_prio_delay: Duration = seconds(5)
    garp_lower_prio_repeat: int = 5


def running_instances(config: Config) -> t.Dict[str, RunningInstance]:
    """Every instance by name, with nothing left open."""
    return {name: running(instance, config.global_defs) for name, instance in config.vrrp_instances.items()}


def running(instance: VrrpInstance, defs: GlobalDefs) -> RunningInstance:
    """One instance with nothing left open."""
    given = vars(instance)
    chosen = {name: value for name, value in _defaults(instance, defs).items() if given[name] is None}
    # There is no group at the macvlan's MAC address for unicast, and peers know the machine by its own.
    chosen["vmac_xmit_base"] = instance.use_vmac and (instance.vmac_xmit_base or bool(instance.unicast_peer))
    return RunningInstance(**{**given, **chosen})


def notifications(own: Notifications, defs: GlobalDefs) -> Notifications:
    """With what global_defs says about mail and priority lines filled in."""
    mail = next((word for word in (own.smtp_alert, defs.smtp_alert_vrrp, defs.smtp_alert) if word is not None), False)
    lines = own.notify_priority_changes
    return replace(
        own,
        smtp_alert=mail,
        notify_priority_changes=defs.vrrp_notify_priority_changes if lines is None else lines,
    )


def _defaults(instance: VrrpInstance, defs: GlobalDefs) -> t.Mapping[str, object]:
    strict = defs.vrrp_strict if instance.strict_mode is None else instance.strict_mode
    ipv6 = instance.family == 6
    return {
        "strict_mode": strict,
        "version": 3 if ipv6 else defs.vrrp_version,
        "accept": not strict,
        "skip_check_adv_addr": defs.vrrp_skip_check_adv_addr,
        "mcast_dst_ip": defs.vrrp_mcast_group6 if ipv6 else defs.vrrp_mcast_group4,
        "down_timer_adverts": defs.vrrp_down_timer_adverts,
        "lower_prio_no_advert": defs.vrrp_lower_prio_no_advert or strict,
        "higher_prio_send_advert": defs.vrrp_higher_prio_send_advert and not strict,
        # One forged packet that says 40.95 s would leave the segment without a master for 139.7 s (TMR-05).
        "learn_interval_max": max(10 * instance.advert_int, seconds(10)),
        **_announcements(instance, defs, strict),
    }


def _announcements(instance: VrrpInstance, defs: GlobalDefs, strict: bool) -> t.Mapping[str, object]:
    delay = _first(instance.garp_master_delay, 0 if defs.vrrp_min_garp else defs.vrrp_garp_master_delay)
    repeat = _first(instance.garp_master_repeat, 1 if defs.vrrp_min_garp else defs.vrrp_garp_master_repeat)
    return {
        "garp_master_delay": delay,
        "garp_master_repeat": repeat,
        "garp_master_refresh": defs.vrrp_garp_master_refresh,
        "garp_master_refresh_repeat": defs.vrrp_garp_master_refresh_repeat,
        "garp_lower_prio_delay": _first(defs.vrrp_garp_lower_prio_delay, delay),
        "garp_lower_prio_repeat": 0 if strict else _first(defs.vrrp_garp_lower_prio_repeat, repeat),
    }


def _first(said: t.Optional[int], otherwise: int) -> int:
    return otherwise if said is None else said

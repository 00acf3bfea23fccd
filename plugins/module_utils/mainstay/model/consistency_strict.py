# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strict mode excludes: everything that no RFC knows."""

from __future__ import annotations

import typing as t

from .config import Config, VrrpInstance
from .defaults import RunningInstance, running
from .dump import seconds_in_file
from .problems import Problem
from .vrrp_config import OWNER

_Excluded = t.Tuple[str, object, bool, str]
"""Option, value as the file spells it, whether it is excluded, the sentence."""


def strict_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one of the instances in strict mode."""
    for instance in config.vrrp_instances.values():
        as_run = running(instance, config.global_defs)
        if as_run.strict_mode:
            for key, value, is_excluded, sentence in _excluded(instance, as_run):
                if is_excluded:
                    message = f"{sentence} Strict mode (strict_mode or vrrp_strict) excludes it."
                    yield Problem(f"vrrp_instances.{instance.name}.{key}", value, message)


def _excluded(instance: VrrpInstance, as_run: RunningInstance) -> t.Iterator[_Excluded]:
    guest = instance.priority != OWNER
    delay = seconds_in_file(instance.preempt_delay)
    yield "no_virtual_ipaddress", True, instance.no_virtual_ipaddress, "The RFC wants an address."
    yield "unicast_peer", None, bool(instance.unicast_peer), "The RFC knows multicast only."
    yield "authentication", None, instance.authentication is not None, "The RFC has dropped passwords."
    yield "auth_hmac", None, instance.auth_hmac is not None, "The RFC knows no signed adverts."
    yield "preempt_delay", delay, instance.preempt_delay > 0, "The RFC knows no delay."
    yield "vmac_xmit_base", True, instance.vmac_xmit_base, "The RFC wants the virtual router's MAC address."
    down = as_run.down_timer_adverts
    yield "down_timer_adverts", down, down != 3, "The RFC waits for three adverts."
    yield "accept", True, instance.accept is True and guest, "Only the owner (255) answers on the addresses."
    yield "state", "MASTER", instance.state == "MASTER" and guest, "Only the owner (255) starts as master."
    answers = instance.lower_prio_no_advert is False
    yield "lower_prio_no_advert", False, answers and as_run.version == 2, "Version 2 leaves a lesser advert unanswered."
    for key in ("garp_lower_prio_delay", "garp_lower_prio_repeat"):
        given = getattr(instance, key)
        yield key, None, bool(given), "The RFC repeats no announcement after a lesser advert."

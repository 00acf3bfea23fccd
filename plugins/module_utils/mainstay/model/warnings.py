# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is allowed and yet hardly meant: told at load and by check-config, never a reason to refuse.

One machine's file cannot tell who would win against its peers. What it can tell is here: weights that can never move
anything, definitions that nobody uses, settings that silence each other.
"""

from __future__ import annotations

import typing as t

from .check_config import BfdCheck, FileCheck
from .config import Config, VrrpInstance, VrrpSyncGroup
from .config_commands import commands
from .consistency_tracking import Tracked, tracked
from .consistency_transport import is_link_local
from .defaults import notifications, running
from .problems import Problem
from .vrrp_config import OWNER
from .warnings_addresses import address_warnings
from .warnings_lvs import service_warnings

_HIGHEST, _LOWEST = 254, 1
_SHELL = frozenset("|&;<>")
_USED_BY = {
    "vrrp_scripts": "track_script",
    "track_files": "track_file",
    "vrrp_track_processes": "track_process",
    "bfd_instances": "track_bfd",
}
_CHECKED_BY = {"track_files": (FileCheck, "track_file"), "bfd_instances": (BfdCheck, "name")}
"""Definitions that checks of real servers use, too."""


def warnings(config: Config) -> t.Iterator[Problem]:
    """Every one, at its path."""
    for instance in config.vrrp_instances.values():
        path = f"vrrp_instances.{instance.name}"
        yield from _weights(config, instance, path)
        yield from _answers(config, instance, path)
        yield from _unsigned(instance, path)
        yield from _first_address(instance, path)
    for group in config.vrrp_sync_groups.values():
        yield from _group(config, group)
    yield from address_warnings(config)
    yield from service_warnings(config)
    yield from _unused(config)
    yield from _mail(config)
    yield from _shell(config)


def _weights(config: Config, instance: VrrpInstance, path: str) -> t.Iterator[Problem]:
    own = list(tracked(config, instance.tracking, path))
    groups = [group for group in config.vrrp_sync_groups.values() if instance.name in group.group]
    inherited = [one for group in groups for one in tracked(config, group.tracking, f"vrrp_sync_groups.{group.name}")]
    weighted = [one for one in (*own, *inherited) if one.weight]
    for one in weighted:
        reason = _idle(instance, one)
        if reason:
            message = f"weight {one.weight} can never cause a failover: {reason}"
            yield Problem(one.path, one.reference.name, message)
    if weighted and not any(_idle(instance, one) for one in weighted) and instance.priority < OWNER:
        yield from _sum(instance, weighted, path)


def _idle(instance: VrrpInstance, one: Tracked) -> str:
    """Why this weight moves nothing; empty when it may."""
    if instance.nopreempt:
        return (
            "with nopreempt, which the peers should have as well, a living master is left alone whatever its "
            "priority. Use weight 0 (FAULT)."
        )
    if one.key == "track_interface" and one.reference.name == instance.interface and not instance.dont_track_primary:
        return f"{instance.name} is in FAULT when its own interface is down. Leave it out, or set dont_track_primary."
    if one.key == "track_file":
        return ""  # the number in the file may have either sign
    if one.weight > 0 and instance.priority == _HIGHEST:
        return f"the priority of {instance.name} is {_HIGHEST} already, the highest that there is but the owner's."
    if one.weight < 0 and instance.priority == _LOWEST:
        return f"the priority of {instance.name} is {_LOWEST} already, the lowest that there is."
    return ""


def _sum(instance: VrrpInstance, weighted: t.Sequence[Tracked], path: str) -> t.Iterator[Problem]:
    """Whether all trackers together keep the priority at one end of the range, up or down."""
    if any(one.key == "track_file" for one in weighted):
        return
    best = instance.priority + sum(one.weight for one in weighted if one.weight > 0)
    worst = instance.priority + sum(one.weight for one in weighted if one.weight < 0)
    if min(best, _HIGHEST) == max(worst, _LOWEST):
        yield Problem(f"{path}.priority", instance.priority, "no weight of its trackers can change it.")
    elif worst >= _HIGHEST:
        yield Problem(f"{path}.priority", instance.priority, f"stays {_HIGHEST} even when everything tracked is down.")


def _answers(config: Config, instance: VrrpInstance, path: str) -> t.Iterator[Problem]:
    as_run = running(instance, config.global_defs)
    if as_run.strict_mode and instance.accept is None and instance.priority != OWNER:
        message = "strict mode: as master it does not answer on its addresses, not even a ping. accept: false says so."
        yield Problem(f"{path}.accept", None, message)


def _unsigned(instance: VrrpInstance, path: str) -> t.Iterator[Problem]:
    hmac = instance.auth_hmac
    if hmac is not None and hmac.mode != "enforce":
        message = "unsigned adverts count as well; set enforce as soon as every router signs."
        yield Problem(f"{path}.auth_hmac.mode", hmac.mode, message)


def _first_address(instance: VrrpInstance, path: str) -> t.Iterator[Problem]:
    first = instance.virtual_ipaddress[0].address if instance.virtual_ipaddress else ""
    if ":" in first and instance.unicast_peer and not is_link_local(first):
        message = "is no link-local address, which RFC 9568 wants first; some routers discard such adverts."
        yield Problem(f"{path}.virtual_ipaddress[0]", first, message)


def _group(config: Config, group: VrrpSyncGroup) -> t.Iterator[Problem]:
    path = f"vrrp_sync_groups.{group.name}"
    if len(group.group) == 1:
        yield Problem(f"{path}.group", None, "has one member; a group of one does nothing.")
    members = [config.vrrp_instances[name] for name in group.group]
    if len({instance.state or "BACKUP" for instance in members}) > 1:
        message = "its members have different states; the slowest to start decides, so the hint does nothing."
        yield Problem(f"{path}.group", None, message)


def _unused(config: Config) -> t.Iterator[Problem]:
    trackings = [one.tracking for one in config.vrrp_instances.values()]
    trackings += [one.tracking for one in config.vrrp_sync_groups.values()]
    for section, key in _USED_BY.items():
        used = {reference.name for tracking in trackings for reference in getattr(tracking, key)}
        used |= _checked(config, section)
        for name in getattr(config, section):
            if name not in used:
                # A BFD session is run all the same: its neighbor may count on it.
                what = "moves nothing" if section == "bfd_instances" else "is not run or watched"
                who = f"{key} and no check" if section in _CHECKED_BY else key
                yield Problem(f"{section}.{name}", None, f"no {who} names it, so it {what}.")


def _checked(config: Config, section: str) -> t.Set[str]:
    """Names in a section that checks go by."""
    if section not in _CHECKED_BY:
        return set()
    kind, key = _CHECKED_BY[section]
    servers = (server for service in config.virtual_servers.values() for server in service.real_servers)
    return {getattr(check, key) for server in servers for check in server.checks if isinstance(check, kind)}


def _mail(config: Config) -> t.Iterator[Problem]:
    defs = config.global_defs
    if defs.smtp_server is not None and defs.notification_email:
        return
    missing = "smtp_server" if defs.smtp_server is None else "notification_email"
    for path in _mailing(config):
        yield Problem(f"{path}.smtp_alert", True, f"no mail is sent without {missing} in global_defs.")


def _mailing(config: Config) -> t.Iterator[str]:
    """Paths of those that are to mail. Real servers do by default: only those that say it are meant."""
    for section in ("vrrp_instances", "vrrp_sync_groups"):
        for name, one in getattr(config, section).items():
            if notifications(one.notifications, config.global_defs).smtp_alert:
                yield f"{section}.{name}"
    for service in config.virtual_servers.values():
        path = f"virtual_servers.{service.name}"
        if service.smtp_alert:
            yield path
        yield from (f"{path}.real_servers[{i}]" for i, server in enumerate(service.real_servers) if server.smtp_alert)


def _shell(config: Config) -> t.Iterator[Problem]:
    for path, command in commands(config):
        word = next((word for word in command.argv[1:] if word and set(word) <= _SHELL), None)
        if word is not None:
            message = f"hands '{word}' to the program as a word: there is no shell. Put such a line into a script."
            yield Problem(path, None, message)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wants to be told what: instances, groups, services and their servers, each with the programs of its events.

Services and servers have keepalived's names in FIFO lines and subjects of mails: [192.0.2.21]:tcp:80, FWM 5, [group]:0.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from ...lvs.keys import server_text
from ...model.commands import Command
from ...model.config import Config, GlobalDefs
from ...model.defaults import notifications
from ...model.lvs_defaults import RunningServer, RunningService, running_services
from ...model.vrrp_config import Notifications

INSTANCE, GROUP, SERVICE, SERVER = "INSTANCE", "GROUP", "VS", "RS"
VRRP, POOLS = frozenset((INSTANCE, GROUP)), frozenset((SERVICE, SERVER))
STATES = frozenset(("MASTER", "BACKUP", "FAULT", "STOP", "DELETED", "UP", "DOWN"))

NotifiedObject = t.Tuple[str, str]
"""Kind and name, as a Happening has them."""

_VRRP_EVENTS = {
    "MASTER": "notify_master",
    "BACKUP": "notify_backup",
    "FAULT": "notify_fault",
    "STOP": "notify_stop",
    "DELETED": "notify_deleted",
    "MASTER_RX_LOWER_PRI": "notify_master_rx_lower_pri",
}


@dataclass(frozen=True)
class Wanted:
    """What one object has to be told to."""

    programs: t.Mapping[str, Command] = field(default_factory=dict)
    """The program of each event."""
    generic: t.Optional[Command] = None
    """For every state, with four more arguments."""
    mail: bool = False
    priority_lines: bool = False
    called: t.Tuple[str, ...] = ()
    """keepalived's names: of a service, or of a server and its service."""


def wanted_of(config: Config) -> t.Dict[NotifiedObject, Wanted]:
    """By object."""
    return dict((*_of_vrrp(config), *_of_pools(config)))


def _of_vrrp(config: Config) -> t.Iterator[t.Tuple[NotifiedObject, Wanted]]:
    """What a group says of priority lines holds for its members that say nothing."""
    defs = config.global_defs
    said_by_group: t.Dict[str, t.Optional[bool]] = {}
    for name, group in config.vrrp_sync_groups.items():
        yield (GROUP, name), _of_notifications(group.notifications, defs)
        said_by_group.update(dict.fromkeys(group.group, group.notifications.notify_priority_changes))
    for name, instance in config.vrrp_instances.items():
        own = instance.notifications
        if own.notify_priority_changes is None:
            own = dataclasses.replace(own, notify_priority_changes=said_by_group.get(name))
        yield (INSTANCE, name), _of_notifications(own, defs)


def _of_notifications(own: Notifications, defs: GlobalDefs) -> Wanted:
    said = notifications(own, defs)
    return Wanted(
        programs=_programs({event: getattr(said, key) for event, key in _VRRP_EVENTS.items()}),
        generic=said.notify,
        mail=bool(said.smtp_alert),
        priority_lines=bool(said.notify_priority_changes),
    )


def _of_pools(config: Config) -> t.Iterator[t.Tuple[NotifiedObject, Wanted]]:
    """STOP of a service with omega is its going down."""
    for name, service in running_services(config).items():
        called = _service_name(service)
        down = service.quorum_down
        programs = _programs({"UP": service.quorum_up, "DOWN": down, "STOP": down})
        yield (SERVICE, name), Wanted(programs, mail=service.smtp_alert, called=(called,))
        for server in service.real_servers:
            key = SERVER, f"{name} {server_text(server)}"
            yield key, _of_server(server, service, called)


def _of_server(server: RunningServer, service: RunningService, service_called: str) -> Wanted:
    down = server.notify_down
    programs = _programs({"UP": server.notify_up, "DOWN": down, "STOP": down})
    called = f"[{server.address}]:{(service.protocol or 'none').lower()}:{server.port}"
    return Wanted(programs, mail=server.smtp_alert, called=(called, service_called))


def _service_name(service: RunningService) -> str:
    """As keepalived 2.2.7 writes it."""
    if service.virtual_server_group is not None:
        return f"[{service.virtual_server_group}]:{service.port or 0}"
    if service.fwmark is not None:
        return f"FWM {service.fwmark}"
    return f"[{service.address}]:{service.protocol.lower()}:{service.port or 0}"


def _programs(by_event: t.Mapping[str, t.Optional[Command]]) -> t.Dict[str, Command]:
    return {event: command for event, command in by_event.items() if command is not None}

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wants to be told what: instances, groups, services and their servers, each with the programs of its events.

Services and servers have keepalived's names in FIFO lines and subjects of mails: [192.0.2.21]:tcp:80, FWM 5, [group]:0.
There may be thousands of them, and few ever have something to tell: they are looked up when they do.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ...lvs.keys import server_text
from ...model.commands import Command
from ...model.config import Config, GlobalDefs
from ...model.defaults import notifications
from ...model.lvs_defaults import RunningServer, RunningService, running_service
from ...model.vrrp_config import Notifications
from ..overrides import server_names

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


class WantedBook:
    """What each object of the running configuration wants; of those that left with it, of the one before."""

    def __init__(self) -> None:
        self._config = Config()
        self._former = Config()
        self._of_vrrp: t.Dict[NotifiedObject, Wanted] = {}

    def configure(self, config: Config, kept: t.Container[NotifiedObject]) -> None:
        """`kept`: instances and groups that may still have something to say after they have left."""
        self._former, self._config = self._config, config
        left = {key: wanted for key, wanted in self._of_vrrp.items() if key in kept}
        self._of_vrrp = {**left, **dict(_of_vrrp(config))}

    def knows(self, key: NotifiedObject) -> bool:
        """It is in the configuration, or may still have something to say."""
        return key in self._of_vrrp or (key[0] in POOLS and _has(self._config, key))

    def of(self, key: NotifiedObject) -> Wanted:
        """Nothing, when nobody knows it."""
        if key[0] in VRRP:
            return self._of_vrrp.get(key, Wanted())
        config = next((one for one in (self._config, self._former) if _has(one, key)), None)
        return Wanted() if config is None else _of_pool(key, config)

    def forget(self, key: NotifiedObject) -> None:
        """It has said its last word."""
        self._of_vrrp.pop(key, None)


def _has(config: Config, key: NotifiedObject) -> bool:
    service, server = _parts(key)
    there = config.virtual_servers.get(service)
    return there is not None and (not server or server in server_names(there))


def _parts(key: NotifiedObject) -> t.Tuple[str, str]:
    """Service and server; "" of a service."""
    if key[0] == SERVICE:
        return key[1], ""
    service, _blank, server = key[1].rpartition(" ")
    return service, server


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
            own = replace(own, notify_priority_changes=said_by_group.get(name))
        yield (INSTANCE, name), _of_notifications(own, defs)


def _of_notifications(own: Notifications, defs: GlobalDefs) -> Wanted:
    said = notifications(own, defs)
    return Wanted(
        programs=_programs({event: getattr(said, key) for event, key in _VRRP_EVENTS.items()}),
        generic=said.notify,
        mail=bool(said.smtp_alert),
        priority_lines=bool(said.notify_priority_changes),
    )


def _of_pool(key: NotifiedObject, config: Config) -> Wanted:
    name, server = _parts(key)
    service = running_service(config.virtual_servers[name], config)
    if not server:
        programs = _up_and_down(service.quorum_up, service.quorum_down)
        return Wanted(programs, mail=service.smtp_alert, called=(_service_name(service),))
    return _of_server(next(one for one in service.real_servers if server_text(one) == server), service)


def _of_server(server: RunningServer, service: RunningService) -> Wanted:
    called = f"[{server.address}]:{(service.protocol or 'none').lower()}:{server.port}"
    programs = _up_and_down(server.notify_up, server.notify_down)
    return Wanted(programs, mail=server.smtp_alert, called=(called, _service_name(service)))


def _up_and_down(up: t.Optional[Command], down: t.Optional[Command]) -> t.Dict[str, Command]:
    """STOP of a service with omega is its going down."""
    return _programs({"UP": up, "DOWN": down, "STOP": down})


def _service_name(service: RunningService) -> str:
    """As keepalived 2.2.7 writes it."""
    if service.virtual_server_group is not None:
        return f"[{service.virtual_server_group}]:{service.port or 0}"
    if service.fwmark is not None:
        return f"FWM {service.fwmark}"
    return f"[{service.address}]:{service.protocol.lower()}:{service.port or 0}"


def _programs(by_event: t.Mapping[str, t.Optional[Command]]) -> t.Dict[str, Command]:
    return {event: command for event, command in by_event.items() if command is not None}

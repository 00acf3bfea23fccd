# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the health worker is told of global_defs.lvs_sync_daemon: the settings, and the roles that should run.

The supervisor knows both halves: the configuration, and the state of every instance, which the vrrp worker tells. With
`inst`, its MASTER sends and everybody else receives; without it both roles run. Until the instance has said its first
state nothing is decided: what a former daemon left running is right as it is.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ..model.config import Config
from ..model.units import Instant
from ..net.ipvs_sync import BACKUP, DEFAULT_GROUP, MASTER, SyncSettings
from .worker import Arguments, Happening

VERB = "lvs_sync"
_ROLES = {"MASTER": MASTER, "BACKUP": BACKUP, "FAULT": BACKUP}
"""STOP and DELETED change nothing: the health worker ends what runs when its own end comes."""


def sync_settings(config: Config) -> t.Optional[SyncSettings]:
    """What the threads are started with; None: none are wanted."""
    wanted = config.global_defs.lvs_sync_daemon
    if wanted is None:
        return None
    instance = None if wanted.inst is None else config.vrrp_instances[wanted.inst]
    syncid = wanted.syncid
    if syncid is None:
        syncid = 0 if instance is None else instance.virtual_router_id
    group = wanted.group or DEFAULT_GROUP
    return SyncSettings(wanted.interface, syncid, wanted.maxlen, wanted.port, wanted.ttl, group)


class SyncRole:
    """Follows configuration and instances, and tells when something is different."""

    def __init__(self, tell: t.Callable[[str, Arguments], None]) -> None:
        """`tell`: to the health worker."""
        self._tell = tell
        self._config = Config()
        self._states: t.Dict[str, str] = {}
        self._told: t.Optional[Arguments] = None

    def configure(self, config: Config) -> None:
        """Follow this from now on."""
        self._config = config
        self._states = {name: role for name, role in self._states.items() if name in config.vrrp_instances}
        self._decide()

    def happened(self, happening: Happening, _now: Instant) -> None:
        """A worker tells what happened."""
        if happening.kind == "INSTANCE" and happening.event in _ROLES:
            self._states[happening.name] = _ROLES[happening.event]
            self._decide()

    def _decide(self) -> None:
        settings = sync_settings(self._config)
        if settings is None and self._told is None:
            return  # threads of others are none of our business
        arguments = {
            "settings": None if settings is None else asdict(settings),
            "roles": [] if settings is None else self._roles(),
        }
        if arguments != self._told:
            self._told = arguments
            self._tell(VERB, arguments)

    def _roles(self) -> t.Optional[t.List[str]]:
        """None: not decided yet."""
        wanted = self._config.global_defs.lvs_sync_daemon
        if wanted is None or wanted.inst is None:
            return [MASTER, BACKUP]
        role = self._states.get(wanted.inst)
        return None if role is None else [role]

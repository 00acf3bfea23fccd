# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter service_needs; documented beside this file."""

from __future__ import annotations

import json
import math
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.mainstay.ha.plugins.filter.config_problems import config_problems
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.commands import Command
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.config import Config
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.config_commands import commands
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.load import parse_config
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.lvs_defaults import running_services
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.problems import ConfigError
from ansible_collections.mainstay.ha.plugins.module_utils.mainstay.model.units import as_seconds

DAEMON_USER = "mainstay"


class FilterModule:
    """Ansible's name for the filters of a file."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        return {"service_needs": service_needs}


def service_needs(document: object) -> t.Dict[str, t.Any]:
    """What the unit has to allow for `document`, beyond what every daemon needs. Times are seconds."""
    try:
        config = parse_config(json.dumps(document))
    except TypeError as error:
        raise AnsibleFilterError(f"mainstay.ha.service_needs: the daemon would not run this: {error}") from error
    except ConfigError as error:
        # The role's argument spec asks before the role judges its values: this is then all that an operator reads.
        told = "; ".join(config_problems(document))
        raise AnsibleFilterError(f"mainstay.ha.service_needs: the daemon would not run this: {told}") from error
    users = {path: _runs_as(command, config.global_defs.script_user) for path, command in commands(config)}
    others = {path: user for path, user in users.items() if user != (DAEMON_USER, DAEMON_USER)}
    defs = config.global_defs
    return {
        "scripts": bool(users),
        "script_users": sorted({user for user, _group in others.values()}),
        "fifo_users": sorted({user for path, (user, _group) in others.items() if path.endswith("notify_fifo_script")}),
        "foreign_processes": bool(config.vrrp_track_processes),
        "forwards": sorted(set(_forwarded(config))),
        "startup_seconds": _whole(defs.startup_script_timeout) if defs.startup_script else 0,
        "shutdown_seconds": _whole(defs.shutdown_script_timeout) if defs.shutdown_script else 0,
    }


def _forwarded(config: Config) -> t.Iterator[str]:
    """Families whose packets pass through this machine: those of servers that NAT leads to."""
    for service in running_services(config).values():
        addresses = [server.address for server in service.real_servers if server.lb_kind == "NAT"]
        if service.sorry_server is not None and (service.sorry_server_lb_kind or service.lb_kind) == "NAT":
            addresses.append(service.sorry_server.address)
        yield from ("inet6" if ":" in address else "inet" for address in addresses)


def _whole(timeout: int) -> int:
    return math.ceil(as_seconds(timeout))


def _runs_as(command: Command, script_user: t.Optional[str]) -> t.Tuple[str, str]:
    """User and group, as the daemon decides it; a user's own group has, for all that we know, his name."""
    user, group = command.user, command.group
    if user is None and script_user is not None:
        user, _blank, rest = script_user.strip().partition(" ")
        group = group or rest.strip() or None
    user = user or DAEMON_USER
    return user, group or user

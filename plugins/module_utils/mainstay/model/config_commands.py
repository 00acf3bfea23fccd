# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of a configuration, wherever it stands: the options know which of them are commands."""

from __future__ import annotations

import typing as t

from .commands import Command
from .config import Config
from .consistency_checks import placed_checks
from .options import SECTIONS
from .parts import option_value

_Place = t.Tuple[str, str, object]
"""Path, section, what is there."""

_KEYS: t.Mapping[str, t.Tuple[str, ...]] = {
    section: tuple(key for key, option in options.items() if option.form == "command")
    for section, options in SECTIONS.items()
}
"""Section -> its options that are commands."""


def commands(config: Config) -> t.Iterator[t.Tuple[str, Command]]:
    """Each with its path, as vrrp_instances.VI_1.notify_master."""
    for path, section, one in _places(config):
        for key in _KEYS[section]:
            command = option_value(one, key)
            if command is not None:
                yield f"{path}.{key}", command


def _places(config: Config) -> t.Iterator[_Place]:
    yield "global_defs", "global_defs", config.global_defs
    for key, section in (
        ("vrrp_scripts", "vrrp_script"),
        ("vrrp_sync_groups", "vrrp_sync_group"),
        ("vrrp_instances", "vrrp_instance"),
        ("virtual_servers", "virtual_server"),
    ):
        yield from ((f"{key}.{name}", section, one) for name, one in getattr(config, key).items())
    for service in config.virtual_servers.values():
        for index, server in enumerate(service.real_servers):
            place = f"virtual_servers.{service.name}.real_servers[{index}]"
            yield place, "real_server", server
            yield from ((path, f"{check.type}_check", check) for path, check in placed_checks(server, place))

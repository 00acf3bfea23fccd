# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of a configuration, wherever it stands: the options know which of them are commands."""

from __future__ import annotations

import typing as t

from .commands import Command
from .config import Config
from .options import SECTIONS
from .parts import option_value


def commands(config: Config) -> t.Iterator[t.Tuple[str, Command]]:
    """Each with its path, as vrrp_instances.VI_1.notify_master."""
    places: t.List[t.Tuple[str, str, object]] = [("global_defs", "global_defs", config.global_defs)]
    for key, section in (
        ("vrrp_scripts", "vrrp_script"),
        ("vrrp_sync_groups", "vrrp_sync_group"),
        ("vrrp_instances", "vrrp_instance"),
    ):
        places += [(f"{key}.{name}", section, one) for name, one in getattr(config, key).items()]
    for path, section, one in places:
        for key, option in SECTIONS[section].items():
            command = option_value(one, key) if option.form == "command" else None
            if command is not None:
                yield f"{path}.{key}", command

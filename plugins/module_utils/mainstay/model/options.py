# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of the configuration in one table: type, default, range, unit, help.

Loading reads it, the modules' argument specs, their documentation and the roles' argument_specs are
compared with it field by field. Defaults stand as the file spells them (seconds, not nanoseconds); a test
holds them equal to those of config.py.
"""

from __future__ import annotations

import typing as t

from .left_out import LEFT_OUT
from .option import FORMS, Form, Option
from .options_checks import CHECKS, ENDPOINT, URL
from .options_global import GLOBAL_DEFS, LVS_SYNC_DAEMON, STATICS
from .options_lvs import (
    GROUP_ENTRY,
    LVS_TIMEOUTS,
    REAL_SERVER,
    SORRY_SERVER,
    VIRTUAL_SERVER,
    VIRTUAL_SERVER_GROUP,
)
from .options_tracking import (
    BFD_INSTANCE,
    COMMAND,
    REFERENCES,
    TRACK_FILE,
    TRACK_REFERENCE,
    VRRP_SCRIPT,
    VRRP_TRACK_PROCESS,
)
from .options_vrrp import (
    AUTH_HMAC,
    AUTHENTICATION,
    GARP_GROUP,
    HMAC_KEY,
    UNICAST_PEER,
    VIRTUAL_ADDRESS,
    VRRP_INSTANCE,
    VRRP_SYNC_GROUP,
)

SECTIONS: t.Mapping[str, t.Mapping[str, Option]] = {
    "global_defs": GLOBAL_DEFS,
    "lvs_sync_daemon": LVS_SYNC_DAEMON,
    "statics": STATICS,
    "garp_group": GARP_GROUP,
    "vrrp_script": VRRP_SCRIPT,
    "track_file": TRACK_FILE,
    "vrrp_track_process": VRRP_TRACK_PROCESS,
    "bfd_instance": BFD_INSTANCE,
    "vrrp_sync_group": VRRP_SYNC_GROUP,
    "vrrp_instance": VRRP_INSTANCE,
    "virtual_address": VIRTUAL_ADDRESS,
    "unicast_peer": UNICAST_PEER,
    "authentication": AUTHENTICATION,
    "auth_hmac": AUTH_HMAC,
    "hmac_key": HMAC_KEY,
    "track_reference": TRACK_REFERENCE,
    "command": COMMAND,
    "lvs_timeouts": LVS_TIMEOUTS,
    "virtual_server_group": VIRTUAL_SERVER_GROUP,
    "group_entry": GROUP_ENTRY,
    "virtual_server": VIRTUAL_SERVER,
    "sorry_server": SORRY_SERVER,
    "real_server": REAL_SERVER,
    **{f"{kind}_check": options for kind, options in CHECKS.items()},
    "url": URL,
    "endpoint": ENDPOINT,
}
"""Section -> key -> option."""

TOP_LEVEL: t.Mapping[str, str] = {
    "global_defs": "global_defs",
    "garp_groups": "garp_group",
    "vrrp_scripts": "vrrp_script",
    "track_files": "track_file",
    "vrrp_track_processes": "vrrp_track_process",
    "bfd_instances": "bfd_instance",
    "vrrp_sync_groups": "vrrp_sync_group",
    "vrrp_instances": "vrrp_instance",
    "virtual_server_groups": "virtual_server_group",
    "virtual_servers": "virtual_server",
}
"""Key of the document -> section of SECTIONS. All but global_defs are mappings by name."""

TOP_LISTS = tuple(STATICS)
"""Keys of the document that are lists, options of SECTIONS["statics"]."""

TOP_KEYS = (*TOP_LEVEL, *TOP_LISTS)
"""Every key of the document."""

__all__ = [
    "CHECKS",
    "FORMS",
    "LEFT_OUT",
    "REFERENCES",
    "SECTIONS",
    "TOP_KEYS",
    "TOP_LEVEL",
    "TOP_LISTS",
    "Form",
    "Option",
]

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what instances and groups track, and of whom they tell."""

from __future__ import annotations

import typing as t

from .option import Option, boolean, integer, seconds, word

_WEIGHT = (
    "Added to the priority while up if positive, while down if negative; 0: down is FAULT. "
    "A reference may say another one."
)
_REVERSE = "Up and down change places."

VRRP_SCRIPT = {
    "script": Option("command", "Program to run; exit status 0 is up.", required=True),
    "interval": seconds("Time from the start of one run to that of the next.", 0.001, 86400, 1, 0.001),
    "timeout": seconds(
        "A run that takes longer is ended with all its children and counts as failed; without it the interval.",
        0.001,
        86400,
        None,
        0.001,
    ),
    "weight": integer(_WEIGHT, -253, 253, 0),
    "reverse": boolean(_REVERSE),
    "rise": integer("Successes in a row until up.", 1, 100000, 1),
    "fall": integer("Failures in a row until down.", 1, 100000, 1),
    "init_fail": boolean("Down from the start, until rise runs have succeeded."),
}

TRACK_FILE = {
    "file": Option("absolute_path", "File that holds one whole number; it is read whenever it changes.", required=True),
    "weight": integer(
        "The number times this is added to the priority; 0: any other number than 0 is FAULT.", -254, 254, 1
    ),
    "reverse": boolean("The number's sign changes."),
    "init_file": integer(
        "Number that is written at the start when the file is missing; without it none is.", -2147483648, 2147483647
    ),
    "init_file_overwrite": boolean("init_file is written at the start even when the file is there."),
}

VRRP_TRACK_PROCESS = {
    "process": Option("process", "Name of the process, then its arguments if they matter.", required=True),
    "param_match": word(
        "How arguments are compared: all of them, the first ones, or the last one only to its given length.",
        "exact",
        "initial",
        "partial",
        default="exact",
    ),
    "full_command": boolean("Compare the first word of the command line, not the kernel's short name."),
    "weight": integer(_WEIGHT, -254, 254, 0),
    "reverse": boolean(_REVERSE),
    "quorum": integer("So many have to run.", 1, 65535, 1),
    "quorum_max": integer("No more than so many may run; 0: it must not run; without it any number.", 0, 65535),
    "fork_delay": seconds("It counts as running after so long.", 0, 3600, 0),
    "terminate_delay": seconds("It counts as gone after so long.", 0, 3600, 0),
}

BFD_INSTANCE = {
    "neighbor_ip": Option("ip_address", "Address of the neighbour.", required=True),
    "source_ip": Option("ip_address", "Address to send from; without it the kernel's choice."),
    "min_rx": seconds("Least interval between packets that we can take. In seconds, not ms.", 0.001, 5, 0.01),
    "min_tx": seconds("Least interval between packets that we send. In seconds, not ms.", 0.001, 5, 0.01),
    "idle_tx": seconds("Interval while the session is not up. In seconds, not ms.", 1, 60, 1),
    "multiplier": integer("So many packets missing in a row are down.", 1, 255, 5),
    "passive": boolean("Send nothing until the neighbour does."),
    "ttl": integer("TTL or hop limit of what we send.", 1, 255, 255),
    "max_hops": integer("Routers that a packet may have passed, -1 = any number; RFC 5881 allows none.", -1, 254, 0),
    "weight": integer(_WEIGHT, -253, 253, 0),
    "reverse": boolean(_REVERSE),
}

TRACKING = {
    "track_interface": Option("tracked_interfaces", "Links that have to be up, or that count by weight (-253 to 253)."),
    "track_script": Option("tracked", "Names of vrrp_scripts."),
    "track_file": Option("tracked_widely", "Names of track_files."),
    "track_process": Option("tracked_widely", "Names of vrrp_track_processes."),
    "track_bfd": Option("tracked", "Names of bfd_instances."),
}
"""Keys of an instance and of a group alike; the values are in their `tracking`."""

GROUP_NOTIFICATIONS = {
    "notify_master": Option("command", "Run on becoming master."),
    "notify_backup": Option("command", "Run on becoming backup."),
    "notify_fault": Option("command", "Run on FAULT."),
    "notify_stop": Option("command", "Run when the daemon stops."),
    "notify": Option(
        "command", "Run at every transition; type (INSTANCE or GROUP), name, state and priority follow its arguments."
    ),
    "notify_priority_changes": boolean(
        "Changes of the priority are written to the FIFOs; without it as vrrp_notify_priority_changes.", None
    ),
    "smtp_alert": boolean("Mail at transitions; without it as smtp_alert_vrrp of global_defs.", None),
}

NOTIFICATIONS = {
    **GROUP_NOTIFICATIONS,
    "notify_deleted": Option("command", "Run when a reload drops the instance; without it notify_fault."),
    "notify_master_rx_lower_pri": Option("command", "Run when a master hears a lesser one."),
}
"""Keys of an instance; the values are in its `notifications`."""

TRACK_REFERENCE = {
    "name": Option("name", "The interface or the definition.", required=True),
    "weight": integer(
        "As in a definition; without it the definition's, an interface's is FAULT. Files, processes: -254 to 254.",
        -253,
        253,
    ),
    "reverse": boolean("Up and down change places; without it as the definition.", None),
}

_WIDE_WEIGHT = TRACK_REFERENCE["weight"]._replace(minimum=-254, maximum=254)

REFERENCES: t.Mapping[str, t.Mapping[str, Option]] = {
    "tracked_interfaces": {**TRACK_REFERENCE, "name": Option("interface", "The interface.", required=True)},
    "tracked": TRACK_REFERENCE,
    "tracked_widely": {**TRACK_REFERENCE, "weight": _WIDE_WEIGHT},
}
"""Form of the list -> what one of its references may say."""

COMMAND = {
    "command": Option("command_line", "The program and its arguments.", required=True),
    "user": Option("name", "Who runs it; without it script_user of global_defs."),
    "group": Option("name", "Its group; without it the user's own."),
}

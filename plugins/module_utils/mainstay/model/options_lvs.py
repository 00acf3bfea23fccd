# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of balanced services and their checks."""

from __future__ import annotations

import typing as t

from .option import Option, boolean, integer, seconds, word

_PORT = (1, 65535)

VIRTUAL_SERVER = {
    "address": Option("address", "Address of the service.", required=True),
    "port": integer("Port of the service.", *_PORT, required=True),
    "protocol": word("TCP or UDP; has to be said.", "TCP", "UDP", required=True),
    "lb_algo": word("How a server is chosen.", "rr", "wrr", "lc", "wlc", "sh", "mh", default="wlc"),
    "lb_kind": word("How packets reach the server.", "NAT", "DR", default="NAT"),
    "delay_loop": seconds("Period of the checks.", 0.1, 86400, 6),
    "persistence_timeout": seconds("So long a client stays with its server; 0 = off.", 0, 2678400, 0, 1),
    "inhibit_on_failure": boolean("A failed server keeps its entry, at weight 0."),
    "real_servers": Option("real_servers", "The pool.", ()),
}

REAL_SERVER = {
    "address": Option("address", "Address of the server.", required=True),
    "port": integer("Port of the server.", *_PORT, required=True),
    "weight": integer("Share of the load; 0 drains: no new connections.", 0, 65535, 1),
    "inhibit_on_failure": boolean("As in the virtual_server, for this server; without it as there.", None),
    "check": Option("check", "How to tell that the server is up; without it the server always counts as up."),
}


def _check(kind: str, pause: float) -> t.Dict[str, Option]:
    return {
        "type": word("Kind of the check.", kind, required=True),
        "connect_ip": Option("address", "Address to probe; without it the server's."),
        "connect_port": integer("Port to probe; without it the server's.", *_PORT),
        "connect_timeout": seconds("Deadline of the whole probe, connect included.", 0.01, 3600, 5),
        "retry": integer("Further probes after a failed one before the server is taken out.", 0, 1000, 1),
        "delay_before_retry": seconds("Pause before such a further probe.", 0, 3600, pause),
    }


TCP_CHECK = _check("tcp", 1)

HTTP_CHECK = {
    **_check("http", 3),
    "path": Option("url_path", "Path to GET.", "/"),
    "status_code": Option("status_codes", "Status codes that mean up.", "200-299", minimum=100, maximum=599),
    "virtualhost": Option("host", "Host header; without it address:port of the server."),
    "http_protocol": word("Version of HTTP to speak.", "1.0", "1.1", default="1.0"),
}

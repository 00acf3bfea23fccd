# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services, groups and checks that say every key at least once, never its default."""

from __future__ import annotations

import copy
import typing as t

Document = t.Dict[str, t.Any]

_TIMES = {
    "retry": 2,
    "delay_before_retry": 0.5,
    "delay_loop": 3,
    "warmup": 4,
    "alpha": True,
    "rise": 2,
    "log_all_failures": True,
}
_ADDRESS = {"connect_timeout": 1.5, "connect_ip": "192.0.2.99", "bindto": "192.0.2.1", "bind_if": "eth1", "fwmark": 5}
_ENDPOINT = {**_TIMES, **_ADDRESS, "connect_port": 8080, "bind_port": 2000}
_TLS = {
    "sni_name": "www.example.com",
    "tls_min_version": "1.3",
    "verify": "full",
    "ca_file": "/etc/ssl/ca.pem",
    "certificate": "/etc/ssl/client.pem",
    "key": "/etc/ssl/client.key",
    "expiry_warning": 604800,
}
_PAGE = {
    "path": "/healthz",
    "digest": "0123456789abcdef0123456789abcdef",
    "regex": "^ok$",
    "regex_no_match": True,
    "regex_options": ["caseless", "multiline"],
    "status_code": [200, "300-302"],
    "virtualhost": "www.example.com",
}
_REQUEST = {"http_protocol": "1.0C", "method": "POST", "headers": {"Accept": "text/plain"}, "body": "ping\n"}
_URLS = [{**_PAGE, "regex_min_offset": 1, "regex_max_offset": 1000}, {"path": "/two"}]

FULL: t.Mapping[str, t.List[Document]] = {
    "tcp": [{**_ENDPOINT, "send": "PING\\r\\n\\x00", "expect": "+PONG"}],
    "http": [{**_ENDPOINT, **_PAGE, **_REQUEST}, {"urls": _URLS}],
    "https": [{**_ENDPOINT, **_PAGE, **_REQUEST, **_TLS}, {"urls": _URLS, "enable_sni": False}],
    "smtp": [
        {**_ENDPOINT, "helo_name": "lb1.example.com"},
        {"hosts": [{"address": "192.0.2.25", "port": 587}], "starttls": True, **_TLS},
        {"starttls": True, "enable_sni": False},
    ],
    "dns": [{**_ENDPOINT, "query_type": "A", "name": "www.example.com", "answer": "192.0.2.7"}],
    "udp": [
        {
            **_ENDPOINT,
            "payload": "00ff",
            "require_reply": True,
            "reply": "0xff",
            "min_reply_length": 2,
            "max_reply_length": 512,
        }
    ],
    "ping": [{**_TIMES, **_ADDRESS}],
    "misc": [
        {
            **_TIMES,
            "misc_path": {"command": "/usr/local/bin/check web", "user": "nobody"},
            "misc_timeout": 2,
            "misc_dynamic": True,
        }
    ],
    "file": [{"track_file": "load", "weight": -2, "reverse": True}],
    "bfd": [{"name": "peer"}],
    "grpc": [{**_ENDPOINT, "service": "shop.Cart"}],
    "postgres": [_ENDPOINT],
    "mysql": [_ENDPOINT],
    "redis": [_ENDPOINT],
}
"""Kind -> checks of it that say all of their keys but fall, which cannot stand beside retry."""


def _with_fall(kind: str) -> t.List[Document]:
    needed = {"misc": {"misc_path": "/usr/local/bin/check"}}.get(kind, {})
    return [] if kind in ("file", "bfd") else [{"fall": 3, **needed}]


CHECKED = [
    {
        "address": f"192.0.2.{100 + number}",
        "port": 80,
        "checks": [{"type": kind, **copy.deepcopy(check)} for check in [*checks, *_with_fall(kind)]],
    }
    for number, (kind, checks) in enumerate(FULL.items())
    if kind not in ("file", "bfd")
]

SERVICES: Document = {
    "virtual_server_groups": {
        "G": {
            "entries": [
                "192.0.2.70 443",
                {"address": "192.0.2.60", "last_address": "192.0.2.69", "port": 80, "last_port": 81},
                {"fwmark": 7, "family": "inet"},
            ]
        }
    },
    "virtual_servers": {
        "web": {
            "address": "192.0.2.10",
            "port": 80,
            "protocol": "TCP",
            "lb_algo": "wrr",
            "lb_kind": "TUN",
            "tun_type": "gue",
            "tun_port": 5555,
            "tun_checksum": "remcsum",
            "nat_mask": 24,
            "persistence_timeout": 300,
            "persistence_granularity": 24,
            "delay_loop": 2,
            "connect_timeout": 3,
            "retry": 2,
            "delay_before_retry": 0.5,
            "warmup": 1,
            "alpha": True,
            "omega": True,
            "inhibit_on_failure": True,
            "quorum": 5,
            "hysteresis": 2,
            "quorum_up": "/usr/local/bin/quorum up",
            "quorum_down": {"command": "/usr/local/bin/quorum down", "user": "nobody"},
            "sorry_server": {"address": "192.0.2.30", "port": 80},
            "sorry_server_inhibit": True,
            "sorry_server_lb_kind": "DR",
            "ha_suspend": True,
            "virtualhost": "www.example.com",
            "weight": 3,
            "smtp_alert": True,
            "slow_start": 30,
            "pool_floor": 50,
            "flap_damping": 60,
            "drain_timeout": 30,
            "real_servers": [
                {
                    "address": "2001:db8::21",
                    "port": 80,
                    "weight": 5,
                    "lb_kind": "TUN",
                    "tun_type": "gue",
                    "tun_port": 5556,
                    "tun_checksum": "csum",
                    "uthreshold": 1000,
                    "lthreshold": 900,
                    "inhibit_on_failure": False,
                    "alpha": False,
                    "retry": 1,
                    "delay_before_retry": 0.25,
                    "delay_loop": 1,
                    "connect_timeout": 0.5,
                    "warmup": 0,
                    "virtualhost": "one.example.com",
                    "slow_start": 0,
                    "smtp_alert": False,
                    "notify_up": "/usr/local/bin/server up",
                    "notify_down": "/usr/local/bin/server down",
                    "backup": True,
                    "check": {"type": "file", **FULL["file"][0]},
                },
                {"address": "192.0.2.22", "check": {"type": "bfd", **FULL["bfd"][0]}},
            ],
        },
        "checked": {"address": "192.0.2.11", "port": 80, "protocol": "TCP", "real_servers": CHECKED},
        "phones": {
            "address": "192.0.2.12",
            "port": 5060,
            "protocol": "UDP",
            "lb_algo": "sh",
            "sh_port": True,
            "sh_fallback": True,
            "ops": True,
            "persistence_timeout": 60,
            "persistence_engine": "sip",
        },
        "marked": {"fwmark": 9, "ip_family": "inet", "lb_algo": "mh", "mh_port": True, "mh_fallback": True},
        "many": {"virtual_server_group": "G", "protocol": "TCP"},
    },
}

BALANCING_DEFS: Document = {
    "lvs_timeouts": {"tcp": 900, "tcpfin": 60, "udp": 120},
    "lvs_flush": True,
    "lvs_flush_on_stop": "all",
    "lvs_notify_fifo": "/run/lvs.fifo",
    "lvs_notify_fifo_script": "/usr/local/bin/reader",
    "smtp_alert_checker": True,
    "checker_log_all_failures": True,
    "maintenance_directory": "/etc/mainstay/maintenance",
}
"""Options of global_defs that are about balancing."""

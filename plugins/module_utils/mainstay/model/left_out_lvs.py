# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of keepalived about balanced services that have no place here, each with what to do about it."""

from __future__ import annotations

import typing as t


def each(words: str, sentence: str) -> t.Dict[str, str]:
    """One sentence for several words."""
    return dict.fromkeys(words.split(), sentence)


_SNMP = "There is no SNMP agent: 'mainstay status --json' has the same counters. Leave it out."
_CHECKS = "TCP_CHECK HTTP_GET SSL_GET SMTP_CHECK DNS_CHECK UDP_CHECK PING_CHECK MISC_CHECK FILE_CHECK BFD_CHECK"
_TYPES = {
    "HTTP_GET": "http",
    "SSL_GET": "https",
    **{word: word[: -len("_CHECK")].lower() for word in _CHECKS.split() if word.endswith("_CHECK")},
}
_URL = {
    "url": "Write path for one page, urls for several.",
    "fast_recovery": "Always on: each probe asks for every page. Leave it out.",
    "tls_compliant": "Leave it out: the connection ends with the verdict.",
    "SSL": "Write ca_file, certificate and key.",
    "regex_stack": "Leave it out: a search has a limit of its own in time, not in stack.",
    "nb_get_retry": "Write retry.",
}

_SERVICE = {
    "lvs_sched": "Write lb_algo.",
    "lvs_method": "Write lb_kind.",
    "sorry_server_lvs_method": "Write sorry_server_lb_kind.",
    "group": "Write virtual_server_group.",
    "real_server": "Write real_servers, a list of mappings.",
    "snmp_name": _SNMP,
    **each("flag-1 flag-2 flag-3", "Write sh_port, sh_fallback, mh_port or mh_fallback: the flags by their names."),
    "sh-port": "Write sh_port.",
    "sh-fallback": "Write sh_fallback.",
    "mh-port": "Write mh_port.",
    "mh-fallback": "Write mh_fallback.",
    "hashed": "It does nothing in keepalived either; write ops for one-packet scheduling, or leave it out.",
    "type": "Write tun_type.",
}

LEFT_OUT_OF_SERVICES: t.Mapping[str, t.Mapping[str, str]] = {
    "virtual_server": _SERVICE,
    "real_server": {
        **{word: f"Write check: {{type: {kind}}}." for word, kind in _TYPES.items()},
        "lvs_method": "Write lb_kind.",
        "snmp_name": _SNMP,
        "type": "Write tun_type, or the type of a check below check.",
    },
    "virtual_server_group": {
        "fwmark": "Write it as one of entries: ['fwmark 5'].",
        "address": "Write it as one of entries: ['192.0.2.10 80'].",
    },
    "http_check": {**_URL, **each("enable_sni sni_name", "Only TLS has it: write type: https.")},
    "https_check": _URL,
    "tcp_check": {"nb_get_retry": "Write retry."},
    "url": {
        **each("regex_stack tls_compliant", "Leave it out: it is always so, or has a limit of its own."),
        "enable_sni": "Write it in the check.",
    },
    "smtp_check": {"host": "Write hosts, a list: ['192.0.2.25 25']."},
    "dns_check": {"query": "Write name and query_type."},
    "misc_check": {
        **each("user group", "Write it in the program: misc_path: {command: ..., user: ...}."),
        "connect_timeout": "Write misc_timeout.",
        "timeout": "Write misc_timeout.",
    },
    "file_check": {"dynamic": "It does nothing in keepalived either; leave it out."},
    "bfd_check": {"alpha": "Leave it out: the server is down until its session is up."},
}
"""Section -> word -> what to do about it."""

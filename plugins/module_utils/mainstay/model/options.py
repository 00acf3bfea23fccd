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


class Form(t.NamedTuple):
    """How a value is written."""

    ansible_type: str
    """The word of an argument spec: str, int, float, bool, list, dict or raw."""
    expected: str
    """For people: "must be ..."."""


FORMS: t.Mapping[str, Form] = {
    "text": Form("str", "text of at most 64 printable characters"),
    "word": Form("str", "one of the listed words"),
    "integer": Form("int", "a whole number"),
    "boolean": Form("bool", "true or false"),
    "seconds": Form("float", "a number of seconds"),
    "address": Form("str", "an IPv4 address such as 192.0.2.10"),
    "prefixed_address": Form("str", "an IPv4 address with its prefix length, such as 192.0.2.10/24"),
    "interface": Form("str", "the name of a network interface: 1 to 15 characters, no '/', ':' or blanks"),
    "label": Form("str", "an address label: 1 to 15 characters without blanks"),
    "url_path": Form("str", "a path that starts with '/', without blanks"),
    "host": Form("str", "a host name for the Host header, without blanks and '/'"),
    "status_codes": Form("raw", "HTTP status codes (200, '200-299' or a list of such)"),
    "virtual_addresses": Form("list", "a list of 1 to 255 addresses, each '192.0.2.10/24' or a mapping"),
    "check": Form("dict", "a mapping with 'type: tcp' or 'type: http'"),
    "real_servers": Form("list", "a list of mappings, each with 'address' and 'port'"),
}


class Option(t.NamedTuple):
    """One key of one section."""

    form: str
    """A key of FORMS."""
    help: str
    default: object = None
    """As the file spells it; None: no value (what that means is in the help)."""
    required: bool = False
    minimum: t.Optional[float] = None
    maximum: t.Optional[float] = None
    step: t.Optional[float] = None
    """Seconds only: values are multiples of it."""
    choices: t.Tuple[t.Union[str, int], ...] = ()
    unit: str = ""

    @property
    def ansible_type(self) -> str:
        """The word of an argument spec."""
        return FORMS[self.form].ansible_type

    @property
    def expected(self) -> str:
        """What is allowed, for people: "a whole number from 1 to 255"."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        text = FORMS[self.form].expected
        if self.minimum is not None:
            text += f" from {_plain(self.minimum)} to {_plain(self.maximum)}"
        if self.step is not None:
            text += f" in steps of {_plain(self.step)}"
        return text


def _plain(number: t.Optional[float]) -> str:
    """Digits as in a file, however large: 2678400, 0.01."""
    return str(int(number)) if number is not None and number == int(number) else str(number)


def _integer(help_text: str, minimum: int, maximum: int, default: t.Optional[int] = None, **more: t.Any) -> Option:
    return Option("integer", help_text, default, minimum=minimum, maximum=maximum, **more)


def _seconds(
    help_text: str, minimum: float, maximum: float, default: t.Optional[float], step: t.Optional[float] = None
) -> Option:
    return Option("seconds", help_text, default, minimum=minimum, maximum=maximum, step=step, unit="s")


def _word(help_text: str, *choices: t.Union[str, int], default: object = None, required: bool = False) -> Option:
    form = "integer" if isinstance(choices[0], int) else "word"
    return Option(form, help_text, default, required, choices=choices)


_PORT = (1, 65535)

_GLOBAL_DEFS = {
    "router_id": Option("text", "Label of this machine in status and logs; without it the host name.", ""),
    "data_plane": _word(
        "Engine that forwards. nftables is for kernels without ip_vs: lb_kind NAT, lb_algo rr, wrr or sh.",
        "ipvs",
        "nftables",
        default="ipvs",
    ),
}

_VRRP_INSTANCE = {
    "interface": Option("interface", "Interface that adverts are sent on.", required=True),
    "virtual_router_id": _integer("Number of the virtual router, the same on all its routers.", 1, 255, required=True),
    "virtual_ipaddress": Option("virtual_addresses", "Addresses that follow mastership.", required=True),
    "priority": _integer("The highest becomes master. 255 is for the owner of the addresses alone.", 1, 255, 100),
    "advert_int": _seconds("Time between two adverts; the same on all routers of the group.", 0.01, 40.95, 1, 0.01),
    "version": _word("VRRP version.", 3, default=3),
    "nopreempt": Option("boolean", "Coming back, do not take over from a master of lower priority.", False),
    "vip_lease": _seconds(
        "Lifetime of the addresses in the kernel, refreshed while master. Without it the largest that is "
        "safe; 0 turns leasing off.",
        0,
        3600,
        None,
        1,
    ),
    "garp_master_delay": _seconds(
        "Second burst of gratuitous ARP so long after becoming master; 0 = none.", 0, 3600, 5
    ),
    "garp_master_repeat": _integer("Gratuitous ARPs per address in one burst.", 1, 100, 5),
    "garp_master_refresh": _seconds("Period of gratuitous ARP while master; 0 = off.", 0, 86400, 0),
    "garp_master_refresh_repeat": _integer("Gratuitous ARPs per address at each refresh.", 1, 100, 1),
}

_VIRTUAL_ADDRESS = {
    "address": Option("prefixed_address", "The address; without a prefix length /32.", required=True),
    "dev": Option("interface", "Interface that carries it; without it the instance's own."),
    "label": Option("label", "IPv4 alias label, such as eth0:1."),
}

_VIRTUAL_SERVER = {
    "address": Option("address", "Address of the service.", required=True),
    "port": _integer("Port of the service.", *_PORT, required=True),
    "protocol": _word("TCP or UDP; has to be said.", "TCP", "UDP", required=True),
    "lb_algo": _word("How a server is chosen.", "rr", "wrr", "lc", "wlc", "sh", "mh", default="wlc"),
    "lb_kind": _word("How packets reach the server.", "NAT", "DR", default="NAT"),
    "delay_loop": _seconds("Period of the checks.", 0.1, 86400, 6),
    "persistence_timeout": _seconds("So long a client stays with its server; 0 = off.", 0, 2678400, 0, 1),
    "inhibit_on_failure": Option("boolean", "A failed server keeps its entry, at weight 0.", False),
    "real_servers": Option("real_servers", "The pool.", ()),
}

_REAL_SERVER = {
    "address": Option("address", "Address of the server.", required=True),
    "port": _integer("Port of the server.", *_PORT, required=True),
    "weight": _integer("Share of the load; 0 drains: no new connections.", 0, 65535, 1),
    "inhibit_on_failure": Option("boolean", "As in the virtual_server, for this server; without it as there."),
    "check": Option("check", "How to tell that the server is up; without it the server always counts as up."),
}


def _check(kind: str, pause: float) -> t.Dict[str, Option]:
    return {
        "type": _word("Kind of the check.", kind, required=True),
        "connect_ip": Option("address", "Address to probe; without it the server's."),
        "connect_port": _integer("Port to probe; without it the server's.", *_PORT),
        "connect_timeout": _seconds("Deadline of the whole probe, connect included.", 0.01, 3600, 5),
        "retry": _integer("Further probes after a failed one before the server is taken out.", 0, 1000, 1),
        "delay_before_retry": _seconds("Pause before such a further probe.", 0, 3600, pause),
    }


_HTTP_CHECK = {
    **_check("http", 3),
    "path": Option("url_path", "Path to GET.", "/"),
    "status_code": Option("status_codes", "Status codes that mean up.", "200-299", minimum=100, maximum=599),
    "virtualhost": Option("host", "Host header; without it address:port of the server."),
    "http_protocol": _word("Version of HTTP to speak.", "1.0", "1.1", default="1.0"),
}

SECTIONS: t.Mapping[str, t.Mapping[str, Option]] = {
    "global_defs": _GLOBAL_DEFS,
    "vrrp_instance": _VRRP_INSTANCE,
    "virtual_address": _VIRTUAL_ADDRESS,
    "virtual_server": _VIRTUAL_SERVER,
    "real_server": _REAL_SERVER,
    "tcp_check": _check("tcp", 1),
    "http_check": _HTTP_CHECK,
}
"""Section -> key -> option. vrrp_instance and virtual_server are mappings by name in the file."""

LEFT_OUT: t.Mapping[str, t.Mapping[str, str]] = {
    "vrrp_instance": {
        "state": "The priorities alone decide who is master; leave it out.",
        "preempt": "It is the default; leave it out. nopreempt turns it off.",
        "authentication": "VRRP version 3 has none; leave it out.",
    },
}
"""Section -> keepalived's keyword that has no place here -> what to do about it."""

TOP_LEVEL: t.Mapping[str, str] = {
    "global_defs": "global_defs",
    "vrrp_instances": "vrrp_instance",
    "virtual_servers": "virtual_server",
}
"""Key of the document -> section of SECTIONS."""

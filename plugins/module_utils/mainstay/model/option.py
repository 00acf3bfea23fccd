# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one option of the configuration is: how its value is written, its range, default, unit and help."""

from __future__ import annotations

import typing as t


class Form(t.NamedTuple):
    """How a value is written."""

    ansible_type: str
    """The word of an argument spec: str, int, float, bool, list, dict or raw."""
    expected: str
    """For people: "must be ..."."""
    elements: str = ""
    """Lists only: the word of an argument spec for one element."""


FORMS: t.Mapping[str, Form] = {
    "text": Form("str", "text of at most 64 printable characters"),
    "word": Form("str", "one of the listed words"),
    "integer": Form("int", "a whole number"),
    "boolean": Form("bool", "true or false"),
    "seconds": Form("float", "a number of seconds"),
    "address": Form("str", "an IPv4 address such as 192.0.2.10"),
    "ip_address": Form("str", "an IPv4 or IPv6 address such as 192.0.2.10 or 2001:db8::10"),
    "prefixed_address": Form("str", "an address with its prefix length, such as 192.0.2.10/24 or 2001:db8::10/64"),
    "multicast": Form("str", "a multicast address, IPv4 or IPv6 of link-local scope (ff02::/16)"),
    "multicast4": Form("str", "an IPv4 multicast address such as 224.0.0.18"),
    "multicast6": Form("str", "an IPv6 multicast address of link-local scope such as ff02::12"),
    "broadcast": Form("str", "an IPv4 address, '+' (host bits set) or '-' (host bits clear)"),
    "scope": Form("raw", "global, site, link, host or a number from 0 to 255"),
    "lifetime": Form("raw", "a whole number of seconds from 0 to 4294967295 or 'forever'"),
    "interface": Form("str", "the name of a network interface: 1 to 15 characters, no '/', ':' or blanks"),
    "interfaces": Form("list", "a list of 1 to 1024 names of network interfaces", "str"),
    "label": Form("str", "an address label: 1 to 15 characters without blanks"),
    "name": Form("str", "the name of an object"),
    "names": Form("list", "a list of 1 to 1024 names", "str"),
    "absolute_path": Form("path", "an absolute path"),
    "mail_address": Form("str", "a mail address such as ops@example.com or 'Ops <ops@example.com>'"),
    "mail_addresses": Form("list", "a list of 1 to 64 mail addresses", "str"),
    "mail_host": Form("str", "a host name or an address"),
    "script_user": Form("str", "a user, optionally with a group behind it: 'nobody nogroup'"),
    "command": Form("raw", "a program's absolute path with its arguments, or a mapping with 'command'"),
    "command_line": Form("str", "a program's absolute path with its arguments, quoted as for a shell"),
    "process": Form("raw", "a process's name with its arguments, as text or as a list"),
    "password": Form("str", "text of 1 to 8 printable ASCII characters"),
    "key_text": Form("str", "a key of 32 to 64 bytes: ASCII text, 'hex:' and its digits, or 'file:' and a path"),
    "routes": Form("list", "a list of routes in the words of 'ip route', as '203.0.113.0/24 via 192.0.2.1'", "str"),
    "rules": Form("list", "a list of rules in words of 'ip rule', as 'from 192.0.2.10 table 9 priority 9'", "str"),
    "url_path": Form("str", "a path that starts with '/', without blanks"),
    "host": Form("str", "a host name for the Host header, without blanks and '/'"),
    "status_codes": Form("raw", "HTTP status codes (200, '200-299' or a list of such)"),
    "virtual_addresses": Form("list", "a list of at most 255 addresses, each '192.0.2.10/24' or a mapping", "raw"),
    "many_addresses": Form("list", "a list of at most 1024 addresses, each '192.0.2.10/24' or a mapping", "raw"),
    "unicast_peers": Form("list", "a list of 1 to 255 addresses, each text or a mapping with 'address'", "raw"),
    "tracked_interfaces": Form("list", "a list of interfaces, each 'eth1', 'eth1 weight -20' or a mapping", "raw"),
    "tracked": Form("list", "a list of names, each 'NAME', 'NAME weight -20 reverse' or a mapping", "raw"),
    "tracked_widely": Form("list", "a list of names, each 'NAME', 'NAME weight -20 reverse' or a mapping", "raw"),
    "authentication": Form("dict", "a mapping with 'auth_type' and 'auth_pass'"),
    "auth_hmac": Form("dict", "a mapping with 'keys' and 'active_key'"),
    "hmac_keys": Form("list", "a list of 1 to 255 mappings, each with 'id' and 'key'", "dict"),
    "lvs_sync_daemon": Form("dict", "a mapping with 'interface'"),
    "lvs_timeouts": Form("dict", "a mapping with 'tcp', 'tcpfin' and 'udp', in seconds"),
    "words": Form("list", "a list of the listed words", "str"),
    "prefix": Form("raw", "a netmask such as 255.255.255.0 or a prefix length from 1 to 128"),
    "sorry_server": Form("raw", "'192.0.2.30 80' or a mapping with 'address'"),
    "group_entries": Form(
        "list", "a list of 1 to 1024 entries: '192.0.2.10 80', '192.0.2.10-20 80', 'fwmark 5' or a mapping", "raw"
    ),
    "real_servers": Form("list", "a list of at most 1024 mappings, each with 'address'", "dict"),
    "check": Form("dict", "a mapping with 'type'"),
    "checks": Form("list", "a list of 1 to 16 mappings, each with 'type'", "dict"),
    "urls": Form("list", "a list of at most 64 mappings, each with 'path'", "dict"),
    "endpoints": Form("list", "a list of at most 64 hosts, each '192.0.2.25 25' or a mapping with 'address'", "raw"),
    "headers": Form("dict", "a mapping of at most 64 header names to their values, without line breaks"),
    "body": Form("str", "text of at most 65536 characters"),
    "conversation": Form("str", "text of 1 to 4096 characters, others than ASCII as \\xNN"),
    "hex_bytes": Form("str", "1 to 1400 bytes in hex digits, such as 0001ff"),
    "hex_pattern": Form("str", "1 to 2800 hex digits, x for any, such as 00xxff"),
    "digest": Form("str", "32 hex digits (MD5) or 64 (SHA-256)"),
    "regex": Form("str", "a regular expression of at most 1024 characters"),
    "domain": Form("str", "a domain name of at most 253 characters"),
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
    secret: bool = False
    """Never shown: not in a problem, not in a difference, not in a status."""

    @property
    def ansible_type(self) -> str:
        """The word of an argument spec."""
        return FORMS[self.form].ansible_type

    @property
    def elements(self) -> str:
        """The word of an argument spec for one element of a list; empty for everything else."""
        return FORMS[self.form].elements

    @property
    def expected(self) -> str:
        """What is allowed, for people: "a whole number from 1 to 255"."""
        if self.choices:
            listed = ", ".join(str(choice) for choice in self.choices)
            return f"a list of some of {listed}" if self.form == "words" else f"one of {listed}"
        text = FORMS[self.form].expected
        if self.minimum is not None:
            text += f" from {_plain(self.minimum)} to {_plain(self.maximum)}"
        if self.step is not None:
            text += f" in steps of {_plain(self.step)}"
        return text


def _plain(number: t.Optional[float]) -> str:
    """Digits as in a file, however large: 2678400, 0.01."""
    return str(int(number)) if number is not None and number == int(number) else str(number)


def integer(help_text: str, minimum: int, maximum: int, default: t.Optional[int] = None, **more: t.Any) -> Option:
    """A whole number within a range."""
    return Option("integer", help_text, default, minimum=minimum, maximum=maximum, **more)


def seconds(
    help_text: str, minimum: float, maximum: float, default: t.Optional[float], step: t.Optional[float] = None
) -> Option:
    """A span of time within a range."""
    return Option("seconds", help_text, default, minimum=minimum, maximum=maximum, step=step, unit="s")


def word(help_text: str, *choices: t.Union[str, int], default: object = None, required: bool = False) -> Option:
    """One of a few words, or of a few numbers."""
    form = "integer" if isinstance(choices[0], int) else "word"
    return Option(form, help_text, default, required, choices=choices)


def boolean(help_text: str, default: t.Optional[bool] = False) -> Option:
    """true or false; with default None left out means something else, which the help tells."""
    return Option("boolean", help_text, default)

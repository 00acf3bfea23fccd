# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of docs/configuration.md anew from the runtime's model; the prose around them stays.

    PYTHONPATH=plugins/module_utils python tests/setup/configuration_page.py      (make docs)

A table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`: one for each section of the model, and
`defaults` for what differs from keepalived.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from mainstay.model.options import SECTIONS, Option

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"

# What keepalived does when a keyword is left out, as ours spells it. Ellipsis: it has no such keyword.
# A new option of the model has to be entered here (a test asks for it).
KEEPALIVED: t.Mapping[str, t.Mapping[str, object]] = {
    "global_defs": {"router_id": "", "data_plane": ...},
    "vrrp_instance": {
        "interface": "required", "virtual_router_id": "required", "virtual_ipaddress": None,
        "priority": "100, but 255 with `state MASTER`", "advert_int": 1, "version": 2, "nopreempt": False,
        "vip_lease": ..., "garp_master_delay": 5, "garp_master_repeat": 5, "garp_master_refresh": 0,
        "garp_master_refresh_repeat": 1,
    },
    "virtual_address": {"address": "required", "dev": None, "label": None},
    "virtual_server": {
        "address": "required", "port": None, "protocol": "UDP", "lb_algo": "wlc", "lb_kind": "NAT",
        "delay_loop": 60, "persistence_timeout": 0, "inhibit_on_failure": False,
        "real_servers": "a service without any is dropped",
    },
    "real_server": {
        "address": "required", "port": None, "weight": 1, "inhibit_on_failure": None, "check": None,
    },
    "tcp_check": {
        "type": "required", "connect_ip": None, "connect_port": None, "connect_timeout": "5 s for each step",
        "retry": 1, "delay_before_retry": 1,
    },
    "http_check": {
        "type": "required", "connect_ip": None, "connect_port": None, "connect_timeout": "5 s for each step",
        "retry": 1, "delay_before_retry": 3, "path": "required", "status_code": "200-299", "virtualhost": None,
        "http_protocol": "1.0",
    },
}  # fmt: skip

# Why ours differs. Every difference has its reason here, and nothing else is in it (a test compares).
WHY: t.Mapping[str, str] = {
    "vrrp_instance.virtual_ipaddress": "A virtual router without an address protects nothing.",
    "vrrp_instance.priority": "There is no `state`. 255 means the owner of the addresses (RFC 9568); a router that "
    "has it by accident takes over at once and cannot be preempted.",
    "vrrp_instance.version": "RFC 9568 is version 3. It carries intervals below a second, and backups take the "
    "master's. Both directors of a group must speak the same: beside keepalived, say `version 3` there.",
    "virtual_server.port": "A service for every port is opened by one forgotten word.",
    "virtual_server.protocol": "A web service that was balanced as UDP without a word has cost many an evening.",
    "virtual_server.delay_loop": "A dead server would be offered to clients for up to a minute.",
    "virtual_server.real_servers": "An empty pool is kept and shown in the status: a service that vanishes silently "
    "looks like one that was never configured.",
    "real_server.port": "Said where it is needed, and with DR it must be the service's (it is checked).",
    "check.connect_timeout": "One deadline for the whole probe. A server that sends a byte now and then would "
    "otherwise hold a probe for ever.",
    "http_check.path": "The most common path.",
}


def tables() -> dict[str, str]:
    """Name of each table -> its text."""
    return {**{section: options_table(section) for section in SECTIONS}, "defaults": defaults_table()}


def page(text: str) -> str:
    """The page with every table as the model has it. Raises ValueError for a table that has no place."""
    for name, table in tables().items():
        place = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if len(place.findall(text)) != 1:
            raise ValueError(f"the page must have one <!-- begin {name} --> and <!-- end {name} -->")
        text = place.sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", text)  # type: ignore[misc]
    return text


def options_table(section: str) -> str:
    rows = [
        (f"`{key}`", cell(option.expected), default_of(option), cell(option.help))
        for key, option in SECTIONS[section].items()
    ]
    return markdown(("option", "value", "default", "meaning"), rows)


def default_of(option: Option) -> str:
    if option.required:
        return "**required**"
    if option.default is None:
        return "none"
    return f"`{spelt(option.default)}`"


def spelt(value: object) -> str:
    """As the file spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return {"": '""', (): "[]"}.get(t.cast(str, value), str(value))


def defaults_table() -> str:
    """What differs from keepalived. A check's options that differ alike are one row."""
    rows: dict[str, tuple[str, str, str, str]] = {}
    for section, options in SECTIONS.items():
        for key, option in options.items():
            theirs = KEEPALIVED[section][key]
            if theirs is ... or not differs(option, theirs):
                continue
            name = reason_name(section, key)
            rows[name] = (f"`{name}`", default_of(option), told(theirs), WHY[name])
    return markdown(("option", "here", "keepalived", "why"), list(rows.values()))


def differs(option: Option, theirs: object) -> bool:
    return theirs != ("required" if option.required else option.default)


def told(theirs: object) -> str:
    return "may be left out" if theirs is None else f"{theirs}"


def reason_name(section: str, key: str) -> str:
    """Where WHY has it: what both kinds of check share stands under `check`."""
    shared = section.endswith("_check") and KEEPALIVED["tcp_check"].get(key) == KEEPALIVED["http_check"].get(key)
    return f"check.{key}" if shared else f"{section}.{key}"


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def markdown(head: tuple[str, ...], rows: list[tuple[str, str, str, str]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

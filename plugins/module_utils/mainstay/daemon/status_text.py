# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status as a page for a tired operator: what is wrong first, then who is master, then the pools.

Pure text in, text out. Cells come from the daemon and in part from real servers: what could steer a terminal is
replaced.
"""

from __future__ import annotations

import typing as t

Section = t.Mapping[str, t.Any]
_Row = t.Sequence[object]

_GAP = "  "
_INSTANCE_HEAD = ("INSTANCE", "STATE", "SINCE", "INTERFACE", "VRID", "PRIORITY", "MASTER", "ADDRESSES HELD")
_SERVER_HEAD = ("REAL SERVER", "STATE", "WEIGHT", "ACTIVE", "INACTIVE", "SINCE", "REASON")


def status_page(status: Section) -> str:
    """The whole page, with a line end."""
    parts = [_headline(status), *_trouble(status), "", *_vrrp(_section(status, "vrrp")), *_lvs(_section(status, "lvs"))]
    return "\n".join(parts).rstrip("\n") + "\n"


def _headline(status: Section) -> str:
    config = _section(status, "config")
    loaded = f"{_text(config.get('path'))} of {_time(config.get('loaded_at'))}"
    return f"mainstayd {_text(status.get('version'))}, pid {_text(status.get('pid'))}, runs {loaded}"


def _trouble(status: Section) -> t.List[str]:
    """Everything that wants a human, marked so that the eye and grep find it."""
    found = [*_worker_trouble(status), *_reload_trouble(_section(status, "config"))]
    lvs = _section(status, "lvs")
    if lvs.get("error"):
        found.append(f"data plane {_text(lvs.get('data_plane'))}: {_text(lvs['error'])}")
    for name, instance in _section(_section(status, "vrrp"), "instances").items():
        found += [f"vrrp_instance {_text(name)}: {_text(one)}" for one in instance.get("problems") or ()]
    for name, service in _section(lvs, "virtual_servers").items():
        found += [f"virtual_server {_text(name)}: {_text(one)}" for one in service.get("refusals") or ()]
        found += _pool_trouble(name, service)
    return [f"!! {one}" for one in found]


def _worker_trouble(status: Section) -> t.Iterator[str]:
    for key, title in (("vrrp", "vrrp worker"), ("lvs", "health worker")):
        section = _section(status, key)
        if not section.get("alive"):
            who = f"{title} (pid {section['pid']}) does not answer" if section.get("pid") else f"{title} is not running"
            yield f"{who}: what stands below is what it said last; see 'journalctl -u mainstay -e'"


def _reload_trouble(config: Section) -> t.Iterator[str]:
    reload = _section(config, "last_reload")
    if reload and not reload.get("ok"):
        yield f"the reload of {_time(reload.get('at'))} was refused; the daemon runs what it ran before"
        for problem in reload.get("problems") or ():
            value = "" if problem.get("value") is None else f" = {_text(problem['value'])}"
            yield f"  {_text(problem.get('path'))}{value}: {_text(problem.get('message'))}"


def _pool_trouble(name: object, service: Section) -> t.Iterator[str]:
    servers = service.get("real_servers") or ()
    usable = [one for one in servers if one.get("in_pool") and one.get("effective_weight")]
    if servers and not usable:
        yield f"virtual_server {_text(name)}: no real server takes new connections"


def _vrrp(section: Section) -> t.List[str]:
    instances = _section(section, "instances")
    if not instances:
        return ["no vrrp_instances", ""]
    rows = [_instance_row(name, instance) for name, instance in instances.items()]
    reasons = [
        f"{_text(name)}: {_text(instance['last_transition'])}"
        for name, instance in instances.items()
        if instance.get("last_transition")
    ]
    return [*_table(_INSTANCE_HEAD, rows), *reasons, ""]


def _instance_row(name: object, instance: Section) -> _Row:
    state = instance.get("state")
    master = "this machine" if state == "MASTER" else instance.get("master") or "unknown"
    held = instance.get("addresses_held") or ()
    configured = instance.get("addresses") or ()
    addresses = " ".join(_text(one) for one in held) or f"none of {len(configured)}"
    return (
        name,
        state,
        _time(instance.get("since")),
        instance.get("interface"),
        instance.get("virtual_router_id"),
        _of(instance.get("effective_priority"), instance.get("priority")),
        master,
        addresses,
    )


def _lvs(section: Section) -> t.List[str]:
    services = _section(section, "virtual_servers")
    if not services:
        return ["no virtual_servers"]
    lines = []
    for name, service in services.items():
        lines.append(_service_line(name, service, section.get("data_plane")))
        rows = [_server_row(server) for server in service.get("real_servers") or ()]
        lines += [f"  {line}" for line in _table(_SERVER_HEAD, rows)] if rows else ["  no real_servers"]
        lines.append("")
    return lines


def _service_line(name: object, service: Section, data_plane: object) -> str:
    words = [service.get("protocol"), f"{service.get('address')}:{service.get('port')}"]
    words += [service.get("lb_algo"), service.get("lb_kind"), data_plane]
    missing = "" if service.get("installed") else _GAP + "NOT INSTALLED"
    return f"virtual_server {_text(name)}{_GAP}{' '.join(_text(word) for word in words)}{missing}"


def _server_row(server: Section) -> _Row:
    state = _text(server.get("state"))
    return (
        f"{server.get('address')}:{server.get('port')}",
        state.upper() if state == "down" else state,
        _of(server.get("effective_weight"), server.get("weight")),
        server.get("active_connections"),
        server.get("inactive_connections"),
        _time(server.get("since")),
        server.get("reason"),
    )


def _of(effective: object, configured: object) -> str:
    """One figure where both agree, else "90 of 100"."""
    return _text(configured) if effective == configured else f"{_text(effective)} of {_text(configured)}"


def _table(head: t.Sequence[str], rows: t.Sequence[_Row]) -> t.List[str]:
    """Columns as wide as their widest cell; the last one is left ragged."""
    cells = [list(head), *[[_text(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [_GAP.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]


def _time(value: object) -> str:
    """ISO 8601 without the T and the offset: the machine's own time."""
    return _text(value)[:19].replace("T", " ")


def _text(value: object) -> str:
    text = "-" if value is None or value == "" else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def _section(section: Section, key: str) -> Section:
    found = section.get(key)
    return found if isinstance(found, t.Mapping) else {}

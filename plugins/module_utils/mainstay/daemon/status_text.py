# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status as a page for a tired operator: what is wrong first, then who is master, then the pools.

Below each instance stand, aligned with its state, what led to that state and what it hears but cannot take. What a
silent worker said last carries a question mark. Pure text in, text out. Cells come from the daemon and in part from
real servers: what could steer a terminal is replaced.
"""

from __future__ import annotations

import typing as t

from ..model.units import as_seconds

Section = t.Mapping[str, t.Any]
_Row = t.Sequence[object]

_GAP = "  "
_STALE = "?"
_ADDRESSES_SHOWN = 12
_ADDRESSES_IN_A_LINE = 2
# Counted for the interface and ordinary: another group of routers lives on the same segment.
_STRANGERS = "virtual_router_id"
_INSTANCE_HEAD = ("INSTANCE", "STATE", "SINCE", "INTERFACE", "VRID", "PRIORITY", "MASTER", "ADDRESSES HELD")
_SERVER_HEAD = ("REAL SERVER", "STATE", "WEIGHT", "ACTIVE", "INACTIVE", "SINCE", "REASON")


def status_page(status: Section) -> str:
    """The whole page, with a line end."""
    tables = [*_vrrp(_section(status, "vrrp")), *_lvs(_section(status, "lvs"))]
    parts = [_headline(status), *_trouble(status), "", *tables]
    return "\n".join(parts).rstrip("\n") + "\n"


def _headline(status: Section) -> str:
    config = _section(status, "config")
    loaded = f"{_text(config.get('path'))} of {_time(config.get('loaded_at'))}"
    whose = f"{_text(status['router_id'])}: " if status.get("router_id") else ""
    return f"{whose}mainstayd {_text(status.get('version'))}, pid {_text(status.get('pid'))}, runs {loaded}"


def _trouble(status: Section) -> t.List[str]:
    """Everything that wants a human, marked so that the eye and grep find it."""
    found = [*_worker_trouble(status), *_reload_trouble(_section(status, "config"))]
    lvs = _section(status, "lvs")
    if lvs.get("error"):
        found.append(f"data plane {_text(lvs.get('data_plane'))}: {_text(lvs['error'])}")
    for name, instance in _section(_section(status, "vrrp"), "instances").items():
        subject = f"vrrp_instance {_text(name)}" + (" is in FAULT" if instance.get("state") == "FAULT" else "")
        found += [f"{subject}: {_text(one)}" for one in instance.get("problems") or ()]
    for name, service in _section(lvs, "virtual_servers").items():
        found += [f"virtual_server {_text(name)}: {_text(one)}" for one in service.get("refusals") or ()]
        found += _pool_trouble(name, service)
    return [f"!! {one}" for one in found]


def _worker_trouble(status: Section) -> t.Iterator[str]:
    for key, title in (("vrrp", "vrrp worker"), ("lvs", "health worker")):
        section = _section(status, key)
        if not section.get("alive"):
            who = f"{title} (pid {section['pid']}) does not answer" if section.get("pid") else f"{title} is not running"
            yield f"{who}; {_last_words(status, section)}; see 'journalctl -u mainstay -e'"


def _last_words(status: Section, section: Section) -> str:
    now, said = status.get("as_of"), section.get("as_of")
    if not isinstance(now, int) or not isinstance(said, int):
        return "it has said nothing yet"
    return f"below stands what it said {as_seconds(now - said):.0f} s ago, marked {_STALE}"


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
        down = sum(one.get("state") == "down" for one in servers)
        yield f"virtual_server {_text(name)}: no real server takes new connections ({down} of {len(servers)} down)"


def _vrrp(section: Section) -> t.List[str]:
    instances = _section(section, "instances")
    if not instances:
        return ["no vrrp_instances", ""]
    mark = "" if section.get("alive") else _STALE
    blocks = [_instance_rows(name, instance, mark) for name, instance in instances.items()]
    head, *lines = _table(_INSTANCE_HEAD, [row for block in blocks for row in block])
    margin = head.index(_INSTANCE_HEAD[1]) * " "
    page = [head]
    for block, instance in zip(blocks, instances.values()):
        page += lines[: len(block)]
        page += [margin + one for one in _instance_notes(instance)]
        del lines[: len(block)]
    return [*page, ""]


def _instance_notes(instance: Section) -> t.Iterator[str]:
    if instance.get("last_transition"):
        yield _text(instance["last_transition"])
    discarded = _section(_section(instance, "counters"), "discarded")
    told = [f"{_text(number)} for {_text(reason)}" for reason, number in discarded.items() if reason != _STRANGERS]
    if told:
        yield f"packets discarded so far: {', '.join(told)}"


def _instance_rows(name: object, instance: Section, mark: str) -> t.List[_Row]:
    """One, and one more for each further line of addresses."""
    first, *more = _address_lines(instance)
    blank = [" "] * (len(_INSTANCE_HEAD) - 1)
    return [[*_instance_cells(name, instance, mark), first], *[[*blank, line] for line in more]]


def _instance_cells(name: object, instance: Section, mark: str) -> t.List[object]:
    state = instance.get("state")
    master = "this machine" if state == "MASTER" else instance.get("master") or "unknown"
    return [
        name,
        f"{_text(state)}{mark}",
        _time(instance.get("since")),
        instance.get("interface"),
        instance.get("virtual_router_id"),
        _of(instance.get("effective_priority"), instance.get("priority")),
        master,
    ]


def _address_lines(instance: Section) -> t.List[str]:
    """Those held, some in a line; how many of how many when not all are."""
    held = [_text(one) for one in instance.get("addresses_held") or ()]
    configured = len(instance.get("addresses") or ())
    shown = held[:_ADDRESSES_SHOWN]
    lines = [" ".join(shown[at : at + _ADDRESSES_IN_A_LINE]) for at in range(0, len(shown), _ADDRESSES_IN_A_LINE)]
    if len(held) > len(shown):
        lines.append(f"and {len(held) - len(shown)} more, see --json")
    if not held or len(held) < configured:
        lines.insert(0, f"{len(held) or 'none'} of {configured}")
    return lines


def _lvs(section: Section) -> t.List[str]:
    services = _section(section, "virtual_servers")
    if not services:
        return ["no virtual_servers"]
    mark = "" if section.get("alive") else _STALE
    lines = []
    for name, service in services.items():
        lines.append(_service_line(name, service, section.get("data_plane")))
        rows = [_server_row(server, mark) for server in service.get("real_servers") or ()]
        lines += [f"  {line}" for line in _table(_SERVER_HEAD, rows)] if rows else ["  no real_servers"]
        lines.append("")
    return lines


def _service_line(name: object, service: Section, data_plane: object) -> str:
    words = [service.get("protocol"), f"{service.get('address')}:{service.get('port')}"]
    words += [service.get("lb_algo"), service.get("lb_kind"), data_plane]
    missing = "" if service.get("installed") else _GAP + "NOT INSTALLED"
    return f"virtual_server {_text(name)}{_GAP}{' '.join(_text(word) for word in words)}{missing}"


def _server_row(server: Section, mark: str) -> _Row:
    state = _text(server.get("state")) + mark
    return (
        f"{server.get('address')}:{server.get('port')}",
        state.upper() if server.get("state") == "down" else state,
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

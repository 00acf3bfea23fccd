# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pools as a page for a tired operator: what is wrong first, then every service with its servers.

Weights are those of the kernel: "0 of 5" has the configured one behind it, "-" is not in the pool. What a silent
worker said last carries a question mark, and so does a server that this host cannot check.
Whatever real servers may have put into a text cannot steer a terminal.
"""

from __future__ import annotations

import typing as t

from ...lvs.table import endpoint_text
from ...model.units import as_seconds, seconds
from .page_words import GAP, STALE, Row, Section, of, section_of, table, text, time

_HEAD = ("REAL SERVER", "STATE", "WEIGHT", "ACTIVE", "INACTIVE", "SINCE", "LAST CHECK")
_LOUD = ("down", "damped", "maintenance", "draining", "forced")
"""States that somebody should see from across the room."""
_NAMED = 3
"""So many servers are named where all of them have the same trouble."""


def servers_page(answer: Section) -> str:
    """The answer to `servers` as text, with a line end."""
    lvs = section_of(answer, "lvs")
    services = section_of(lvs, "virtual_servers")
    trouble = [*_worker_trouble(lvs), *override_sentences(section_of(answer, "overrides"), services)]
    for name, service in services.items():
        trouble += pool_trouble(name, service)
    lines = [f"!! {one}" for one in trouble] + ([""] if trouble else [])
    mark = "" if lvs.get("alive") else STALE
    for name, service in services.items():
        lines += [*service_lines(name, service, lvs.get("data_plane"), mark), ""]
    lines += [] if services else ["no virtual_servers"]
    lines += _count_age(lvs)
    return "\n".join(lines).rstrip("\n") + "\n"


def _count_age(lvs: Section) -> t.List[str]:
    """Where it takes a while to count connections, how old the figures are."""
    counted_at, as_of = lvs.get("counted_at"), lvs.get("as_of")
    if not isinstance(counted_at, int) or not isinstance(as_of, int) or as_of - counted_at < seconds(1):
        return []
    return [f"connections were counted {_ago(as_seconds(as_of - counted_at))} ago"]


def override_sentences(overrides: Section, shown: t.Optional[t.Container[object]] = None) -> t.Iterator[str]:
    """Orders of people and files, and what is wrong with them. `shown`: services that matter; None: all."""
    for order in overrides.get("orders") or ():
        if shown is None or order.get("service") in shown or not order.get("known", True):
            yield override_sentence(order)
    if overrides.get("problem"):
        yield f"overrides: {text(overrides['problem'])}"
    directory = section_of(overrides, "maintenance_directory")
    if directory.get("problem"):
        since = f"since {time(directory['since'])}: " if directory.get("since") else ""
        yield f"maintenance_directory: {since}{text(directory['problem'])}"
    for name, meant in section_of(directory, "files").items():
        servers = [one for one in meant if shown is None or one.partition(" ")[0] in shown]
        where = f"{text(directory.get('path'))}/{text(name)}"
        if servers:
            yield f"{where} holds {', '.join(map(text, servers))} in maintenance; remove it to end that"
        elif not meant:
            yield f"{where} means no real_server of the configuration"


def override_sentence(order: Section) -> str:
    """Who ordered what, why, and how it is undone."""
    figure = f" {text(order.get('weight'))}" if order.get("action") == "weight" else ""
    reason = f": {text(order['reason'])}" if order.get("reason") else ", no reason given"
    whom = f"{text(order.get('service'))} {text(order.get('server'))}"
    given = f"{whom}: {text(order.get('action'))}{figure} by {text(order.get('by'))} at {time(order.get('at'))}{reason}"
    gone = "" if order.get("known", True) else "; the configuration has no such server"
    return f"real_server {given}{gone}; 'mainstay restore {whom}' ends it"


def pool_trouble(name: object, service: Section) -> t.Iterator[str]:
    """What is wrong with one service."""
    subject = f"virtual_server {text(name)}"
    yield from (f"{subject}: {text(one)}" for one in service.get("refusals") or ())
    servers = service.get("real_servers") or ()
    yield from (f"{subject}: {one}" for one in _unchecked(servers))
    if service.get("quorum_up") is False:
        figures = f"live weight {text(service.get('live_weight'))}, needed {text(service.get('needed'))}"
        yield f"{subject}: quorum is lost, {figures}"
    if service.get("floor_holds"):
        held = ", ".join(text(one) for one in service["floor_holds"])
        yield f"{subject}: pool_floor keeps failed servers in: {held}"
    if servers and not usable_servers(service):
        down = sum(one.get("state") == "down" for one in servers)
        sorry = "the sorry_server answers" if service.get("sorry_in") else "connections fail"
        yield f"{subject}: no real_server takes new connections ({down} of {len(servers)} down), {sorry}"


def _unchecked(servers: t.Sequence[Section]) -> t.Iterator[str]:
    """Servers that stay what they are because this host cannot check them, by what hinders it."""
    hindered: t.Dict[str, t.List[str]] = {}
    for server in servers:
        for one in server.get("hindrances") or ():
            hindered.setdefault(text(one), []).append(server_name(server))
    for hindrance, names in hindered.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"cannot be checked and stay as they are: {', '.join(names[:_NAMED])}{more}: {hindrance}"


def usable_servers(service: Section) -> t.List[str]:
    """Names of those that take new connections."""
    listed = service.get("real_servers") or ()
    return [server_name(one) for one in listed if one.get("in_pool") and one.get("effective_weight")]


def server_name(server: Section) -> str:
    """ "192.0.2.21:80"."""
    return endpoint_text(str(server.get("address")), int(server.get("port") or 0))


def _worker_trouble(lvs: Section) -> t.Iterator[str]:
    if not lvs.get("alive"):
        yield f"the health worker does not answer; below stands what it said last, marked {STALE}"
    if lvs.get("error"):
        yield f"data plane {text(lvs.get('data_plane'))}: {text(lvs['error'])}"
    if lvs.get("uncounted"):
        yield f"connections cannot be counted: {text(lvs['uncounted'])}"
    yield from check_trouble(lvs)


def check_trouble(lvs: Section) -> t.Iterator[str]:
    """Checks that have to wait for each other."""
    slots = section_of(lvs, "probe_slots")
    if slots.get("late_now"):
        line = f"{text(slots.get('waiting'))} wait, {text(slots.get('at_once'))} run at once"
        late = f"{text(slots.get('late'))} began late so far, by {text(slots.get('longest_wait'))} s at most"
        yield f"checks are late, failures are found late: {line}, {late}"


def service_lines(name: object, service: Section, data_plane: object, mark: str) -> t.Iterator[str]:
    """One service with its servers; `mark` stands behind what may be old."""
    keys = service.get("keys") or [f"{service.get('protocol')} {service.get('address')}:{service.get('port')}"]
    words = [", ".join(text(key) for key in keys), service.get("lb_algo"), service.get("lb_kind"), data_plane]
    missing = "" if service.get("installed", True) else f"{GAP}NOT INSTALLED"
    resting = f"{GAP}checks rest (ha_suspend)" if service.get("suspended") else ""
    line = f"virtual_server {text(name)}{GAP}{' '.join(text(word) for word in words)}{missing}{GAP}{_quorum(service)}"
    yield line.rstrip() + resting
    rows = [_row(server, mark) for server in service.get("real_servers") or ()]
    yield from (f"  {line}" for line in (table(_HEAD, rows) if rows else ["no real_servers"]))
    for title, key in (("sorry_server", "sorry_in"), ("backup servers", "backup_in")):
        if service.get(key):
            yield f"  {title} in the pool"
    for one in service.get("leaving") or ():
        yield f"  leaving: {text(one if isinstance(one, str) else _leaving(one))}"


def _quorum(service: Section) -> str:
    if service.get("live_weight") is None:
        return ""
    state = "quorum" if service.get("quorum_up") else "NO QUORUM"
    return f"{state}: live weight {text(service['live_weight'])}, needed {text(service.get('needed'))}"


def _leaving(one: Section) -> str:
    left = one.get("active_connections")
    return f"{server_name(one)}" + ("" if left is None else f", {left} established connections")


def _row(server: Section, mark: str) -> Row:
    state = text(server.get("state"))
    unchecked = STALE if server.get("hindrances") and not mark else ""
    return (
        server_name(server),
        (state.upper() if state in _LOUD else state) + mark + unchecked,
        of(server.get("effective_weight"), server.get("weight")) if server.get("in_pool") else "-",
        server.get("active_connections"),
        server.get("inactive_connections"),
        time(server.get("since")),
        _verdict(server),
    )


def _verdict(server: Section) -> str:
    """ "2 s ago: HTTP 503, accepted are 200-299"; what an operator should hear besides stands behind it."""
    age = server.get("age")
    when = f"{_ago(age)} ago: " if isinstance(age, (int, float)) else ""
    notes = "".join(f"; {one}" for one in server.get("notes") or ())
    return f"{when}{text(server.get('reason'))}{notes}"


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"

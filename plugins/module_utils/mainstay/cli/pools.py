# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verbs about real servers: servers, drain, maintenance, force, weight. Their end is `restore`, as a demotion's."""

from __future__ import annotations

import json
import time
import typing as t

from ..daemon.client import request
from ..daemon.drained import server_section
from .output import GOOD, REFUSED, AddVerb, complain, printable, write

if t.TYPE_CHECKING:
    import argparse

_STATUSES = "Exit status 0: %s, 2: refused (unknown name, no permission), 1: no daemon."
_HOLDS = " Holds over reloads, restarts and boots until 'restore SERVICE SERVER'. For root. "
_SERVERS_HELP = (
    "Show the pools: live weights, states, connections, the last verdict of each check and its age. What is wrong "
    "comes first (!!). " + _STATUSES % "shown"
)
_DRAIN_HELP = (
    "Give a real server no new connections; those that it has go on. With --wait until none is established."
    + _HOLDS
    + _STATUSES % "done, with --wait: no connection is left"
    + " 3: with --wait, connections are left, 4: they cannot be counted."
)
_MAINTENANCE_HELP = "Take a real server out of its pool, whatever its checks say." + _HOLDS + _STATUSES % "done"
_FORCE_HELP = "Keep a real server in its pool, whatever its checks say." + _HOLDS + _STATUSES % "done"
_WEIGHT_HELP = (
    "Give a real server this weight instead of the configured one; its checks still count."
    + _HOLDS
    + _STATUSES % "done"
)


_DECIDES_WITHIN = 2.0  # seconds
_LOOK_AGAIN = 0.05  # seconds


def add_verbs(verb: AddVerb) -> t.List[argparse.ArgumentParser]:
    """All of these; they want --run-dir too."""
    servers = verb("servers", _servers, _SERVERS_HELP)
    servers.add_argument("service", metavar="SERVICE", nargs="?")
    servers.add_argument("--json", action="store_true", help="everything, for programs")
    drain = verb("drain", _drain, _DRAIN_HELP)
    maintenance = verb("maintenance", _giver("maintenance"), _MAINTENANCE_HELP)
    force = verb("force", _giver("force"), _FORCE_HELP)
    weight = verb("weight", _giver("weight"), _WEIGHT_HELP)
    for parser in (drain, maintenance, force, weight):
        parser.add_argument("service", metavar="SERVICE")
        parser.add_argument("server", metavar="SERVER", help="ADDRESS:PORT, or ADDRESS when that is enough")
        parser.add_argument("--reason", metavar="TEXT", default="", help="shown wherever the order is")
    weight.add_argument("weight", metavar="N", type=int, help="0 to 65535")
    drain.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_patience,
        nargs="?",
        const=float("inf"),
        help="until no connection is established, so long at most (default: for ever)",
    )
    return [servers, drain, maintenance, force, weight]


def _patience(text: str) -> float:
    """Seconds; also "inf", but no "nan", which would never end."""
    import argparse

    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a number of seconds from 0 up")
    return seconds


def _servers(options: argparse.Namespace) -> int:
    from ..daemon.pages.servers_text import servers_page

    service = {} if options.service is None else {"service": options.service}
    answer = request("servers", options.run_dir, **service)
    if not answer.get("ok"):
        complain(str(answer.get("error")))
        return REFUSED
    write(json.dumps(answer, indent=2) + "\n" if options.json else servers_page(answer))
    return GOOD


def _giver(action: str) -> t.Callable[[argparse.Namespace], int]:
    def give(options: argparse.Namespace) -> int:
        order = _give(action, options)
        return REFUSED if order is None else GOOD

    return give


def _drain(options: argparse.Namespace) -> int:
    order = _give("drain", options)
    if order is None:
        return REFUSED
    if options.wait is None:
        return GOOD
    from .draining import wait_until_drained

    return wait_until_drained(options.run_dir, order["service"], order["server"], options.wait)


def _give(action: str, options: argparse.Namespace) -> t.Optional[t.Mapping[str, t.Any]]:
    """Give the order and tell what it means now; None when it was refused."""
    more = {"weight": options.weight} if action == "weight" else {}
    said = {"service": options.service, "server": options.server, "reason": options.reason}
    answer = request(action, options.run_dir, **said, **more)
    if not answer.get("ok"):
        complain(str(answer.get("error")))
        return None
    order: t.Mapping[str, t.Any] = answer["orders"][0]
    lines = [f"{_given(order)}; 'mainstay restore {order['service']} {order['server']}' ends it"]
    lines += [f"!! {note}" for note in (*answer.get("notes", ()), answer.get("problem")) if note]
    lines += [f"!! {line}" for line in _what_is_left(options.run_dir, order)]
    write("".join(f"{printable(line)}\n" for line in lines))
    return order


def _given(order: t.Mapping[str, t.Any]) -> str:
    figure = f" {order['weight']}" if order["action"] == "weight" else ""
    return f"{order['action']}{figure}: {order['service']} {order['server']}"


def _what_is_left(run_directory: str, order: t.Mapping[str, t.Any]) -> t.List[str]:
    """Whoever takes the last server out, or the one that the quorum hangs on, should learn it from us."""
    from ..daemon.pages.servers_text import usable_servers

    if order["action"] == "force":
        return []
    lvs = _decided(run_directory, order)
    if not lvs.get("alive"):
        return ["the health worker does not answer, see 'mainstay status'; the order counts once it does"]
    section = lvs.get("virtual_servers", {}).get(order["service"], {})
    if section.get("quorum_up") is not False:
        return []
    subject = f"virtual_server {order['service']}"
    left = [name for name in usable_servers(section) if order["weight"] or name != order["server"]]
    figures = f"live weight {section.get('live_weight')}, needed {section.get('needed')}"
    lost = [f"{subject}: quorum is lost, {figures}"]
    if section.get("sorry_in"):
        return [*lost, f"{subject}: no real_server takes new connections, the sorry_server answers"]
    return lost if left else [*lost, f"{subject}: no other real_server takes new connections"]


def _decided(run_directory: str, order: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """What the health worker says once it has decided with the order; as it is when that takes too long."""
    deadline = time.monotonic() + _DECIDES_WITHIN
    while True:
        answer = request("servers", run_directory, service=order["service"])
        lvs: t.Mapping[str, t.Any] = answer.get("lvs") or {}
        server = server_section(answer, order["service"], order["server"]) if lvs else None
        if server is None or not lvs.get("alive") or _is_taken(server, order) or time.monotonic() >= deadline:
            return lvs
        time.sleep(_LOOK_AGAIN)


def _is_taken(server: t.Mapping[str, t.Any], order: t.Mapping[str, t.Any]) -> bool:
    """A file of the maintenance_directory is stronger than the order."""
    held = server.get("override") or {}
    same = (held.get("action"), held.get("weight")) == (order["action"], order["weight"])
    return same or server.get("state") == "maintenance"

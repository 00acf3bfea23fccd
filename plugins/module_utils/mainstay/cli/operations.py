# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verbs that ask a running daemon why and since when, and take routers out of the election: explain, events, demote,
restore.
"""

from __future__ import annotations

import json
import typing as t

from ..daemon.client import request
from .output import GOOD, REFUSED, AddVerb, complain, printable, write

if t.TYPE_CHECKING:
    import argparse

_STATUSES = "Exit status 0: %s, 2: refused (unknown name, no permission), 1: no daemon."
_EXPLAIN_HELP = "Tell why an instance is in its state and what would change it. " + _STATUSES % "told"
_EVENTS_HELP = (
    "Show what happened on this machine, the newest last; NAME is an instance, a group, a service, a server "
    "(192.0.2.21:80) or mainstayd. " + _STATUSES % "shown"
)
_DEMOTE_HELP = (
    "Take instances out of the election until 'restore': a master hands over at once, and a backup takes over only "
    "when nobody else can. Members of a sync group go together. Holds over restarts and boots. For root. "
    + _STATUSES
    % "done"
)
_RESTORE_HELP = (
    "Put back what was demoted, or end what was ordered about real servers (drain, maintenance, force, weight): all "
    "about a SERVICE, or about some of its SERVERs. For root. " + _STATUSES % "done"
)


def add_verbs(verb: AddVerb) -> t.List[argparse.ArgumentParser]:
    """All of these; they want --run-dir too."""
    explain = verb("explain", _explain, _EXPLAIN_HELP)
    explain.add_argument("instance", metavar="INSTANCE")
    events = verb("events", _events, _EVENTS_HELP)
    events.add_argument("-n", dest="count", metavar="N", type=int, default=50, help="so many (default: %(default)s)")
    events.add_argument("name", metavar="NAME", nargs="?")
    for parser in (explain, events):
        parser.add_argument("--json", action="store_true", help="everything, for programs")
    demote = verb("demote", _demote, _DEMOTE_HELP)
    demote.add_argument("--reason", metavar="TEXT", default="", help="shown wherever the demotion is")
    restore = verb("restore", _restore, _RESTORE_HELP)
    demote.add_argument("names", metavar="INSTANCE|GROUP", nargs="*")
    demote.add_argument("--all", action="store_true", help="instead of names")
    restore.add_argument("names", metavar="INSTANCE|GROUP|SERVICE [SERVER]", nargs="*")
    restore.add_argument("--all", action="store_true", help="instead of names: all demotions, or see --of")
    restore.add_argument(
        "--of", choices=("instances", "servers"), help="which, where a name means both; with --all, default instances"
    )
    return [explain, events, demote, restore]


def _explain(options: argparse.Namespace) -> int:
    from ..daemon.pages.explain_text import explain_page

    answer = request("explain", options.run_dir, instance=options.instance)
    return _show(answer, explain_page, options.json)


def _events(options: argparse.Namespace) -> int:
    from ..daemon.pages.events_text import events_page

    name = {} if options.name is None else {"name": options.name}
    answer = request("events", options.run_dir, count=options.count, **name)
    return _show(answer, events_page, options.json)


def _demote(options: argparse.Namespace) -> int:
    answer = request("demote", options.run_dir, names=options.names, all=options.all, reason=options.reason)
    return _show(answer, _changed_page("demoted"), as_json=False)


def _restore(options: argparse.Namespace) -> int:
    of = {} if options.of is None else {"of": options.of}
    answer = request("restore", options.run_dir, names=options.names, all=options.all, **of)
    page = _restored_servers if "demoted" not in answer else _changed_page("restored")
    status = _show(answer, page, as_json=False)
    if options.all and options.of is None and status == GOOD:
        write(_left_to_restore(options.run_dir))
    return status


def _left_to_restore(run_directory: str) -> str:
    """Whoever says --all may believe that it is."""
    overrides = request("servers", run_directory).get("overrides") or {}
    left = len(overrides.get("orders") or ())
    return (
        f"orders about real servers hold on, {left}: 'mainstay restore --all --of servers' ends them\n" if left else ""
    )


def _restored_servers(answer: t.Mapping[str, t.Any]) -> str:
    lines = [f"restored: {one['service']} {one['server']}, {one['action']} ended" for one in answer["orders"]]
    lines += [f"!! {note}" for note in (*answer.get("notes", ()), answer.get("problem")) if note]
    return "".join(f"{printable(line)}\n" for line in lines or ["nothing to be restored"])


def _changed_page(done: str) -> t.Callable[[t.Mapping[str, t.Any]], str]:
    def page(answer: t.Mapping[str, t.Any]) -> str:
        lines = [f"{done}: {_meant(order)}" for order in answer["orders"]] or [f"nothing to be {done}"]
        lines.append(f"demoted now: {', '.join(answer['demoted']) or 'none'}")
        if answer.get("problem"):
            lines.append(f"!! {answer['problem']}")
        return "".join(f"{printable(line)}\n" for line in lines)

    return page


def _meant(order: t.Mapping[str, t.Any]) -> str:
    if order["kind"] == "ALL":
        return "every vrrp_instance"
    members = f" ({', '.join(order['instances'])})" if order["kind"] == "GROUP" else ""
    return f"{order['name']}{members}"


def _show(answer: t.Mapping[str, t.Any], page: t.Callable[[t.Mapping[str, t.Any]], str], as_json: bool) -> int:
    if not answer.get("ok"):
        complain(str(answer.get("error")))
        return REFUSED
    write(json.dumps(answer, indent=2) + "\n" if as_json else page(answer))
    return GOOD

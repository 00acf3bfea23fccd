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

from ...model.units import as_seconds
from .explain_text import demotion_sentence
from .page_words import GAP, STALE, Section, section_of, text, time
from .servers_text import check_trouble, override_sentences, pool_trouble, server_name, service_lines
from .status_bfd import bfd_tables, bfd_trouble
from .status_vrrp import vrrp_tables, vrrp_trouble


def status_page(status: Section) -> str:
    """The whole page, with a line end."""
    vrrp = section_of(status, "vrrp")
    tables = [*vrrp_tables(vrrp), *bfd_tables(vrrp), *_lvs(section_of(status, "lvs"))]
    parts = [_headline(status), *(f"!! {one}" for one in trouble(status)), "", *tables]
    return "\n".join(parts).rstrip("\n") + "\n"


def _headline(status: Section) -> str:
    config = section_of(status, "config")
    loaded = f"{text(config.get('path'))} of {time(config.get('loaded_at'))}"
    whose = f"{text(status['router_id'])}: " if status.get("router_id") else ""
    return f"{whose}mainstayd {text(status.get('version'))}, pid {text(status.get('pid'))}, runs {loaded}"


def trouble(status: Section) -> t.List[str]:
    """Everything that wants a human; the page marks it so that the eye and grep find it."""
    found = [*_operator_trouble(status), *_worker_trouble(status), *_reload_trouble(section_of(status, "config"))]
    lvs = section_of(status, "lvs")
    if lvs.get("error"):
        found.append(f"data plane {text(lvs.get('data_plane'))}: {text(lvs['error'])}")
    found += check_trouble(lvs)
    for key, title in (("sync_daemon", "lvs_sync_daemon"), ("lvs_timeouts", "lvs_timeouts")):
        if section_of(lvs, key).get("problem"):
            found.append(f"{title}: {text(section_of(lvs, key)['problem'])}")
    found += _mail_trouble(section_of(status, "mail"))
    vrrp = section_of(status, "vrrp")
    found += [*vrrp_trouble(vrrp), *bfd_trouble(vrrp)]
    for name, service in section_of(lvs, "virtual_servers").items():
        found += [*pool_trouble(name, service), *_notes(name, service)]
    return found


def _operator_trouble(status: Section) -> t.Iterator[str]:
    """Somebody took something out on purpose: whoever comes next has to know it before anything else."""
    demotions, events = section_of(status, "demotions"), section_of(status, "events")
    yield from (demotion_sentence(order) for order in demotions.get("orders") or ())
    if demotions.get("problem"):
        yield f"demotions: {text(demotions['problem'])}"
    yield from override_sentences(section_of(status, "overrides"))
    if events.get("problem"):
        yield f"events cannot be written, {text(events['problem'])}; {text(events.get('dropped'))} are missing"


def _worker_trouble(status: Section) -> t.Iterator[str]:
    for key, title in (("vrrp", "vrrp worker"), ("lvs", "health worker")):
        section = section_of(status, key)
        if not section.get("alive"):
            who = f"{title} (pid {section['pid']}) does not answer" if section.get("pid") else f"{title} is not running"
            yield f"{who}; {_last_words(status, section)}; see 'journalctl -u mainstay -e'"


def _last_words(status: Section, section: Section) -> str:
    now, said = status.get("as_of"), section.get("as_of")
    if not isinstance(now, int) or not isinstance(said, int):
        return "it has said nothing yet"
    return f"below stands what it said {as_seconds(now - said):.0f} s ago, marked {STALE}"


def _reload_trouble(config: Section) -> t.Iterator[str]:
    reload = section_of(config, "last_reload")
    if reload and not reload.get("ok"):
        yield f"the reload of {time(reload.get('at'))} was refused; the daemon runs what it ran before"
        for problem in reload.get("problems") or ():
            value = "" if problem.get("value") is None else f" = {text(problem['value'])}"
            yield f"  {text(problem.get('path'))}{value}: {text(problem.get('message'))}"


def _mail_trouble(mail: Section) -> t.Iterator[str]:
    failure = section_of(mail, "last_failure")
    if failure:
        waiting = f"{text(mail.get('waiting'))} wait"
        yield f"mail: {text(failure.get('reason'))} (at {time(failure.get('at'))}); {waiting}"
    if mail.get("dropped"):
        yield f"mail: {text(mail['dropped'])} were dropped since the daemon started"


def _notes(name: object, service: Section) -> t.Iterator[str]:
    """What checks that pass want to be heard: a certificate that ends soon."""
    for server in service.get("real_servers") or ():
        for note in server.get("notes") or ():
            yield f"virtual_server {text(name)}: real_server {server_name(server)}: {text(note)}"


def _lvs(section: Section) -> t.List[str]:
    services = section_of(section, "virtual_servers")
    mark = "" if section.get("alive") else STALE
    lines = _sync_lines(section_of(section, "sync_daemon"), mark)
    if not services:
        return [*lines, "no virtual_servers"]
    for name, service in services.items():
        lines += [*service_lines(name, service, section.get("data_plane"), mark), ""]
    return lines


def _sync_lines(sync: Section, mark: str) -> t.List[str]:
    """Which threads of the connection synchronisation run."""
    if not sync:
        return []
    running = " and ".join(text(role) for role in sync.get("running") or ()) or "none"
    what = f"{text(sync.get('interface'))} syncid {text(sync.get('syncid'))}"
    return [f"lvs_sync_daemon{GAP}{what}{GAP}runs: {running}{mark}", ""]

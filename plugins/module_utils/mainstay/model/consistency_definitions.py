# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions within definitions: files, processes, BFD sessions, garp groups."""

from __future__ import annotations

import typing as t

from .config import BfdInstance, Config, TrackFile, VrrpTrackProcess
from .problems import Problem


def definition_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one."""
    for file in config.track_files.values():
        yield from _file(file)
    for process in config.vrrp_track_processes.values():
        yield from _process(process)
    yield from _sessions(config.bfd_instances.values())
    yield from _garp_groups(config)


def _file(file: TrackFile) -> t.Iterator[Problem]:
    if file.init_file_overwrite and file.init_file is None:
        message = "does nothing without init_file; give the number, or leave this out."
        yield Problem(f"track_files.{file.name}.init_file_overwrite", True, message)


def _process(process: VrrpTrackProcess) -> t.Iterator[Problem]:
    path = f"vrrp_track_processes.{process.name}"
    must_not_run = process.quorum_max == 0 and process.quorum == 1
    if process.quorum_max is not None and process.quorum_max < process.quorum and not must_not_run:
        yield Problem(f"{path}.quorum_max", process.quorum_max, f"must not be below quorum, {process.quorum}.")
    if process.param_match != "exact" and len(process.process) == 1:
        message = "compares arguments, and process has none; give them, or leave this out."
        yield Problem(f"{path}.param_match", process.param_match, message)


def _sessions(sessions: t.Iterable[BfdInstance]) -> t.Iterator[Problem]:
    seen: t.Dict[t.Tuple[str, t.Optional[str]], str] = {}
    for session in sessions:
        path = f"bfd_instances.{session.name}"
        neighbour, source = session.neighbor_ip, session.source_ip
        if source is not None and (":" in source) != (":" in neighbour):
            yield Problem(f"{path}.source_ip", source, f"must be of the family of neighbor_ip, {neighbour}.")
        if neighbour.startswith("fe80:"):
            message = "is link-local, and a session has no interface to say on which link; use another address of it."
            yield Problem(f"{path}.neighbor_ip", neighbour, message)
        if source == neighbour:
            yield Problem(f"{path}.neighbor_ip", neighbour, "is our own source_ip; name the other router.")
        alike = [path for (other, its), path in seen.items() if other == neighbour and None in (its, source)]
        first = seen.setdefault((neighbour, source), alike[0] if alike else path)
        if first != path:
            message = f"is already watched by {first}; track that one in both places, or give both a source_ip."
            yield Problem(f"{path}.neighbor_ip", neighbour, message)


def _garp_groups(config: Config) -> t.Iterator[Problem]:
    seen: t.Dict[str, str] = {}
    for group in config.garp_groups.values():
        for index, interface in enumerate(group.interfaces):
            place = f"garp_groups.{group.name}.interfaces[{index}]"
            first = seen.setdefault(interface, group.name)
            if first != group.name:
                yield Problem(place, interface, f"is already in garp_groups.{first}; an interface is in one group.")

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the maintenance_directory held when it was last seen well, for a daemon that starts while it cannot be read.

A network mount that did not come back at boot must not bring servers into service. Whether the directory is the one
from before is told by the file system that is mounted there: its type and source stay over boots, its number (st_dev)
does not.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import asdict, dataclass, field

from ..journal import Journal
from ..order_file import OrderFile

SUBJECT = "maintenance_directory"

_FILE = "maintenance.json"
_LOST = "which servers its files hold is known only while the directory can be read"


@dataclass(frozen=True)
class MaintenanceFile:
    """One file of the directory."""

    name: str
    owner: int
    """Uid."""
    at: str
    """When it was made or touched, wall clock; "unknown" for what no calendar has: anybody may touch a file into any
    year."""


@dataclass(frozen=True)
class Sighting:
    """A directory as it was seen."""

    path: t.Optional[str]
    file_system: str = ""
    """Type and source of the mount: "nfs4 files:/export"; "" when not known."""
    since: str = ""
    """When it could not be read any more, wall clock; "" for one that can be."""
    files: t.Mapping[str, MaintenanceFile] = field(default_factory=dict)


class MaintenanceMemory:
    """The file with the last sighting."""

    def __init__(self, folder: str, journal: Journal) -> None:
        """`folder`: the state directory."""
        self._file = OrderFile(os.path.join(folder, _FILE), "files", journal, SUBJECT)
        self._kept: t.Optional[t.List[t.Dict[str, t.Any]]] = self._file.read(_checked, _LOST)
        self._last = _sighting(self._kept)
        if self._file.problem:
            self._kept = None  # to be written anew, whatever it says

    @property
    def problem(self) -> t.Optional[str]:
        """A sentence as long as the file does not say what was seen."""
        return self._file.problem

    def of(self, path: str) -> Sighting:
        """How this directory was seen last."""
        return self._last if self._last.path == path else Sighting(path)

    def keep(self, seen: Sighting) -> None:
        """Written only when it is news."""
        of_all = {"directory": seen.path, "file_system": seen.file_system, "since": seen.since}
        documents = [{**of_all, **asdict(file)} for file in seen.files.values()]
        self._last = seen
        if documents != self._kept:
            self._kept = documents
            self._file.write(documents, "a start without the directory brings its servers back into service")


def file_system(path: str) -> t.Tuple[int, str]:
    """Number (st_dev), and type with source, of what is mounted there. Raises OSError."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return os.fstat(descriptor).st_dev, _mount(descriptor)
    finally:
        os.close(descriptor)


def _mount(descriptor: int) -> str:
    """proc(5): fdinfo has the mount's number, mountinfo its line: "NUMBER ... - TYPE SOURCE OPTIONS"."""
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as lines:
        number = next((line.split()[1] for line in lines if line.startswith("mnt_id:")), "")
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        line = next((line for line in lines if line.split(" ", 1)[0] == number), "")
    return " ".join(line.partition(" - ")[2].split()[:2])


def _checked(document: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Raises KeyError or TypeError for what is no entry."""
    entry = {key: document[key] for key in ("directory", "file_system", "since", "name", "owner", "at")}
    if not all(isinstance(value, int if key == "owner" else str) for key, value in entry.items()):
        raise TypeError("no text")
    return entry


def _sighting(entries: t.Sequence[t.Mapping[str, t.Any]]) -> Sighting:
    if not entries:
        return Sighting(None)
    files = {one["name"]: MaintenanceFile(one["name"], one["owner"], one["at"]) for one in entries}
    return Sighting(entries[0]["directory"], entries[0]["file_system"], entries[0]["since"], files)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""global_defs.maintenance_directory: a file there takes real servers out for as long as it is there.

Its name says which: SERVICE (all of its servers), SERVICE@ADDRESS:PORT, or ADDRESS (that machine in every service).
What is in it does not count. Names that begin with a dot are left alone: editors and copying tools make them. A
directory that everybody may write is ignored: anybody could empty a pool.
"""

from __future__ import annotations

import datetime
import os
import stat
import typing as t
from dataclasses import dataclass

from ...lvs.keys import ServerId
from ...lvs.overrides import MAINTENANCE
from ...model.config import Config
from ...net.polling import Poller
from ..demotions import NotPossible
from ..journal import Journal
from ..overrides import ServerOrder, address_in, find_server, known_servers
from .file_watch import FileWatch

_SUBJECT = "maintenance_directory"


@dataclass(frozen=True)
class MaintenanceFile:
    """One file of the directory."""

    name: str
    owner: int
    """Uid."""
    at: str
    """When it was made or touched, wall clock; "unknown" for what no calendar has: anybody may touch a file into any
    year."""


class MaintenanceDirectory:
    """The files that are there, and whom they mean."""

    def __init__(self, poller: Poller, journal: Journal, changed: t.Callable[[], None]) -> None:
        """`changed` is called when a file came or went."""
        self.problem = ""
        """Why no file counts, though a directory is configured; "" when nothing is wrong."""
        self._poller = poller
        self._journal = journal
        self._changed = changed
        self._path: t.Optional[str] = None
        self._watch: t.Optional[FileWatch] = None
        self._files: t.Dict[str, MaintenanceFile] = {}
        self._unknown_told: t.Set[str] = set()

    def configure(self, path: t.Optional[str]) -> None:
        """Watch this directory from now on; None: no file counts."""
        if path == self._path and (path is None) == (self._watch is None):
            return
        self.close()
        self._path, self._files, self.problem = path, {}, ""
        if path is None:
            return
        try:
            self._watch = FileWatch(self._poller)
            self._watch.watch(os.path.join(path, ""), lambda _now: self._look_again())
        except OSError as error:
            remedy = "raise fs.inotify.max_user_instances and reload"
            self._journal.error(_SUBJECT, f"the kernel refused to watch {path} ({error.strerror}); {remedy}")
        self._look()

    def close(self) -> None:
        """Watch no more; what was found stays."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def orders(self, config: Config) -> t.Dict[ServerId, ServerOrder]:
        """Whom the files put into maintenance. A name that means nobody is told once."""
        if not self._files:
            return {}
        known = _Known(config)
        found: t.Dict[ServerId, ServerOrder] = {}
        for file in self._files.values():
            meant = known.meant_by(file.name)
            if not meant:
                self._tell_unknown(file.name)
            found.update({one: self._order(one, file) for one in meant})
        return found

    def status(self, config: Config) -> t.Dict[str, object]:
        """Section of the status answer."""
        known = _Known(config if self._files else Config())
        files = {name: [" ".join(one) for one in known.meant_by(name)] for name in sorted(self._files)}
        return {"path": self._path, "problem": self.problem, "files": files}

    def _order(self, one: ServerId, file: MaintenanceFile) -> ServerOrder:
        by = f"file {os.path.join(self._path or '', file.name)} (uid {file.owner})"
        return ServerOrder(one[0], one[1], MAINTENANCE, None, by, file.at, "")

    def _tell_unknown(self, name: str) -> None:
        if name not in self._unknown_told:
            self._unknown_told.add(name)
            names = "SERVICE, SERVICE@ADDRESS:PORT or ADDRESS of the configuration"
            self._journal.warning(_SUBJECT, f"{self._path}: the file {name!a} means no real_server; it takes {names}")

    # ---- the directory

    def _look_again(self) -> None:
        if self._look():
            self._changed()

    def _look(self) -> bool:
        """Whether other files are there now."""
        before, problem = self._files, ""
        try:
            self._files = _files_in(self._path or "")
        except OSError as error:
            self._files, problem = {}, f"{self._path} cannot be used: {error.strerror}; no file in it counts"
        self._unknown_told &= set(self._files)
        if problem and problem != self.problem:
            self._journal.warning(_SUBJECT, problem)
        elif self.problem and not problem:
            self._journal.info(_SUBJECT, f"{self._path} can be used now")
        self.problem = problem
        return set(before) != set(self._files)


def _files_in(path: str) -> t.Dict[str, MaintenanceFile]:
    """Raises OSError."""
    if os.stat(path).st_mode & stat.S_IWOTH:
        raise PermissionError(0, "everybody may write it; take that away with chmod o-w")
    found: t.Dict[str, MaintenanceFile] = {}
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                file = _file(entry)
                found.update({} if file is None else {file.name: file})
    return found


def _file(entry: os.DirEntry[str]) -> t.Optional[MaintenanceFile]:
    """None when it has gone meanwhile."""
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return MaintenanceFile(entry.name, found.st_uid, touched_at(found.st_mtime))


def touched_at(touched: float) -> str:
    """A file's time for people; tmpfs, xfs and NFS keep years that Python's calendar does not have."""
    try:
        at = datetime.datetime.fromtimestamp(touched, datetime.timezone.utc).astimezone()
    except (ValueError, OverflowError, OSError):
        return "unknown"
    return at.isoformat(timespec="milliseconds")


class _Known:
    """The servers of a configuration, by what a file can call them."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._of_service: t.Dict[str, t.List[ServerId]] = {name: [] for name in config.virtual_servers}
        self._of_address: t.Dict[t.Optional[str], t.List[ServerId]] = {}
        for one in known_servers(config):
            self._of_service[one[0]].append(one)
            self._of_address.setdefault(address_in(one[1]), []).append(one)

    def meant_by(self, name: str) -> t.Sequence[ServerId]:
        """Nobody, if the name says nothing."""
        if name in self._of_service:
            return self._of_service[name]
        service, at, server = name.rpartition("@")
        if not at:
            return self._of_address.get(address_in(f"{name}:0"), ())
        try:
            return (find_server(service, server, self._config),)
        except NotPossible:
            return ()

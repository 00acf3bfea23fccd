# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""global_defs.maintenance_directory: a file there takes real servers out for as long as it is there.

Its name says which: SERVICE (all of its servers), SERVICE@ADDRESS:PORT, or ADDRESS (that machine in every service).
What is in it does not count. Names that begin with a dot are left alone: editors and copying tools make them. A
directory that everybody may write is ignored: anybody could empty a pool.

Only a good look ends a maintenance. While the directory cannot be read (a stale mount, an unmount, wrong rights, a
directory that is gone) the files that were known before count on, also over a restart, and the status says so.
"""

from __future__ import annotations

import os
import stat
import typing as t

from ...lvs.keys import ServerId
from ...lvs.overrides import MAINTENANCE
from ...model.config import Config
from ...model.units import Instant, seconds
from ...net.polling import Poller, Timer
from ..demotions import NotPossible
from ..journal import Journal
from ..overrides import ServerOrder, address_in, find_server, known_servers
from ..wall_clock import time_text, wall_clock
from .file_watch import FileWatch
from .maintenance_memory import SUBJECT, MaintenanceFile, MaintenanceMemory, Sighting, file_system

_LOOK_AGAIN = seconds(1)
"""After an error. A file system that comes back, or that is mounted over the directory, is no event."""
_SHOWN = 10
_END_UNREADABLE = "to end that, make it a readable directory without them (an empty one will do)"
_END_UNMOUNTED = "to end that, mount it again and remove them, or make files of these names here and remove those"


class MaintenanceDirectory:
    """The files that are there, and whom they mean."""

    def __init__(self, poller: Poller, journal: Journal, state_path: str, changed: t.Callable[[], None]) -> None:
        """`state_path`: the state directory. `changed` is called when a file came or went."""
        self.problem = ""
        """Why what is there now does not count, or not all of it; "" when nothing is wrong."""
        self._poller = poller
        self._journal = journal
        self._changed = changed
        self._path: t.Optional[str] = None
        self._watch: t.Optional[FileWatch] = None
        self._memory = MaintenanceMemory(state_path, journal)
        self._files: t.Mapping[str, MaintenanceFile] = {}
        self._file_system: t.Tuple[t.Optional[int], str] = None, ""
        """Of the last good look; what another daemon has looked at has no number."""
        self._since = ""
        """When `problem` began."""
        self._timer: t.Optional[Timer] = None
        self._unknown_told: t.Set[str] = set()

    def configure(self, path: t.Optional[str]) -> None:
        """Watch this directory from now on; None: no file counts."""
        if path is None:
            self._memory.keep(Sighting(None))
        if path == self._path and (path is None) == (self._watch is None):
            return
        self.close()
        if path != self._path:
            self._begin(path)
        if path is None:
            return
        try:
            self._watch = FileWatch(self._poller)
            self._arm(self._watch)
        except OSError as error:
            remedy = "raise fs.inotify.max_user_instances and reload"
            self._journal.error(SUBJECT, f"the kernel refused to watch {path} ({error.strerror}); {remedy}")
        self._look()

    def _begin(self, path: t.Optional[str]) -> None:
        seen = Sighting(None) if path is None else self._memory.of(path)
        self._path, self._files, self._since, self.problem = path, seen.files, seen.since, ""
        self._file_system = None, seen.file_system

    def close(self) -> None:
        """Watch no more; what was found stays."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
        problem = "; ".join(filter(None, (self.problem, self._memory.problem)))
        return {"path": self._path, "problem": problem, "since": self._since, "files": files}

    def _order(self, one: ServerId, file: MaintenanceFile) -> ServerOrder:
        by = f"file {os.path.join(self._path or '', file.name)} (uid {file.owner})"
        return ServerOrder(one[0], one[1], MAINTENANCE, None, by, file.at, "")

    def _tell_unknown(self, name: str) -> None:
        if name not in self._unknown_told:
            self._unknown_told.add(name)
            names = "SERVICE, SERVICE@ADDRESS:PORT or ADDRESS of the configuration"
            self._journal.warning(SUBJECT, f"{self._path}: the file {name!a} means no real_server; it takes {names}")

    # ---- the directory

    def _arm(self, watch: FileWatch) -> None:
        watch.watch(os.path.join(self._path or "", ""), lambda _now: self._look_again())

    def _look_again(self) -> None:
        if self._look():
            self._changed()

    def _look(self) -> bool:
        """Whether other files count now."""
        before = self._files
        try:
            problem = self._take(*_files_in(self._path or ""))
        except OSError as error:
            problem = f"{self._path} cannot be used: {error.strerror}; {_kept(before, _END_UNREADABLE)}"
        self._since = (self._since or wall_clock()) if problem else ""
        if self._files or not problem:
            self._memory.keep(Sighting(self._path, self._file_system[1], self._since, self._files))
        self._unknown_told &= set(self._files)
        if problem and problem != self.problem:
            self._journal.error(SUBJECT, problem)
        elif self.problem and not problem:
            self._journal.info(SUBJECT, f"{self._path} can be used now")
        self.problem = problem
        self._look_again_later()
        return set(before) != set(self._files)

    def _take(self, there: t.Tuple[int, str], found: t.Dict[str, MaintenanceFile]) -> str:
        """These are there. What is wrong: on another file system a file that is missing was not removed by anybody."""
        lost: t.Dict[str, MaintenanceFile] = {}
        if self._is_another(*there):
            lost = {name: file for name, file in self._files.items() if name not in found}
        self._files = {**lost, **found}
        if lost:
            return f"{self._path} is on another file system than before; {_kept(lost, _END_UNMOUNTED)}"
        self._file_system = there
        return ""

    def _is_another(self, device: int, mounted: str) -> bool:
        before, was_mounted = self._file_system
        return bool(was_mounted) and mounted != was_mounted if before is None else device != before

    def _look_again_later(self) -> None:
        """The watch cannot tell when that is over. It is set anew, too: it may be one of what was there before."""
        if not self.problem or self._watch is None or self._timer is not None:
            return

        def look(_now: Instant) -> None:
            self._timer = None
            if self._watch is not None:
                self._arm(self._watch)
            self._look_again()

        self._timer = self._poller.call_at(self._poller.now() + _LOOK_AGAIN, look)


def _kept(files: t.Mapping[str, MaintenanceFile], remedy: str) -> str:
    if not files:
        return "no file in it counts"
    names = sorted(files)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"what was there before still counts ({', '.join(names[:_SHOWN])}{more}); {remedy}"


def _files_in(path: str) -> t.Tuple[t.Tuple[int, str], t.Dict[str, MaintenanceFile]]:
    """Its file system and what is in it. Raises OSError."""
    status = os.stat(path)
    if status.st_mode & stat.S_IWOTH:
        raise PermissionError(0, "everybody may write it; take that away with chmod o-w")
    found: t.Dict[str, MaintenanceFile] = {}
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                file = _file(entry)
                found.update({} if file is None else {file.name: file})
    return file_system(path), found


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
        return time_text(int(touched * 1000))
    except (ValueError, OverflowError):
        return "unknown"


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

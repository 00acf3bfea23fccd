# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All track_files of the running configuration."""

from __future__ import annotations

import typing as t

from ...model.tracking import TrackFile
from ...net.polling import Poller
from ..journal import Journal
from .file_tracker import FileTracker
from .file_watch import FileWatch


class FileTrackers:
    """Reads them when they change."""

    def __init__(self, poller: Poller, journal: Journal, changed: t.Callable[[], None]) -> None:
        """`changed` is called when one of them holds another number, or none for another reason."""
        self._poller = poller
        self._journal = journal
        self._changed = changed
        self._trackers: t.Dict[str, FileTracker] = {}
        self._watch: t.Optional[FileWatch] = None
        self._started = False

    def configure(self, files: t.Mapping[str, TrackFile]) -> None:
        """Watch these from now on. init_file counts the first time only, never in a reload."""
        before, self._trackers = self._trackers, {}
        for name, file in files.items():
            old = before.get(name)
            same = old is not None and old.track_file == file
            self._trackers[name] = before[name] if same else FileTracker(file, self._journal)
            if not self._started:
                self._trackers[name].write_at_start()
        self._started = True
        self._watch_again()
        # After they are watched: what changes from here on is told.
        for tracker in self._trackers.values():
            tracker.read()

    def close(self) -> None:
        """Watch none any more."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def results(self, names: t.Container[str]) -> t.Dict[str, t.Dict[str, object]]:
        """Of these; "why" tells of one without a number why it counts as 0."""
        of_names = ((name, one) for name, one in self._trackers.items() if name in names)
        return {f"file:{name}": {"value": one.value, "why": one.problem} for name, one in of_names}

    def status(self) -> t.Dict[str, t.Dict[str, object]]:
        """All of them."""
        return {f"file:{name}": tracker.document() for name, tracker in self._trackers.items()}

    def _watch_again(self) -> None:
        self.close()
        paths = {tracker.track_file.file for tracker in self._trackers.values()}
        if not paths:
            return
        try:
            self._watch = FileWatch(self._poller)
        except OSError as error:
            remedy = "raise fs.inotify.max_user_instances; until the next reload changes are not seen"
            self._journal.error("track_file", f"the kernel refused to watch files ({error.strerror}); {remedy}")
            return
        for path in paths:
            self._watch.watch(path, self._reader(path))

    def _reader(self, path: str) -> t.Callable[[int], None]:
        def read(_now: int) -> None:
            of_path = [tracker for tracker in self._trackers.values() if tracker.track_file.file == path]
            changed = [tracker for tracker in of_path if tracker.read()]
            for tracker in changed:
                if not tracker.problem:
                    self._journal.info(f"track_file {tracker.track_file.name}", f"holds {tracker.value} now")
            if changed:
                self._changed()

        return read

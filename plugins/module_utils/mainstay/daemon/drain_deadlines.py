# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when servers that leave may keep their connections, in a file of the run directory.

The kernel shows who leaves (weight 0), not since when. Without this a worker that dies again and again would begin each
drain anew and never end one; so would a service that gets another name. The instants are those of the monotonic clock,
which a boot starts anew: the run directory is empty then, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ..lvs.draining import LeavingBook, Place
from ..lvs.table import DestinationKey, ServiceKey
from ..model.units import Instant
from .state_directory import replace_file, stored

_FILE = "drains.json"
_NOTHING: LeavingBook = {}


class DrainDeadlines:
    """By what the kernel calls service and server, so that names do not matter."""

    def __init__(self, folder: t.Optional[str] = None) -> None:
        """`folder`: the run directory; None forgets them with this process."""
        self._path = None if folder is None else os.path.join(folder, _FILE)
        self._books: t.Dict[str, LeavingBook] = {}
        self.known: t.Mapping[Place, Instant] = {}
        """Of everybody who leaves now, or left when the process before this one died."""

    def load(self) -> None:
        """What the process before this one knew. A file that cannot be read or understood tells nothing: then a drain
        begins anew, which only costs time.
        """
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError, OverflowError):  # the last: of a number without end
            with open(self._path, encoding="utf-8") as file:
                entries = stored(file.read())
            self.known = {(ServiceKey(*key), DestinationKey(*server)): int(until) for key, server, until in entries}

    def keep(self, books: t.Mapping[str, LeavingBook]) -> None:
        """These leave, by virtual_server, and nobody else. Raises OSError when it cannot be written."""
        self._books = {name: book for name, book in books.items() if book}
        self._write()

    def note(self, name: str, book: LeavingBook) -> None:
        """One virtual_server's leavers have changed, or not. Raises OSError when it cannot be written."""
        if self._books.get(name, _NOTHING) != book:
            self._books[name] = book
            self._write()

    def _write(self) -> None:
        before = self.known
        self.known = {place: one.until for book in self._books.values() for place, one in book.items()}
        if self._path is None or self.known == before:
            return
        if self.known:
            entries = [[key, server, until] for (key, server), until in self.known.items()]
            replace_file(self._path, json.dumps(entries))
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)

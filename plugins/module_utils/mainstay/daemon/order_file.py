# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file with what operators ordered: {"NAME": [entry, ...]}, written whole.

It is read entry by entry: one that cannot be understood costs itself alone. A file with such an entry stays as it is,
and is an alarm at every start, until the next order is written; then it is moved aside, not overwritten, because
somebody may still find in it what was ordered.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from .journal import Journal
from .state_directory import replace_file, stored

ASIDE = ".damaged"

_MAXIMUM_BYTES = 16 * 1024 * 1024

Entry = t.TypeVar("Entry")


class OrderFile:
    """The file, and what is wrong with it."""

    def __init__(self, path: str, name: str, journal: Journal, subject: str) -> None:
        """`name` is the key of the list."""
        self.problem: t.Optional[str] = None
        """A sentence as long as the file does not say what holds."""
        self._path = path
        self._name = name
        self._journal = journal
        self._subject = subject
        self._damaged = False

    def read(self, understand: t.Callable[[t.Any], Entry], otherwise: str) -> t.List[Entry]:
        """The entries that can be understood. `understand` raises KeyError, TypeError or ValueError for others;
        `otherwise` says what is so when none is.
        """
        try:
            with open(self._path, "rb") as file:
                listed = stored(file.read(_MAXIMUM_BYTES))[self._name]
            if not isinstance(listed, list):
                raise TypeError("no list")
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged"
            self._note_damage(f"{self._path} is ignored, {why}: {otherwise}")
            return []
        return self._understood(listed, understand)

    def write(self, documents: t.Sequence[t.Mapping[str, t.Any]], otherwise: str) -> None:
        """`otherwise` says what that means when it cannot be written."""
        text = json.dumps({self._name: list(documents)}, indent=2) + "\n"
        try:
            if self._damaged:
                with contextlib.suppress(FileNotFoundError):  # somebody has looked into it, and taken it away
                    os.replace(self._path, self._path + ASIDE)
                self._damaged = False
            replace_file(self._path, text)
            self.problem = None
        except OSError as error:
            self.problem = f"{self._path} cannot be written ({error.strerror}): {otherwise}"
            self._journal.error(self._subject, self.problem)

    def _understood(self, listed: t.Sequence[t.Any], understand: t.Callable[[t.Any], Entry]) -> t.List[Entry]:
        found: t.List[Entry] = []
        for entry in listed:
            try:
                found.append(understand(entry))
            except (ValueError, KeyError, TypeError):
                continue
        bad = len(listed) - len(found)
        if bad:
            what = f"{bad} of its {len(listed)} orders cannot be read and do not hold"
            self._note_damage(f"{self._path} is damaged: {what}")
        return found

    def _note_damage(self, what: str) -> None:
        self._damaged = True
        aside = os.path.basename(self._path) + ASIDE
        self.problem = f"{what}; look into it and give what is missing anew: the next order moves it to {aside}"
        self._journal.error(self._subject, self.problem)

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder for what survives the next boot: events, demotions, mails that wait.

Addresses are more important than history: a folder that cannot be used is told, and the daemon runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from .journal import Journal

_SUBJECT = "mainstayd"


def open_state_directory(path: str, journal: Journal) -> str:
    """Make the folder when it is missing; its path. An error in the journal when it cannot be used."""
    try:
        os.makedirs(path, mode=0o750, exist_ok=True)
        usable = os.access(path, os.W_OK | os.X_OK)
        problem = "" if usable else "it is not writable"
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        journal.error(_SUBJECT, f"state directory {path} cannot be used: {problem}; events and demotions are not kept")
    return path


def stored(text: t.Union[str, bytes]) -> t.Any:
    """What a file of ours says. Raises ValueError for what is no JSON: no file may keep the daemon from starting."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested without end") from error


def replace_file(path: str, text: str) -> None:
    """Write a whole file that is there after a power failure, or keep the one that was. Raises OSError."""
    temporary = f"{path}.{os.getpid()}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _settle_folder(os.path.dirname(path))


def _settle_folder(path: str) -> None:
    """The new name is on the disk too."""
    descriptor = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

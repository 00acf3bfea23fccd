# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One track_file: a file that holds one whole number, which counts 0 when it does not."""

from __future__ import annotations

import os
import re
import stat
import typing as t

from ...model.problems import shown_value
from ...model.tracking import TrackFile
from ..journal import Journal

_MOST_BYTES = 64
_MOST_SHOWN = 20
"""Characters, of what is no number."""
_NUMBER = re.compile(rb"\s*([+-]?\d{1,18})(?:\s|$)")
_PSEUDO = frozenset(
    ("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs")
    + ("fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "securityfs", "selinuxfs", "sysfs", "tracefs")
)
"""Nothing tells when a file changes there."""


class NoNumber(Exception):
    """Why the file counts as 0; for people, to follow its name in a sentence."""


class FileTracker:
    """One track_file of the configuration."""

    def __init__(self, track_file: TrackFile, journal: Journal) -> None:
        self.track_file = track_file
        self.value = 0
        self.problem = ""
        """Why it counts as 0 although its content does not say so; empty when it does."""
        self._journal = journal
        self._subject = f"track_file {track_file.name}"

    def read(self) -> bool:
        """Look at the file; True when its value, or why it counts as 0, is another one now."""
        before = (self.value, self.problem)
        try:
            self.value, self.problem = _number_in(self.track_file.file), ""
        except NoNumber as error:
            self.value, self.problem = 0, str(error)
        if self.problem and self.problem != before[1]:
            self._journal.warning(self._subject, f"{self.track_file.file} {self.problem}; it counts as 0")
        return (self.value, self.problem) != before

    def write_at_start(self) -> None:
        """init_file: make the file, or write it anew when overwriting is asked for."""
        wanted = self.track_file
        if wanted.init_file is None:
            return
        flags = os.O_TRUNC if wanted.init_file_overwrite else os.O_EXCL
        try:
            descriptor = os.open(
                wanted.file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, 0o644
            )
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(f"{wanted.init_file}\n")
        except FileExistsError:
            return
        except OSError as error:
            self._journal.warning(self._subject, f"init_file: {wanted.file} cannot be written: {error.strerror}")

    def document(self) -> t.Dict[str, object]:
        """For the status."""
        return {"value": self.value, "file": self.track_file.file, "problem": self.problem}


def _number_in(path: str) -> int:
    """Raises NoNumber."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise NoNumber(f"cannot be read: {error.strerror}") from error
    try:
        return _number_of(descriptor)
    except OSError as error:
        raise NoNumber(f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _number_of(descriptor: int) -> int:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise NoNumber("is no file")
    kind = _file_system(found.st_dev)
    if kind in _PSEUDO:
        raise NoNumber(f"lies on {kind}, where changes are not told; track a file on a disk or below /run")
    content = os.read(descriptor, _MOST_BYTES)
    match = _NUMBER.match(content)
    if match is None:
        raise NoNumber(_without_number(content.decode("utf-8", "replace").strip()))
    return int(match.group(1))


def _without_number(text: str) -> str:
    """What the file holds instead, as harmless text of bounded length."""
    cut = text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."
    return f"holds no whole number of up to 18 digits ({shown_value(cut)})" if text else "holds nothing"


def _file_system(device: int) -> str:
    """Its type, as proc(5) mountinfo names it; empty when it is not listed."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            words = line.split()
            if words[2] == wanted:
                return words[words.index("-") + 1]
    return ""

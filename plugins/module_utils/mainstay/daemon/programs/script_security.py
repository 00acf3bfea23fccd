# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a program is what its configuration means, and nobody else can make it something else.

Theory of operation. The path is walked from the root, one name at a time and following nothing by itself: each
component is opened with O_PATH | O_NOFOLLOW below the one before and looked at through its descriptor. A symbolic
link is looked at as a thing that somebody could change, then its own target is walked the same way. So the path as
it is written and the one that it leads to are both proven.

A component is refused when somebody other than root and the user who will run the program could change it: its
owner is a third user, its group may write and is not root's own, or everybody may write (in a folder with the sticky
bit, nobody can replace what belongs to others, so it may be writable).

What is proven is not a moment but a property: no third user can swap any component afterwards either, because that
takes write permission on a folder that was just seen to give none. The descriptor of the file comes back with its
path, and whoever executes the path compares the two once more. It is executed by its path because $0 of a script
and the name in ps would otherwise be a number.
"""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

_MOST_LINKS = 40
"""As the kernel (path_resolution(7))."""
_MOST_COMPONENTS = 256
_ACL = "system.posix_acl_access"


class ScriptRefused(Exception):
    """The text names the path, the component and the remedy."""


class Walked(t.NamedTuple):
    """A program that may be run."""

    descriptor: int
    """O_PATH, of the file; the caller closes it."""
    path: str
    """Without any symbolic link."""


def walk(path: str, user: int) -> Walked:
    """Prove the path for a program that `user` (uid) will run. Raises ScriptRefused."""
    if not path.startswith("/"):
        raise ScriptRefused(f"{path} is no absolute path; write the whole path of the program")
    steps = _Steps(path, user)
    try:
        return steps.walk()
    finally:
        steps.close()


class _Steps:
    """One walk: the open folders from the root to where it stands."""

    def __init__(self, path: str, user: int) -> None:
        self._path = path
        self._user = user
        self._names: t.List[str] = []
        self._open = [os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open = []

    def walk(self) -> Walked:
        """To the end of the path."""
        self._check(self._open[0])
        ahead = _components(self._path)
        links = steps = 0
        while ahead:
            steps += 1
            name = ahead.pop(0)
            if name == "..":
                self._up()
                continue
            mode = self._down(name)
            if stat.S_ISLNK(mode):
                links += 1
                ahead = _components(self._follow()) + ahead
            elif ahead and not stat.S_ISDIR(mode):
                raise self._refusal("is no folder")
            if links > _MOST_LINKS or steps > _MOST_COMPONENTS:
                raise ScriptRefused(f"{self._path} leads through too many symbolic links; write the path itself")
        return self._file()

    def _file(self) -> Walked:
        mode = os.fstat(self._open[-1]).st_mode
        if not stat.S_ISREG(mode):
            raise self._refusal("is no file; name the program itself")
        if not mode & 0o111:
            raise self._refusal("is not executable; give it chmod +x")
        return Walked(self._open.pop(), self._where())

    def _down(self, name: str) -> int:
        """Enter one component; its mode."""
        self._names.append(name)
        try:
            flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
            self._open.append(os.open(name, flags, dir_fd=self._open[-1]))
        except OSError as error:
            raise self._refusal(f"cannot be reached: {error.strerror}") from error
        return self._check(self._open[-1])

    def _up(self) -> None:
        if len(self._open) > 1:
            os.close(self._open.pop())
            self._names.pop()

    def _follow(self) -> str:
        """Step back from the link that was entered last, to the root if it says so; what it says."""
        target = os.readlink("", dir_fd=self._open[-1])
        self._up()
        while target.startswith("/") and len(self._open) > 1:
            self._up()
        return target

    def _check(self, descriptor: int) -> int:
        found = os.fstat(descriptor)
        if found.st_uid not in (0, self._user):
            raise self._refusal(f"belongs to uid {found.st_uid}, who could change it; give it to root")
        is_link, is_folder = stat.S_ISLNK(found.st_mode), stat.S_ISDIR(found.st_mode)
        if not is_link and not (is_folder and found.st_mode & stat.S_ISVTX):
            self._check_writers(descriptor, found)
        return found.st_mode

    def _check_writers(self, descriptor: int, found: os.stat_result) -> None:
        if found.st_mode & stat.S_IWOTH:
            raise self._refusal("can be written by everybody; take that away with chmod o-w")
        if found.st_mode & stat.S_IWGRP and (found.st_gid != 0 or _has_acl(descriptor)):
            raise self._refusal(f"can be written by gid {found.st_gid} or an ACL; take that away with chmod g-w")

    def _where(self) -> str:
        return "/" + "/".join(self._names)

    def _refusal(self, why: str) -> ScriptRefused:
        component = self._where()
        subject = component if component == self._path else f"{self._path}: {component}"
        return ScriptRefused(f"{subject} {why}")


def _components(path: str) -> t.List[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _has_acl(descriptor: int) -> bool:
    """With an ACL, the group bits are the mask of all that it names."""
    with contextlib.suppress(OSError):
        return bool(os.getxattr(f"/proc/self/fd/{descriptor}", _ACL))
    return False

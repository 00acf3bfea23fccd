# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being told that files change: inotify(7) through libc, which Python has no module for.

Theory of operation. A file is watched twice. Its folder tells that it was created, replaced by another one (editors
and configuration tools rename a new file over the old one) or removed; the file itself tells that it was written,
also through another name. When the path leads through a symbolic link, the folder of the real file is watched too.
After each event the watches are set anew, because the path may lead somewhere else by now; setting one that is there
already changes nothing. A folder that is not there yet is looked for once a second. A path that ends in a slash is a
folder: whatever happens to a name in it counts.

Events are only a hint to look: they are collected for a moment, so that a file that is emptied and then written is
read once, with its new content.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import typing as t

from ...model.units import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND, Instant
from ...net.polling import READABLE, Poller, Timer

_IN_MODIFY, _IN_ATTRIB, _IN_CLOSE_WRITE = 0x2, 0x4, 0x8
_IN_MOVED_FROM, _IN_MOVED_TO, _IN_CREATE, _IN_DELETE = 0x40, 0x80, 0x100, 0x200
_IN_DELETE_SELF, _IN_MOVE_SELF = 0x400, 0x800
_IN_Q_OVERFLOW, _IN_IGNORED = 0x4000, 0x8000
_IN_MASK_ADD = 0x20000000
_FOLDER = _IN_MOVED_FROM | _IN_MOVED_TO | _IN_CREATE | _IN_DELETE | _IN_DELETE_SELF | _IN_MOVE_SELF
_FILE = _IN_MODIFY | _IN_ATTRIB | _IN_CLOSE_WRITE

_EVENT = struct.Struct("iIII")
_BUFFER = 65536
_LIBC = ctypes.CDLL(None, use_errno=True)
_SETTLE = 20 * NANOSECONDS_PER_MILLISECOND
_LOOK_AGAIN = NANOSECONDS_PER_SECOND

Changed = t.Callable[[Instant], None]


class FileWatch:
    """Watches any number of files; one descriptor."""

    def __init__(self, poller: Poller) -> None:
        """Raises OSError when the kernel has no room for one more."""
        self._poller = poller
        self._descriptor = _checked(_LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._changed: t.Dict[str, Changed] = {}
        self._paths: t.Dict[int, t.Set[str]] = {}
        """Watch descriptor -> the files whose folder or self it is."""
        self._touched: t.Set[str] = set()
        self._blind: t.Set[str] = set()
        """Files whose folder cannot be watched at this moment."""
        self._settling: t.Optional[Timer] = None
        self._looking: t.Optional[Timer] = None
        poller.watch(self._descriptor, READABLE, self._ready)

    def watch(self, path: str, changed: Changed) -> None:
        """Call `changed` when the file may have another content, or is there, or is not any more."""
        self._changed[path] = changed
        self._arm(path)

    def unwatch(self, path: str) -> None:
        """Watch it no more; an unknown path is harmless."""
        self._changed.pop(path, None)
        self._blind.discard(path)
        self._touched.discard(path)
        for watch, paths in list(self._paths.items()):
            paths.discard(path)
            if not paths:
                del self._paths[watch]
                _LIBC.inotify_rm_watch(self._descriptor, watch)

    def close(self) -> None:
        """Give the descriptor back; nobody is called any more. What a timer would do now, it would do to the next
        owner of that number."""
        for timer in (self._settling, self._looking):
            if timer is not None:
                timer.cancel()
        self._changed.clear()
        self._blind.clear()
        self._touched.clear()
        self._poller.unwatch(self._descriptor)
        os.close(self._descriptor)

    def _arm(self, path: str) -> None:
        real = os.path.realpath(path)
        folders = sorted({os.path.dirname(path), os.path.dirname(real)})
        watched = [self._add(folder, _FOLDER, path) for folder in folders]
        self._add(real, _FILE, path)
        if all(watched):
            self._blind.discard(path)
        else:
            self._blind.add(path)
            self._look_again_later()

    def _add(self, target: str, mask: int, path: str) -> bool:
        with contextlib.suppress(OSError):
            added = _LIBC.inotify_add_watch(self._descriptor, os.fsencode(target), mask | _IN_MASK_ADD)
            self._paths.setdefault(_checked(added), set()).add(path)
            return True
        return False

    def _ready(self, _bits: int, now: Instant) -> None:
        try:
            events = os.read(self._descriptor, _BUFFER)
        except BlockingIOError:
            return
        touched = self._touched_by(events)
        if touched and not self._touched:
            self._settling = self._poller.call_at(now + _SETTLE, self._tell)
        self._touched |= touched

    def _touched_by(self, events: bytes) -> t.Set[str]:
        touched: t.Set[str] = set()
        offset = 0
        while offset < len(events):
            watch, mask, _cookie, length = _EVENT.unpack_from(events, offset)
            name = os.fsdecode(events[offset + _EVENT.size : offset + _EVENT.size + length].rstrip(b"\0"))
            offset += _EVENT.size + length
            paths = set(self._changed) if mask & _IN_Q_OVERFLOW else self._paths.get(watch, set())
            touched |= {path for path in paths if _concerns(path, name)}
            if mask & _IN_IGNORED:
                self._paths.pop(watch, None)
        return touched

    def _tell(self, now: Instant) -> None:
        touched, self._touched = self._touched, set()
        self._call(touched, now)

    def _look_again_later(self) -> None:
        if self._looking is None:
            self._looking = self._poller.call_at(self._poller.now() + _LOOK_AGAIN, self._look_again)

    def _look_again(self, now: Instant) -> None:
        self._looking = None
        self._call(set(self._blind), now)

    def _call(self, paths: t.Set[str], now: Instant) -> None:
        """Whoever is called may give up a path, or all of this: every one is looked up when its turn comes."""
        for path in sorted(paths):
            if path in self._changed:
                self._arm(path)
                self._changed[path](now)


def _concerns(path: str, name: str) -> bool:
    """Whether an event of this name (empty: of the watched thing itself) may be about the file.

    A link on the way may have any name, so where the path is no plain file every name counts.
    """
    return name in ("", os.path.basename(path)) or os.path.realpath(path) != path


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result

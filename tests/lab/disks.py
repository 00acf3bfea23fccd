# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine's disk: all it wrote over the base tree, kept through kill() until destroy() or the lab's end.

Theory of operation. Every machine's root is an overlay of the base tree, which nobody writes to, and the
`upper` folder of its disk. For a machine on the host's kernel the disk is a plain folder, and only that
machine's own mount namespace ever has the overlay mounted. A User-Mode-Linux guest gets an ext4 image,
because hostfs cannot carry an overlay's upper folder; its journal is replayed at the boot after a kill().

What makes a disk a certain machine's (its name, its /etc/hosts) is written when the disk is made, and
never again: from then on these files are the machine's own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import typing as t
from pathlib import Path

from lab import command

# Not below /run: that is memory on most hosts, and a machine may install whole packages. Not below the
# cache either: $MAINSTAY_CACHE may differ between the process that starts a lab and the one that ends it.
DISK_DIRECTORY = Path("/var/lib/mainstay-lab")
IMAGE_SIZE = "4G"  # sparse: a fresh one takes 2 MB of the host

Files = t.Mapping[str, str]  # text by path below the machine's root


@dataclasses.dataclass(frozen=True)
class Disk:
    """The disk of one machine of one lab."""

    lab: str
    machine: str
    directory: Path = DISK_DIRECTORY

    @property
    def folder(self) -> Path:
        """Where it is; there only once the disk is whole."""
        return self.directory / self.lab / self.machine

    def upper(self, files: Files) -> Path:
        """The upper folder of an overlay; made with these files in it when the machine has no disk yet."""
        if not self.folder.exists():
            with self._making() as new:
                _write(new / "upper", files)
        return self.folder / "upper"

    def image(self, files: Files) -> Path:
        """An ext4 image with an overlay's folders upper and work; made like upper()."""
        if not self.folder.exists():
            with self._making() as new:
                content = new / "content"
                _write(content / "upper", files)
                (content / "work").mkdir()
                command.must(_mkfs(content, new / "image"))
                shutil.rmtree(content)
        return self.folder / "image"

    def remove(self) -> None:
        """Forget everything the machine wrote; safe when there is no disk."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    @contextlib.contextmanager
    def _making(self) -> t.Iterator[Path]:
        """A folder that becomes the disk at the end: half a disk from a crashed run is never booted."""
        new = self.folder.with_name(f".{self.machine}.new")  # no machine's name starts with a dot
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(parents=True)
        yield new
        new.rename(self.folder)


def remove_lab(lab: str, directory: Path = DISK_DIRECTORY) -> None:
    """Remove every disk of a lab; safe when there is none."""
    if (directory / lab).exists():
        shutil.rmtree(directory / lab)


def labs(directory: Path = DISK_DIRECTORY) -> list[str]:
    """Every lab that has disks, in use or left over."""
    return sorted(path.name for path in directory.glob("*"))


def _mkfs(content: Path, image: Path) -> list[str]:
    """The image's blocks are zero already, so nothing has to be written to make them so."""
    options = ["-q", "-m", "0", "-E", "assume_storage_prezeroed=1", "-d", str(content)]
    return ["mkfs.ext4", *options, str(image), IMAGE_SIZE]


def _write(root: Path, files: Files) -> None:
    """Write the files with the modes of a system's own, whatever our umask is."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

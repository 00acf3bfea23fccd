# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pack the runtime into one zip archive that Python can run, with the same bytes wherever it is built.

Private to this collection. The archive holds `mainstay/...` and a `__main__.py`, so `python3 FILE version`
works on it as it is; on the host `python3 FILE unpack DIRECTORY` lays it out with its byte code.
"""

from __future__ import annotations

import hashlib
import io
import re
import typing as t
import zipfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "module_utils" / "mainstay"

# The earliest time a zip archive can tell. Any fixed one would do: real ones differ between two checkouts.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE_0644 = 0o100644 << 16
_MADE_ON_UNIX = 3

# sys.path[0] is the archive or, once installed, the link `current`. It is resolved before anything is
# imported: a daemon that runs while the link moves on to the next release must not import half of that.
_MAIN = b"""\
import os
import sys

sys.path[0] = os.path.realpath(sys.path[0])
if sys.argv[1:2] == ["unpack"]:
    from mainstay.unpack import main
else:
    from mainstay.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class RuntimeArchive:
    """The runtime as one file."""

    version: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def release(self) -> str:
        """Name of the folder that this runtime is installed to: version and first 12 digits of the digest."""
        return f"{self.version}-{self.digest[:12]}"


def build_archive(package: Path = PACKAGE) -> RuntimeArchive:
    """Archive of `package`. Raises OSError when it cannot be read and ValueError when it tells no version."""
    members = [("__main__.py", _MAIN), *_sources(package)]
    buffer = io.BytesIO()
    # Not compressed: two builds of zlib may give different bytes for one input.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(_member(name), content)
    return RuntimeArchive(_version(package), buffer.getvalue())


def _sources(package: Path) -> t.List[t.Tuple[str, bytes]]:
    """Every Python source below `package`, in one order on every file system."""
    names = sorted(path.relative_to(package.parent).as_posix() for path in package.rglob("*.py"))
    return [(name, (package.parent / name).read_bytes()) for name in names]


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=_EPOCH)
    member.create_system = _MADE_ON_UNIX
    member.external_attr = _REGULAR_FILE_0644
    return member


def _version(package: Path) -> str:
    """Read, not imported: the controller's own Python must not run the runtime to pack it."""
    source = package / "version.py"
    found = re.search(r'^VERSION = "([^"]+)"', source.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f'{source} has no line VERSION = "..."')
    return found.group(1)

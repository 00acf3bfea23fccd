# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lay a release out on the host: the archive's files and their byte code, in a folder of their own.

Run from the archive itself by the director role. The service starts under ProtectSystem=strict, where
Python could never keep byte code, and compiling the runtime at each start would delay the first advert by a
third of a second.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
import tempfile
import typing as t
import zipfile

# What `mainstay` on the command line is: the interpreter that unpacked the release runs it, isolated from the
# caller's environment.
_LAUNCHER = """\
#!{interpreter} -I
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from mainstay.cli import main

raise SystemExit(main(sys.argv[1:]))
"""


def main(arguments: t.Sequence[str]) -> int:
    """`unpack DIRECTORY`: 0 when the directory holds the release and old ones are gone, 2 when the call is wrong."""
    archive = sys.path[0]
    if len(arguments) != 2 or not zipfile.is_zipfile(archive):
        sys.stderr.write("usage: python3 mainstay.zip unpack DIRECTORY\n")
        return 2
    # Everyone may read the code and only its owner may change it, whatever the caller's own mask is.
    os.umask(0o022)
    unpack(archive, arguments[1])
    prune(arguments[1])
    return 0


def unpack(archive: str, directory: str) -> None:
    """Make `directory`, which is not there yet, hold the archive's release, complete or not at all.

    Raises OSError, and SyntaxError when this Python cannot compile the release.
    """
    parent = os.path.dirname(os.path.abspath(directory))
    with tempfile.TemporaryDirectory(dir=parent, prefix=".unpacking-") as scratch:
        unfinished = os.path.join(scratch, "release")
        os.mkdir(unfinished)
        _fill(archive, unfinished)
        os.rename(unfinished, directory)


def prune(directory: str) -> None:
    """Remove the releases beside `directory` but the one that runs (`current`): that is one to go back to.

    The daemon still runs the release that `current` names when this one is unpacked. Raises OSError.
    """
    parent = os.path.dirname(os.path.abspath(directory))
    running = os.path.realpath(os.path.join(parent, "current"))
    for entry in os.scandir(parent):
        # What we unpacked has a DIGEST; whatever else lies here is not ours.
        release = entry.is_dir(follow_symlinks=False) and os.path.isfile(os.path.join(entry.path, "DIGEST"))
        if release and os.path.realpath(entry.path) not in (running, os.path.realpath(directory)):
            shutil.rmtree(entry.path)


def _fill(archive: str, directory: str) -> None:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(directory)
    with open(os.path.join(directory, "DIGEST"), "w", encoding="ascii") as file:
        file.write(_digest(archive) + "\n")
    os.mkdir(os.path.join(directory, "bin"))
    launcher = os.path.join(directory, "bin", "mainstay")
    with open(launcher, "w", encoding="utf-8", opener=_executable) as file:
        file.write(_LAUNCHER.format(interpreter=sys.executable))
    _compile(directory)


def _executable(path: str, flags: int) -> int:
    return os.open(path, flags, 0o777)


def _compile(directory: str) -> None:
    """A release is never edited in place, so Python need not compare times or contents with the byte code.

    Docstrings stay in the sources: in the byte code they would be half a megabyte of a daemon's memory.
    """
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for folder, _folders, names in os.walk(directory):
        for source in (os.path.join(folder, name) for name in names if name.endswith(".py")):
            # By the usual name: one with its optimization in it is read only by a Python that was told so.
            target = importlib.util.cache_from_source(source, optimization="")
            try:
                py_compile.compile(source, target, doraise=True, optimize=2, invalidation_mode=unchecked)
            except py_compile.PyCompileError as error:
                sys.stderr.write(f"{error.msg}\n")
                version = sys.version.split()[0]
                text = f"Python {version} ({sys.executable}) cannot compile the release; 3.9 or later can"
                raise SyntaxError(text) from error


def _digest(archive: str) -> str:
    with open(archive, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()

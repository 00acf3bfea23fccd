# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runtime this is: the digest that says whether a newer one is installed than the one that runs."""

from __future__ import annotations

import functools
import os
import typing as t

from ..model.sha256 import sha256_of

_INSTALLED = "DIGEST"
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def runtime_digest(package: str = _PACKAGE) -> str:
    """SHA-256 in hexadecimal: of the archive that we run from or were unpacked from, else of the source tree."""
    above = os.path.dirname(package)
    installed = os.path.join(above, _INSTALLED)
    if os.path.isfile(installed):
        with open(installed, encoding="ascii") as file:
            return file.read().strip()
    if os.path.isfile(above):
        return sha256_of([_content(above)])
    return sha256_of(_tree(package))


def digest_for_later(package: str = _PACKAGE) -> t.Callable[[], str]:
    """How to tell it while this process runs. What is installed is read now, for another release may be installed
    meanwhile; a source tree, which only developers run, is read when somebody asks.
    """
    above = os.path.dirname(package)
    if os.path.isdir(above) and not os.path.isfile(os.path.join(above, _INSTALLED)):
        return functools.cache(lambda: runtime_digest(package))
    digest = runtime_digest(package)
    return lambda: digest


def _tree(package: str) -> t.Iterator[bytes]:
    paths = [os.path.join(folder, name) for folder, _folders, names in os.walk(package) for name in names]
    for path in sorted(path for path in paths if path.endswith(".py")):
        yield os.path.relpath(path, package).encode("utf-8") + b"\0"
        yield _content(path)


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()

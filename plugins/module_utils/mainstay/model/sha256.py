# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA-256 by Python's own code. hashlib would bring OpenSSL along for it, 4 MB of a daemon of 40."""

from __future__ import annotations

import typing as t

try:  # since Python 3.12
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    try:  # before that
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found, unused-ignore]
    except ImportError:  # a Python that was built without either
        from hashlib import sha256 as _sha256


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return sha256_of((content,))


def sha256_of(parts: t.Iterable[bytes]) -> str:
    """Of all of them together, in hexadecimal; none is held for longer than it is looked at."""
    digest = _sha256()
    for part in parts:
        digest.update(part)
    return str(digest.hexdigest())

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HMAC-SHA-256, apart from what uses it: it brings OpenSSL along, 4 MB that only a router with auth_hmac needs.

Such a router loads it with its configuration, long before the first advert.
"""

from __future__ import annotations

import hashlib
import hmac


def keyed_digest(secret: bytes, signed: bytes) -> bytes:
    """32 bytes."""
    return hmac.digest(secret, signed, hashlib.sha256)


def same_digest(one: bytes, other: bytes) -> bool:
    """Compare in a time that does not tell how many bytes are right."""
    return hmac.compare_digest(one, other)

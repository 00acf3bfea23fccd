# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every request of an operator is looked at for: who asks, and whether it says what it has to say."""

from __future__ import annotations

import os
import typing as t

from ..net.local_sockets import Peer
from .control import Reply, Request

MAXIMUM_REASON = 200

Verb = t.Callable[[Request, Peer, Reply], None]


class BadRequest(Exception):
    """The text says what is wrong with a request."""


def masters() -> t.Set[int]:
    """Uids that may change something: root and the daemon's own."""
    return {0, os.geteuid()}


def may_change(peer: Peer) -> str:
    """Who it is. Raises BadRequest."""
    if peer.uid not in masters():
        raise BadRequest(f"uid {peer.uid} may look but not change anything; become root")
    return f"uid {peer.uid}"


def text_of(request: Request, key: str) -> str:
    """Raises BadRequest when it is missing or empty."""
    text = request.get(key)
    if not isinstance(text, str) or not text:
        raise BadRequest(f"the request needs {key}, a text")
    return text


def texts_of(request: Request, key: str) -> t.List[str]:
    """Raises BadRequest when it is no list of texts, or one of them is empty."""
    texts = request.get(key)
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise BadRequest(f"{key} must be a list of texts")
    return texts


def is_rehearsal(request: Request) -> bool:
    """`dry_run`: everything is looked at and answered as ever, but nothing is ordered. Raises BadRequest."""
    said = request.get("dry_run", False)
    if not isinstance(said, bool):
        raise BadRequest("dry_run must be true or false")
    return said


def reason_of(request: Request) -> str:
    """The operator's words, "" for none. Raises BadRequest."""
    reason = request.get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAXIMUM_REASON or not reason.isprintable():
        raise BadRequest(f"reason must be text of at most {MAXIMUM_REASON} printable characters")
    return reason

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's state in words: why it is so, and what would change it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import as_seconds
from .packet import Diagnostic, State

if t.TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True)
class Explanation:
    """The answer to "why is it not up?" and its like."""

    state: State
    why: str
    """What led here."""
    outlook: str
    """What would change it, and when."""


def explain(session: Session) -> Explanation:
    """The state of `session` in two sentences."""
    return Explanation(session.state, session.reason, _OUTLOOK[session.state](session))


def diagnostic_text(number: int) -> str:
    """A diagnostic code in words (RFC 5880 section 4.1)."""
    try:
        return Diagnostic(number).name.lower().replace("_", " ")
    except ValueError:
        return f"diagnostic {number}"


def _outlook_admin_down(_session: Session) -> str:
    return "starts with the daemon"


def _outlook_down(session: Session) -> str:
    neighbor = session.settings.neighbor_ip
    if session.heard is None:
        waits = "waits for" if session.settings.passive else "comes up with"
        return f"{waits} the first packet of {neighbor}: does it run BFD towards us, does UDP port 3784 reach us?"
    return _OF_HEARD[session.heard.state].format(neighbor)


def _outlook_init(session: Session) -> str:
    return f"becomes UP when {session.settings.neighbor_ip} says that it hears us: do our packets reach it?"


def _outlook_up(session: Session) -> str:
    silence = as_seconds(session.detection_time or 0)
    return f"goes DOWN after {silence:.3f} s without a packet of {session.settings.neighbor_ip}"


_OF_HEARD = {
    State.ADMIN_DOWN: "{} is administratively down: somebody has to enable the session there",
    State.DOWN: "becomes INIT with the next packet of {}",
    State.INIT: "becomes UP with the next packet of {}",
    State.UP: "waits until {} notices that the session is down",
}

_OUTLOOK: t.Mapping[State, t.Callable[[Session], str]] = {
    State.ADMIN_DOWN: _outlook_admin_down,
    State.DOWN: _outlook_down,
    State.INIT: _outlook_init,
    State.UP: _outlook_up,
}

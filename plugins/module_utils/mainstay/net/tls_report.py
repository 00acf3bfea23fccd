# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What TLS adds to a verdict: version, end of the certificate, and a note when that is near."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..model.check_config import Tls
from ..model.units import seconds
from ..probes.certificate_dates import certificate_end, date_text, expiry_note
from ..probes.verdict import Verdict
from .polling import Poller
from .tls_channel import TlsChannel


def with_tls(verdict: Verdict, channel: TlsChannel, tls: Tls, poller: Poller) -> Verdict:
    """The same verdict with details and notes; verified or not, the certificate has its dates."""
    details = [*verdict.details, ("tls", channel.version)]
    notes = list(verdict.notes)
    end = certificate_end(channel.certificate or b"")
    if end is not None:
        details.append(("certificate_ends", date_text(end)))
        notes += _notes(end, tls, poller)
    return replace(verdict, details=tuple(details), notes=tuple(notes))


def _notes(end: int, tls: Tls, poller: Poller) -> t.Tuple[str, ...]:
    if not tls.expiry_warning:
        return ()
    today = poller.wall_seconds()
    return (expiry_note(end, today),) if seconds(end - today) <= tls.expiry_warning else ()

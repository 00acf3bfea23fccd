# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of one run of a probe, as a value."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..model.units import Duration
from .verdict import Verdict


@dataclass(frozen=True)
class ProbeOutcome:
    """Verdict and phases of one run. Durations count from the start of the run, in nanoseconds."""

    verdict: Verdict
    ran: bool = True
    """False: this host could not probe (no file descriptors left, say). That says nothing about the server,
    which keeps its last state; the verdict is then not ok and its reason tells what this host lacks."""
    connect_ns: t.Optional[Duration] = None
    """Until the connection was open; None if it never was."""
    tls_ns: t.Optional[Duration] = None
    """Until TLS was agreed; None if it never was, or was not asked for."""
    first_byte_ns: t.Optional[Duration] = None
    """Until the first byte of the answer; None if none came or none was needed."""
    total_ns: Duration = 0
    """Until the verdict."""

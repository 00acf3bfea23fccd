# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What instances and sync groups keep an eye on: definitions, and references to them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .commands import Command
from .units import Duration, seconds


@dataclass(frozen=True)
class TrackReference:
    """One line of track_interface, track_script, track_file, track_process or track_bfd."""

    name: str
    """Of the interface or of the definition."""
    weight: t.Optional[int] = None
    """Added to the priority while up if positive, while down if negative; 0: down is FAULT; None: the definition's."""
    reverse: t.Optional[bool] = None
    """Up and down change places; None: as the definition."""


@dataclass(frozen=True)
class VrrpScript:
    """A program that is run again and again; exit status 0 is up."""

    name: str
    script: Command
    interval: Duration = seconds(1)
    timeout: t.Optional[Duration] = None
    """None: the interval. Over it the whole process group is ended, and the run counts as failed."""
    weight: int = 0
    """-253..253."""
    reverse: bool = False
    rise: int = 1
    """Successes in a row until up."""
    fall: int = 1
    """Failures in a row until down."""
    init_fail: bool = False
    """Counts as failed until `rise` runs have succeeded."""


@dataclass(frozen=True)
class TrackFile:
    """A file that holds one whole number."""

    name: str
    file: str
    weight: int = 1
    """-254..254, multiplies the number; 0: any other number than 0 is FAULT."""
    reverse: bool = False
    init_file: t.Optional[int] = None
    """Written at the start when the file is not there."""
    init_file_overwrite: bool = False
    """Written at the start even when it is there."""


@dataclass(frozen=True)
class VrrpTrackProcess:
    """A process that has to run."""

    name: str
    process: t.Tuple[str, ...]
    """The process's name, then its arguments if they matter."""
    param_match: str = "exact"
    """exact, initial or partial: how arguments are compared, when some are given."""
    full_command: bool = False
    """Compare the first word of the command line, not the kernel's short name."""
    weight: int = 0
    reverse: bool = False
    quorum: int = 1
    """At least so many."""
    quorum_max: t.Optional[int] = None
    """At most so many; None: no limit; 0: must not run."""
    fork_delay: Duration = 0
    """So long it must be there until it counts."""
    terminate_delay: Duration = 0
    """So long it must be gone until that counts."""


@dataclass(frozen=True)
class BfdInstance:
    """A BFD session (RFC 5880, RFC 5881: asynchronous mode, single hop)."""

    name: str
    neighbor_ip: str
    source_ip: t.Optional[str] = None
    min_rx: Duration = seconds(0.01)
    min_tx: Duration = seconds(0.01)
    idle_tx: Duration = seconds(1)
    """Interval while the session is not up."""
    multiplier: int = 5
    """1..255: so many packets missing in a row are down."""
    passive: bool = False
    ttl: int = 255
    max_hops: int = 0
    """Hops that a received packet may have made, -1: any number; RFC 5881 allows none."""
    weight: int = 0
    reverse: bool = False

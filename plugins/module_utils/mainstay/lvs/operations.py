# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference of two tables as an ordered list of edits."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .table import Destination, DestinationKey, Service, ServiceKey


@dataclass(frozen=True)
class AddService:
    """Create the service, empty; its destinations follow as operations of their own."""

    service: Service


@dataclass(frozen=True)
class SetService:
    """Change scheduler, flags or persistence in place."""

    service: Service


@dataclass(frozen=True)
class RemoveService:
    """Remove the service with its pool."""

    key: ServiceKey


@dataclass(frozen=True)
class AddDestination:
    """Put a real server in the pool."""

    service: ServiceKey
    destination: Destination


@dataclass(frozen=True)
class SetDestination:
    """Change weight, forwarding, tunnel or thresholds of a real server in place; its connections live on."""

    service: ServiceKey
    destination: Destination


@dataclass(frozen=True)
class RemoveDestination:
    """Take a real server out of the pool."""

    service: ServiceKey
    key: DestinationKey


Operation = t.Union[AddService, SetService, RemoveService, AddDestination, SetDestination, RemoveDestination]

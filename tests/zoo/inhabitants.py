# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everyone in the zoo."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import datagram_animals, http_animals, service_animals, tls_animals
from .animal import Animal


def inhabitants(folder: Path) -> t.Tuple[Animal, ...]:
    """All animals; files they need are made in `folder`."""
    return (
        *http_animals.ANIMALS,
        *tls_animals.animals(folder),
        *datagram_animals.ANIMALS,
        *service_animals.animals(folder),
    )

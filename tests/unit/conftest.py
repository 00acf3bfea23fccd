# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the runtime importable as `mainstay`, as it is on a director, and property tests blind to the clock.

Plain pytest has the paths from pyproject.toml; ansible-test units reads no settings of ours and needs it from here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

CHECKOUT = Path(__file__).resolve().parents[2]

for folder in ("tests", "plugins/module_utils"):
    if str(CHECKOUT / folder) not in sys.path:
        sys.path.insert(0, str(CHECKOUT / folder))

# A busy machine must not fail a property: hypothesis would otherwise give each example 200 ms.
settings.register_profile("mainstay", deadline=None)
settings.load_profile("mainstay")

CLAIMS = {
    "conformance": "requirements of docs/parity/conformance.yml that this shows kept",
    "conformance_negative": "requirements of docs/parity/conformance.yml of which this shows a breach caught",
    "fault": "faults of docs/parity/faults.yml that this brings about",
}


def pytest_configure(config: pytest.Config) -> None:
    """The marks of pyproject.toml, for ansible-test, which knows none but its own and refuses all others."""
    for name, meaning in CLAIMS.items():
        config.addinivalue_line("markers", f"{name}(*ids): {meaning}")

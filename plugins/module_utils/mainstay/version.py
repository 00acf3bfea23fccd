# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the runtime; galaxy.yml says the same (a test compares)."""

from __future__ import annotations

VERSION = "1.0.0"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of this collection promise, said once. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes; a module says how far it supports each."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and tell what would change without changing it.
  diff_mode:
    description: Returns what has changed, or would change, when in diff mode.
  idempotent:
    description: When run twice in a row, the second run changes nothing.
  platform:
    description: Where it works.
    platforms: linux
    support: full
"""

    ACTIONGROUP_HA = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/mainstay.ha.ha) in C(module_defaults) to set defaults for all these modules at once.
    support: full
    membership:
      - mainstay.ha.ha
"""

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of services and checks, made from the runtime's own table. Private to this collection."""

from __future__ import annotations

from ansible_collections.mainstay.ha.plugins.plugin_utils._option_docs import check_option, fragment, section_options


class ModuleDocFragment:
    """What a service may say, and what a check may."""

    VIRTUAL_SERVER: str = fragment(section_options("virtual_server"))

    CHECK: str = fragment(
        {"check": check_option("What to check; the same as for a real server of M(mainstay.ha.ipvs_virtual_server).")}
    )

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BFD (RFC 5880, RFC 5881), asynchronous mode over one hop: packets, timers, the session. Pure: time is an argument."""

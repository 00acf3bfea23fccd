# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of a large table, as the program in the guest and the reader of its result call it."""

PROGRAM, UNCHANGED, ONE_WEIGHT, DAEMON = "program", "unchanged", "one weight", "daemon start"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: machines for the demo, for molecule and for the tests, without KVM or Docker.

Two kinds of machine boot one Debian 12 tree behind one interface (machine.Machine): `nspawn` on the
host's kernel, and `uml` (User-Mode-Linux) where a machine must have ip_vs. docs/lab.md is the guide.
"""

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What balancing does to real connections, told once for both data planes.

stories.STORIES are functions of a Scene: the pool lab, a director with the engine under test, and a family of
addresses. A folder of tests brings its director (scene.Director says what it must do) and runs each story in each
family; tests/netns/test_nftables_stories.py shows how.
"""

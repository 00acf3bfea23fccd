# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules that keep one object in conf.d. Private to this collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Where the object is kept and how the daemon gets to know it."""

    DOCUMENTATION = r"""
options:
  name:
    description: Name of the object, 1 to 64 letters, digits and characters of C(_.:@+-).
    type: str
    required: true
  state:
    description:
      - V(present) keeps the object as the other options say.
      - V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - The daemon's main configuration file.
      - The object is kept in a file of its own in the folder C(conf.d) beside it.
    type: path
    default: /etc/mainstay/mainstay.json
  run_dir:
    description: Folder in which the running daemon has its control socket.
    type: path
    default: /run/mainstay
  wait:
    description: Wait until the daemon reports that it runs the object, or runs it no more.
    type: bool
    default: false
  wait_timeout:
    description: Fail when O(wait=true) and the daemon has not reported it after this many seconds.
    type: float
    default: 30
notes:
  - What is wanted is judged by the daemon's own rules, together with all its other files, before anything is written.
  - The daemon is asked to reload. If it refuses or does not answer, the former file comes back and the task fails.
  - When it has taken the change but a worker of it has not yet, a warning names that and RV(ignore:reloaded) is false.
  - When the daemon does not run, the file is written, a warning says so, and RV(ignore:reloaded) is false.
requirements:
  - Python 3.9 or later on the managed host
"""

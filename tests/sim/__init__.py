# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deterministic simulator: several machines with the production router on a virtual segment and clock.

    python -m sim 4711          (with PYTHONPATH=plugins/module_utils:tests)

tells the story of one seed. Everything that happens follows from that number: who takes part, what breaks when,
how long each packet travels. The same seed gives the same trace on every machine and Python (I12).

    world.py     virtual clock and the queue of what is to come
    network.py   one segment: delay, loss, one-way cuts, partitions
    machine.py   a host: its kernel (addresses with leases) and its daemon (the production Router)
    scenario.py  from a seed to machines and faults
    audit.py     the invariants, checked after every event
    run.py       all of it together
"""

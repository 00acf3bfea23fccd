# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deterministic simulator: several machines with the production routers and groups on virtual segments and clocks.

    python -m sim --seed 4711         (with PYTHONPATH=plugins/module_utils:tests) tells the story of one seed
    python -m sim --seeds 100000      gives a verdict on many, with two processes; so does `make sim SEEDS=100000`

Everything that happens follows from the seed: who takes part, what breaks when, how long each packet travels. The
same seed gives the same trace on every machine and Python (I12).

    world.py     virtual clock and the queue of what is to come
    network.py   segments: delay, loss, duplicates, stragglers, one-way cuts, partitions, unicast peers
    node.py      one virtual router of a machine (the production Router), its inbox, its leased addresses
    machine.py   a host: its daemon, its sync group (the production SyncGroup), its trackers, its clock
    scenario.py  from a seed to machines and faults
    faults.py    what each kind of fault does
    audit.py     the invariants
    run.py       all of it together
    crossed.py   groups whose priorities contradict each other
    broken.py    routers and groups with one wrong rule each, which the simulation has to catch
"""

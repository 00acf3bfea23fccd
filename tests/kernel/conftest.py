# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A director with a real ip_vs; only inside the guest that run.py boots."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from netns.pool_lab import PoolLab, run

from .ipvs_director import IpvsDirector, loaded_ip_vs, unload_ip_vs
from .wide_lab import widen


def pytest_configure(config: pytest.Config) -> None:
    if "MAINSTAY_KERNEL_GUEST" not in os.environ:
        raise pytest.UsageError("these tests need a kernel with ip_vs: run 'make kernel' or tests/kernel/run.py")


@pytest.fixture(scope="session")
def lab() -> t.Iterator[PoolLab]:
    lab = PoolLab()
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def wide(lab: PoolLab) -> PoolLab:
    """The lab with IPv6, many clients, marks and tunnels."""
    widen(lab)
    return lab


@pytest.fixture
def director(lab: PoolLab) -> t.Iterator[IpvsDirector]:
    """ip_vs is loaded and its table is empty, before and after."""
    if not loaded_ip_vs():
        run("/run/modprobe", "ip_vs")
    director = IpvsDirector(lab.director)
    yield director
    director.ipvsadm("--clear")
    director.close()


class ModuleLoading:
    """The kernel's own loading of modules, switched off."""

    def __init__(self) -> None:
        self._helper = Path("/proc/sys/kernel/modprobe")
        self._path = self._helper.read_text()
        unload_ip_vs()
        self._helper.write_text("\n")

    def restore(self) -> None:
        self._helper.write_text(self._path)

    def load(self) -> None:
        """What an operator does about the error."""
        self.restore()
        run("/run/modprobe", "ip_vs")


@pytest.fixture
def without_ip_vs() -> t.Iterator[ModuleLoading]:
    """ip_vs is not loaded, and the kernel may not load it by itself."""
    loading = ModuleLoading()
    yield loading
    loading.restore()

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base tree: one Debian 12 root that every machine of every lab boots, built once and cached.

The folder's name carries a hash of the recipe, so that a changed recipe is a new tree. Nothing writes
to it after it is built: machines put an overlay over it (see disks).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
import typing as t
from pathlib import Path

from lab import command

SUITE = "bookworm"
BUILD_DEADLINE = 900.0  # seconds; 40 s with a near mirror on two cores, the rest is for slow networks

PACKAGES = (
    # the system
    "systemd", "systemd-sysv", "dbus", "kmod", "procps", "openssh-server", "sudo",
    # what a director runs on, and what Ansible needs on a host
    "python3", "python3-apt", "python3-nftables", "python3-pyroute2", "nftables", "libcap2-bin",
    # what people and tests look with
    "iproute2", "iputils-ping", "iputils-arping", "tcpdump", "conntrack", "ipvsadm", "curl", "socat",
    # backends and the peer to compare with; neither starts by itself
    "nginx-light", "keepalived",
)  # fmt: skip

DISABLED_UNITS = ("nginx.service", "keepalived.service", "ipvsadm.service")

# Units that do nothing for a lab machine; without them a User-Mode-Linux guest is up in half the time.
MASKED_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
    "e2scrub_reap.service", "getty.target", "getty@.service", "console-getty.service", "systemd-logind.service",
    "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service", "modprobe@efi_pstore.service",
    "modprobe@fuse.service", "modprobe@loop.service", "kmod-static-nodes.service", "systemd-pstore.service",
    "dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount", "sys-kernel-config.mount",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "proc-sys-fs-binfmt_misc.automount",
    "systemd-binfmt.service", "systemd-random-seed.service", "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service", "systemd-remount-fs.service", "systemd-journal-flush.service",
    "systemd-journal-catalog-update.service", "systemd-machine-id-commit.service", "systemd-sysusers.service",
    "systemd-firstboot.service", "systemd-hwdb-update.service", "systemd-update-done.service", "ldconfig.service",
    "systemd-ask-password-console.path", "systemd-ask-password-wall.path",
)  # fmt: skip

# PAM and name lookups make each login to a User-Mode-Linux guest a second slower.
SSHD_CONFIG = "UsePAM no\nUseDNS no\nPasswordAuthentication no\nPrintMotd no\n"

# What mmdebstrap copies from the host or leaves out. An empty machine-id means "not the first boot":
# a missing one would make systemd enable every unit by preset, nginx and keepalived among them.
FINISH = """
rm -f "$1/etc/hostname" "$1/etc/resolv.conf"
printf '127.0.0.1 localhost\\n' > "$1/etc/hosts"
: > "$1/etc/machine-id"
printf '%s' "$SSHD_CONFIG" > "$1/etc/ssh/sshd_config.d/lab.conf"
printf '%s' "$LAB_INIT" > "$1/lab-init"
chmod 755 "$1" "$1/lab-init"
chroot "$1" systemctl --quiet disable $DISABLED_UNITS
chroot "$1" systemctl --quiet mask $MASKED_UNITS
"""

LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")


def cache_directory() -> Path:
    """Where trees are kept: $MAINSTAY_CACHE, else ~/.cache/mainstay."""
    return Path(os.environ.get("MAINSTAY_CACHE") or Path.home() / ".cache" / "mainstay").absolute()


def lab_init() -> str:
    """The text of the guest's first process."""
    return (Path(__file__).parent / "lab_init.sh").read_text()


def recipe_hash() -> str:
    """Twelve hexadecimal digits that change when anything that goes into the tree changes."""
    recipe = [SUITE, PACKAGES, DISABLED_UNITS, MASKED_UNITS, SSHD_CONFIG, FINISH, LEFT_OUT, lab_init()]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]


def path() -> Path:
    """Where the tree of the present recipe is or will be."""
    return cache_directory() / f"base-{recipe_hash()}"


def ensure(report: t.Callable[[str], None]) -> Path:
    """Return the tree, building it first when it is not there; report() gets lines of progress."""
    tree = path()
    if tree.exists():
        return tree
    command.require_tools(["mmdebstrap"])
    cache_directory().mkdir(parents=True, exist_ok=True)
    with _building_alone():
        if not tree.exists():
            _build(tree, report)
    return tree


def _build(tree: Path, report: t.Callable[[str], None]) -> None:
    """Build beside the final place and rename, so that a tree is either whole or absent."""
    report(f"building the Debian 12 base tree {tree} (once; about a minute)")
    started = time.monotonic()
    _remove_unfinished(tree.parent)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=tree.parent))
    try:
        command.must(_mmdebstrap(unfinished), BUILD_DEADLINE)
        unfinished.rename(tree)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    report(f"base tree built in {time.monotonic() - started:.0f} s")


def _mmdebstrap(target: Path) -> list[str]:
    words = {
        "SSHD_CONFIG": SSHD_CONFIG,
        "LAB_INIT": lab_init(),
        "DISABLED_UNITS": " ".join(DISABLED_UNITS),
        "MASKED_UNITS": " ".join(MASKED_UNITS),
    }
    return [
        "env",
        *(f"{name}={value}" for name, value in words.items()),
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        '--aptopt=APT::Install-Recommends "false"',
        f"--customize-hook={FINISH}",
        SUITE,
        str(target),
    ]


def _remove_unfinished(directory: Path) -> None:
    """What a build that was killed left behind. The caller builds alone."""
    for leftover in directory.glob("unfinished-*"):
        shutil.rmtree(leftover)


@contextlib.contextmanager
def _building_alone() -> t.Iterator[None]:
    """Two labs that start at once build one tree; the second waits for the first."""
    with open(cache_directory() / "build.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

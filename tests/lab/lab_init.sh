#!/bin/sh
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Process 1 of a User-Mode-Linux guest until systemd takes over. The guest's root is the base tree of the
# host, read through hostfs; the guest's own disk goes over it, so that nothing a guest does reaches the tree.
# lab_seed=DIR on the kernel's command line names the folder with what each boot sets anew:
# DIR/network is sourced to name and address the network cards, DIR/key is the lab's way in.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
for word in $(cat /proc/cmdline); do
  case "$word" in
    lab_seed=*) seed="${word#lab_seed=}" ;;
  esac
done

mount -t tmpfs tmpfs /mnt
mkdir /mnt/modules /mnt/disk /mnt/root /mnt/seed
mount -t hostfs none /mnt/modules -o /usr/lib/uml/modules
insmod "/mnt/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko"
# ext4 would leave a new file empty on the disk for up to 35 s. With these a killed guest loses a second or two,
# and still what nobody synced. The journal of a guest that was killed is replayed here.
mount -t ext4 /dev/ubda /mnt/disk -o nodelalloc,commit=1
mount -t overlay overlay /mnt/root -o lowerdir=/,upperdir=/mnt/disk/upper,workdir=/mnt/disk/work

mount -t hostfs none /mnt/seed -o "$seed"
# Added and never replaced: the guest's own software may keep keys there too.
keys=/mnt/root/root/.ssh/authorized_keys
mkdir -p -m 700 "${keys%/*}"
grep -qsxFf /mnt/seed/key "$keys" || cat /mnt/seed/key >> "$keys"
. /mnt/seed/network
umount /mnt/seed

mkdir -p /mnt/root/lib/modules /mnt/root/.base
mount --no-mtab --move /mnt/modules /mnt/root/lib/modules
mount --no-mtab --move /proc /mnt/root/proc
cd /mnt/root
pivot_root . .base
exec chroot . /lib/systemd/systemd systemd.log_target=null </dev/console >/dev/console 2>&1

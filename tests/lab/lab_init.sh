#!/bin/sh
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Process 1 of a User-Mode-Linux guest until systemd takes over. The guest's root is the base tree of the
# host, read through hostfs; a tmpfs goes over it, so that nothing a guest does reaches the tree.
# lab_seed=DIR on the kernel's command line names the folder that makes this guest a certain machine:
# DIR/files is copied over the root, DIR/network is sourced to name and address the network cards.
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
for word in $(cat /proc/cmdline); do
  case "$word" in
    lab_seed=*) seed="${word#lab_seed=}" ;;
  esac
done

mount -t tmpfs tmpfs /mnt
mkdir /mnt/modules /mnt/upper /mnt/work /mnt/root /mnt/seed
mount -t hostfs none /mnt/modules -o /usr/lib/uml/modules
insmod "/mnt/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko"
mount -t overlay overlay /mnt/root -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work

mount -t hostfs none /mnt/seed -o "$seed"
cp -R --preserve=mode /mnt/seed/files/. /mnt/root/
. /mnt/seed/network
umount /mnt/seed

mkdir -p /mnt/root/lib/modules /mnt/root/.base
mount --no-mtab --move /mnt/modules /mnt/root/lib/modules
mount --no-mtab --move /proc /mnt/root/proc
cd /mnt/root
pivot_root . .base
exec chroot . /lib/systemd/systemd systemd.log_target=null </dev/console >/dev/console 2>&1

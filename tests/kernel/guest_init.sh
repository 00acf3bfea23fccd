#!/bin/sh
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Process 1 of the User-Mode-Linux guest that run.py boots on this machine's own root, read-only.
# exchange=DIR on the kernel's command line is the one place on the machine that the guest may write to:
# DIR/command is what to run, DIR/output and DIR/status are what came of it.
# The checkout may lie below /tmp, so nothing is mounted there.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
TMPDIR=/run/tmp
HOME=/run/tmp
export PATH TMPDIR HOME

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /run/tmp /run/netns /run/exchange /run/modules/lib
for word in $(cat /proc/cmdline); do
  case "$word" in
    exchange=*) mount -t hostfs none /run/exchange -o "${word#exchange=}" ;;
  esac
done

# The kernel loads schedulers by itself through this helper; the machine's own /lib/modules is another kernel's.
ln -s /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\nexec /sbin/modprobe -d /run/modules "$@"\n' >/run/modprobe
chmod 0755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe

ip link set lo up
sh /run/exchange/command >/run/exchange/output 2>&1
echo $? >/run/exchange/status
# Without systemd-sysv there is no halt; the kernel takes the order directly.
halt -f -p 2>/dev/null || echo o >/proc/sysrq-trigger
sleep 60

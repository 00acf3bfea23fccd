#!/usr/bin/env bash
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Make this machine ready to check, test and demonstrate the collection: Debian packages, a virtual
# environment in .venv, and a link by which Ansible and Python find the checkout as mainstay.ha.
# Every step looks first and does nothing when its work is already done, so it is cheap to call often.
# With --quiet only work that is done is reported, not what was there already.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly packages_list=tests/setup/apt-packages.txt
readonly requirements=tests/setup/requirements.txt
readonly venv=.venv
readonly oldest_python="3, 11"

quiet=${1:-}

say() { printf 'setup: %s\n' "$*"; }
already() { [ "$quiet" = --quiet ] || say "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# --- Debian packages ---------------------------------------------------------------------------

missing_packages() {
    local package
    while read -r package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done < <(grep -v '^#' "$packages_list")
}

# Some packages bring a service. Nothing that this machine did not run before may start because of us:
# Debian asks /usr/sbin/policy-rc.d, so one that says no is there for as long as the installation takes.
without_starting_services() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    "$@"
    rm -f "$policy"
    trap - EXIT
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null; }

install_packages() {
    local missing
    missing=$(missing_packages)
    if [ -z "$missing" ]; then
        already "Debian packages: all there"
        return
    fi
    [ "$(id -u)" = 0 ] || fail "Debian packages are missing: ${missing}- run 'make setup' as root, or install them"
    say "Debian packages: installing $missing"
    apt update
    # shellcheck disable=SC2086  # one word a package
    without_starting_services apt install --yes --no-install-recommends $missing >/dev/null
}

# --- Virtual environment -----------------------------------------------------------------------

usable_python() {
    "$1" -c "import sys, ensurepip, venv; sys.exit(sys.version_info < ($oldest_python))" >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if command -v "$candidate" >/dev/null && usable_python "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "no Python >= ${oldest_python/, /.} with venv found; install python3 and python3-venv"
}

# What decides the environment's content: the pinned list and the interpreter that it was made with.
fingerprint() {
    { grep -v '^#' "$requirements"; "$1" -c 'import sys; print(sys.version, sys.base_prefix)'; } | sha256sum | cut -c1-16
}

make_venv() {
    local python stamp
    if usable_python "$venv/bin/python" && [ -e "$venv/made-from-$(fingerprint "$venv/bin/python")" ]; then
        already "virtual environment: up to date"
        return
    fi
    python=$(find_python)
    say "virtual environment: installing $(grep -vc '^#' "$requirements") pinned packages with $python (about half a minute)"
    usable_python "$venv/bin/python" || "$python" -m venv --clear "$venv"
    rm -f "$venv"/made-from-*
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check install -r "$requirements" 2>&1 \
        | { grep -v 'is ignored: it is neither' || true; }
    "$venv/bin/python" -m pip --quiet check
    stamp=$venv/made-from-$(fingerprint "$venv/bin/python")
    touch "$stamp"
}

# --- The checkout as a collection --------------------------------------------------------------

# Ansible searches ansible_collections on Python's own path too, so this one link serves
# ansible-playbook, ansible-doc, molecule and plain pytest alike, with no variable to set.
link_collection() {
    local site target
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    target=$site/ansible_collections/mainstay/ha
    mkdir -p "$(dirname "$target")"
    ln -sfnr . "$target"
    [ -e "$target/galaxy.yml" ] || fail "the link $target does not lead to this checkout"
}

install_packages
make_venv
link_collection
already "ready: $venv/bin ($("$venv/bin/python" --version))"

# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: runtime_archive
short_description: Build the Mainstay runtime as one archive
version_added: 1.0.0
author:
  - The Mainstay authors (@mainstay)
description:
  - Packs the runtime that comes with this collection into one zip archive on the controller and returns
    the path of that file.
  - The archive has the same bytes wherever and whenever it is built from the same sources, so copying it
    to a host changes nothing when the host has it already.
  - The name of the file tells the version and the beginning of the SHA-256 digest of its content.
  - The role P(mainstay.ha.director#role) installs what this lookup returns.
options:
  _terms:
    description: No term is taken.
    required: false
"""

EXAMPLES = r"""
- name: Have the runtime on a host, as one file that the host's own Python can run
  ansible.builtin.copy:
    src: "{{ lookup('mainstay.ha.runtime_archive') }}"
    dest: /usr/lib/mainstay/mainstay.zip
    mode: "0644"
    validate: /usr/bin/python3 -I %s version

- name: Show which release this collection carries
  ansible.builtin.debug:
    msg: "{{ lookup('mainstay.ha.runtime_archive') | basename | splitext | first }}"
"""

RETURN = r"""
_raw:
  description: Path of the archive on the controller. It lives as long as the play does.
  type: list
  elements: path
  sample:
    - /root/.ansible/tmp/ansible-local-4711x/mainstay-1.0.0-0a1b2c3d4e5f.zip
"""

import os
import tempfile
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.mainstay.ha.plugins.plugin_utils._archive import RuntimeArchive, build_archive


class LookupModule(LookupBase):
    """Ansible's name for the one lookup of a file."""

    def run(self, terms: t.List[t.Any], variables: t.Any = None, **kwargs: t.Any) -> t.List[str]:
        if terms:
            raise AnsibleError(f"lookup mainstay.ha.runtime_archive takes no term, got {terms!r}")
        try:
            return [_stored(build_archive())]
        except (OSError, ValueError) as error:
            raise AnsibleError(f"lookup mainstay.ha.runtime_archive: {error}") from error


def _stored(archive: RuntimeArchive) -> str:
    """Path of the archive in the play's own temporary folder, which Ansible removes at its end.

    Every fork of the play may come here at once: a file is complete before it gets its name.
    """
    path = os.path.join(C.DEFAULT_LOCAL_TMP, f"mainstay-{archive.release}.zip")
    if os.path.exists(path):
        return path
    descriptor, unfinished = tempfile.mkstemp(dir=C.DEFAULT_LOCAL_TMP)
    with os.fdopen(descriptor, "wb") as file:
        file.write(archive.content)
    os.replace(unfinished, path)
    return path

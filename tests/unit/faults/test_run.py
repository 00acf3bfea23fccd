# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make faults` says of runs, and how it reads the kernel's table."""

from __future__ import annotations

from faults.run import said
from faults.seen import Seen
from faults.table import Fault
from faults.tables_program import pools_in

FAULT = Fault("F56", lambda _pair: None)
QUIET = Seen(watched=10.0, nobody=0.0, both=0.0, takeovers=0, both_in_the_end=False, rests=True)

TABLE = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C633640A:0050 wrr
  -> C0000216:0050      Masq    1      0          0
  -> C0000215:0050      Masq    0      0          0
TCP  C633640A:0051 wrr
FWM  00000005 rr
  -> C0000215:0050      Masq    1      0          0
"""


def test_a_pair_of_which_nothing_runs_is_no_pair_that_does_not_come_to_rest() -> None:
    assert said([None, None], FAULT) == "ends at its start"
    assert said([], FAULT) == "did not come to rest any more"
    assert said([None, QUIET], FAULT) == "nobody held it for 0 s, both for 0 s, no takeover"


def test_only_servers_with_a_weight_take_connections() -> None:
    assert pools_in(TABLE) == {80: {"192.0.2.22:80"}, 81: set()}

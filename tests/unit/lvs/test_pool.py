# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who serves: the situations that an operator meets, one by one."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.lvs.damping import reuse_at
from mainstay.lvs.member import Pool
from mainstay.lvs.overrides import DRAIN, FORCE, MAINTENANCE, WEIGHT
from mainstay.lvs.pool import decide
from mainstay.model.lvs_defaults import RunningService
from mainstay.model.units import seconds

from .pools import NOW, SORRY, failed, members, order, passing, real, states, waiting, web, weights

TWO = web(real(21, 1), real(22, 2))


def settled(service: RunningService, *said: t.Any, before: Pool | None = None, now: int = NOW) -> Pool:
    return decide(service, members(service, *said), before, now)


def story(service: RunningService, *moments: tuple[float, t.Sequence[t.Any]]) -> list[Pool]:
    """One decision after the other: (seconds, health of the servers)."""
    pools: list[Pool] = []
    for instant, said in moments:
        pools.append(settled(service, *said, before=pools[-1] if pools else None, now=seconds(instant)))
    return pools


# ---- failures


def test_all_is_well() -> None:
    pool = settled(TWO)
    assert weights(pool) == {21: 1, 22: 2}
    assert (pool.live_weight, pool.needed, pool.quorum_up, pool.next_change) == (3, 1, True, None)
    assert pool.why == "the quorum is up: live weight 3, 1 needed"


def test_a_failed_server_is_out_and_says_why() -> None:
    pool = settled(TWO, failed("HTTP 503, accepted are 200-299"))
    assert weights(pool) == {21: None, 22: 2}
    assert pool.placed["192.0.2.21:80"].why == "HTTP 503, accepted are 200-299"


@pytest.mark.fault("F61")
def test_every_server_down_without_anything_else_leaves_nobody_and_says_so() -> None:
    pool = settled(TWO, failed(), failed())
    assert weights(pool) == {21: None, 22: None}
    assert pool.why == "the quorum is LOST: live weight 0, 1 needed; NOTHING takes new connections"


@pytest.mark.fault("F61")
def test_every_server_down_with_a_sorry_server() -> None:
    pool = settled(web(real(21), real(22), sorry_server=SORRY), failed(), failed())
    assert pool.sorry_in
    assert pool.why.endswith("the sorry server 192.0.2.30:80 takes the connections")


def test_every_server_down_with_backup_servers_before_the_sorry_server() -> None:
    service = web(real(21), real(22, backup=True), sorry_server=SORRY)
    assert states(settled(service)) == ["up", "backup"]
    assert weights(settled(service)) == {21: 1, 22: None}
    pool = settled(service, failed())
    assert (pool.backup_in, pool.sorry_in, weights(pool)) == (True, False, {21: None, 22: 1})
    assert "serves because the quorum is lost" in pool.placed["192.0.2.22:80"].why
    both = settled(service, failed(), failed())
    assert (both.backup_in, both.sorry_in) == (False, True), "its check failed too"


@pytest.mark.fault("F61")
def test_every_server_down_with_a_floor_keeps_the_latest_that_failed_and_sounds_the_alarm() -> None:
    service = web(real(21), real(22), real(23), real(24), pool_floor=50)
    pool = settled(service, failed(since=4), failed(since=9), failed(since=1), failed(since=7))
    assert weights(pool) == {21: None, 22: 1, 23: None, 24: 1}
    assert pool.floor_holds == ("192.0.2.22:80", "192.0.2.24:80")
    assert not pool.quorum_up, "they are in, but not well"
    assert pool.placed["192.0.2.22:80"].why == "connection refused; kept in by pool_floor 50 %"
    assert "pool_floor 50 % keeps in 192.0.2.22:80, 192.0.2.24:80" in pool.why


def test_the_floor_keeps_the_sorry_server_away() -> None:
    service = web(real(21), real(22), real(23), real(24), pool_floor=25, sorry_server=SORRY, quorum=3)
    assert not settled(service, failed(), failed(), failed(), failed()).sorry_in
    assert weights(settled(service, failed(), failed())) == {21: None, 22: None, 23: 1, 24: 1}, "more than the floor"


def test_the_floor_never_keeps_what_the_operator_took_out() -> None:
    service = web(real(21), real(22), pool_floor=100)
    pool = settled(service, (failed(), order(MAINTENANCE)), (failed(), order(DRAIN)))
    assert weights(pool) == {21: None, 22: 0}
    assert pool.floor_holds == ()


# ---- quorum


def test_live_servers_below_the_quorum_serve_on_without_a_sorry_server_and_make_room_for_one() -> None:
    alone = settled(web(real(21), real(22), quorum=2), failed())
    assert (alone.quorum_up, weights(alone)) == (False, {21: None, 22: 1})
    assert alone.why.endswith("the servers that are left take the connections")
    replaced = settled(web(real(21), real(22), quorum=2, sorry_server=SORRY), failed())
    assert weights(replaced) == {21: None, 22: None}
    assert replaced.placed["192.0.2.22:80"].why == (
        "HTTP 200; but the quorum is LOST: live weight 1, 2 needed; "
        "the sorry server 192.0.2.30:80 takes the connections"
    )


def test_hysteresis_as_in_keepalived() -> None:
    """Up at quorum + hysteresis, down below quorum - hysteresis."""
    service = web(*(real(n) for n in range(21, 27)), quorum=3, hysteresis=1)

    def live(number: int) -> list[t.Any]:
        return [passing()] * number + [failed()] * (6 - number)

    pools = story(service, *((turn, live(n)) for turn, n in enumerate((6, 2, 1, 3, 4, 3, 2))))
    assert [pool.quorum_up for pool in pools] == [True, True, False, False, True, True, True]
    assert [pool.needed for pool in pools] == [2, 2, 4, 4, 2, 2, 2]


def test_a_restart_does_not_cost_a_quorum_inside_the_hysteresis() -> None:
    service = web(*(real(n) for n in range(21, 27)), quorum=3, hysteresis=2, sorry_server=SORRY)
    drained = [(passing(), order(DRAIN))] * 3
    running = settled(service, *drained, before=settled(service))
    restarted = settled(service, *drained)
    assert running.quorum_up
    assert (restarted.quorum_up, restarted.sorry_in) == (True, False)


def test_a_quorum_above_the_whole_weight_is_cut_to_it() -> None:
    service = web(real(21), real(22), quorum=9)
    assert settled(service).quorum_up
    assert not settled(service, failed(), before=settled(service)).quorum_up


def test_the_quorum_counts_the_weight_that_is_in_force() -> None:
    service = web(real(21, 4), real(22, 4), quorum=6)
    assert not settled(service, passing(weight=1)).quorum_up
    assert not settled(service, (passing(), order(WEIGHT, 1))).quorum_up
    assert not settled(service, (passing(), order(DRAIN))).quorum_up


def test_at_the_start_everybody_is_trusted_except_with_alpha() -> None:
    assert settled(TWO, waiting(), waiting()).quorum_up
    service = web(real(21), real(22), sorry_server=SORRY)
    assert settled(service, waiting(trusted=False), waiting(trusted=False)).sorry_in


# ---- orders


def test_draining_the_last_server_is_done_and_said_aloud() -> None:
    pool = settled(web(real(21)), (passing(), order(DRAIN)))
    assert weights(pool) == {21: 0}
    assert pool.placed["192.0.2.21:80"].why == (
        "HTTP 200; drain ordered by alice at 2026-11-22T03:10:00+00:00 (disk swap): no new connections; "
        "web without it: the quorum is LOST: live weight 0, 1 needed; NOTHING takes new connections"
    )


def test_maintenance_of_the_last_server_is_done_and_says_who_takes_over() -> None:
    pool = settled(web(real(21), sorry_server=SORRY), (passing(), order(MAINTENANCE)))
    assert weights(pool) == {21: None}
    assert pool.placed["192.0.2.21:80"].why.endswith("the sorry server 192.0.2.30:80 takes the connections")


def test_draining_one_of_two_says_nothing_of_the_pool() -> None:
    assert "web" not in settled(TWO, (passing(), order(DRAIN))).placed["192.0.2.21:80"].why


def test_a_drained_server_keeps_its_connections_whatever_its_checks_say() -> None:
    pool = settled(TWO, (failed("HTTP 503"), order(DRAIN)))
    assert (states(pool)[0], weights(pool)[21]) == ("draining", 0)
    assert pool.placed["192.0.2.21:80"].why.startswith("HTTP 503; drain ordered by alice at ")


@pytest.mark.parametrize("action", [DRAIN, MAINTENANCE, FORCE])
def test_what_the_checks_say_comes_first_whatever_is_ordered(action: str) -> None:
    """The page of the servers has the age of the last probe before it, not that of the order."""
    for said in (passing("HTTP 200"), failed("HTTP 503")):
        why = settled(TWO, (said, order(action))).placed["192.0.2.21:80"].why
        assert why.startswith(f"{said.reason}; {action} ordered by alice at "), why


def test_drained_servers_stay_while_the_sorry_server_serves() -> None:
    pool = settled(web(real(21), sorry_server=SORRY), (passing(), order(DRAIN)))
    assert (pool.sorry_in, weights(pool)) == (True, {21: 0})


def test_a_forced_server_serves_whatever_checks_and_quorum_say() -> None:
    service = web(real(21, 3), real(22), quorum=4, sorry_server=SORRY)
    pool = settled(service, (failed(), order(FORCE)), failed())
    assert (states(pool), weights(pool), pool.sorry_in) == (["forced", "down"], {21: 3, 22: None}, False)
    assert pool.placed["192.0.2.21:80"].why.startswith("connection refused; force ordered by alice")


def test_a_forced_server_of_weight_0_gets_weight_1() -> None:
    assert weights(settled(web(real(21, 0)), (passing(), order(FORCE)))) == {21: 1}


def test_another_weight_leaves_the_checks_their_say() -> None:
    pool = settled(TWO, (passing(), order(WEIGHT, 7)), (failed(), order(WEIGHT, 9)))
    assert weights(pool) == {21: 7, 22: None}
    assert pool.placed["192.0.2.21:80"].why.endswith("configured 1")


def test_weight_0_drains_whoever_says_it() -> None:
    service = web(real(21, 0), real(22), real(23))
    pool = settled(service, passing(), (passing(), order(WEIGHT, 0)), passing("exit status 2", weight=0))
    assert (states(pool), weights(pool)) == (["draining"] * 3, {21: 0, 22: 0, 23: 0})
    assert [placed.why.partition(":")[0] for placed in pool.placed.values()] == [
        "HTTP 200; weight 0 in the configuration",
        "HTTP 200; weight 0 ordered by alice at 2026-11-22T03",
        "exit status 2; weight 0 by its checks",
    ]


# ---- slow start

WARM = web(real(21, 10, slow_start=seconds(90)), real(22, 10))


def test_a_server_that_recovers_comes_back_step_by_step() -> None:
    pools = story(WARM, (0, []), (10, [failed()]), (20, []), (60, []), (110, []))
    assert [weights(pool)[21] for pool in pools] == [10, None, 1, 5, 10]
    assert [states(pool)[0] for pool in pools] == ["up", "down", "warming", "warming", "up"]
    assert [pool.next_change for pool in pools] == [None, None, seconds(30), seconds(70), None]
    assert pools[2].placed["192.0.2.21:80"].why == "HTTP 200; slow_start: weight 1 of 10, all of it in 90 s"


def test_one_that_warms_counts_in_full_for_the_quorum() -> None:
    service = web(real(21, 10, slow_start=seconds(90)), sorry_server=SORRY, quorum=10)
    pools = story(service, (0, []), (10, [failed()]), (20, []))
    assert [pool.sorry_in for pool in pools] == [False, True, False]
    assert (weights(pools[2]), pools[2].live_weight) == ({21: 1}, 10)


def test_nobody_warms_up_at_the_start() -> None:
    assert weights(settled(WARM)) == {21: 10, 22: 10}
    pools = story(WARM, (0, [waiting()]), (1, [passing()]))
    assert weights(pools[1])[21] == 10
    with_alpha = story(WARM, (0, [waiting(trusted=False)]), (1, [passing()]))
    assert weights(with_alpha[1])[21] == 10, "it never failed"


def test_back_from_maintenance_it_warms_up_and_from_draining_not() -> None:
    from_maintenance = story(WARM, (0, []), (10, [(passing(), order(MAINTENANCE))]), (20, []))
    assert weights(from_maintenance[-1])[21] == 1
    from_draining = story(WARM, (0, []), (10, [(passing(), order(DRAIN))]), (20, []))
    assert weights(from_draining[-1])[21] == 10


@pytest.mark.parametrize("fails_at", [5, 15])
def test_one_that_failed_before_or_while_it_was_drained_warms_up_when_it_serves_again(fails_at: int) -> None:
    """As in an update: drained, restarted, which its checks saw, and restored."""
    drained, down = order(DRAIN), [[failed()], [(failed(), order(DRAIN))]][fails_at > 10]
    steps = sorted([(10, [(passing(), drained)]), (fails_at, down)], key=lambda step: step[0])
    pools = story(WARM, (0, []), *steps, (20, [(passing(), drained)]), (30, []))
    assert [weights(pool)[21] for pool in pools[-2:]] == [0, 1]


def test_a_failure_while_it_warms_begins_the_ramp_again() -> None:
    pools = story(WARM, (0, []), (10, [failed()]), (20, []), (60, []), (61, [failed()]), (70, []))
    assert [weights(pool)[21] for pool in pools] == [10, None, 1, 5, None, 1]


def test_force_skips_the_ramp() -> None:
    pools = story(WARM, (0, []), (10, [failed()]), (20, []), (30, [(passing(), order(FORCE))]), (40, []))
    assert [weights(pool)[21] for pool in pools] == [10, None, 1, 10, 10]


def test_a_reload_does_not_begin_the_ramp_again_nor_forget_it() -> None:
    pools = story(WARM, (0, []), (10, [failed()]), (20, []))
    longer = web(real(21, 10, slow_start=seconds(180)), real(22, 10))
    assert weights(settled(longer, before=pools[-1], now=seconds(60)))[21] == 3
    assert weights(settled(WARM, before=pools[-1], now=seconds(60)))[21] == 5


# ---- flapping

FLAPPY = web(real(21), real(22), flap_damping=seconds(60))


def flapping(service: RunningService, times: int = 3, **others: t.Any) -> list[Pool]:
    moments: list[tuple[float, t.Sequence[t.Any]]] = [(0, [])]
    for turn in range(times):
        moments += [(1 + 2 * turn, [failed()]), (2 + 2 * turn, [passing()])]
    return story(service, *moments)


def test_a_server_that_flaps_stays_out_and_says_how_long() -> None:
    pools = flapping(FLAPPY)
    assert [states(pool)[0] for pool in pools] == ["up", "down", "up", "down", "up", "down", "damped"]
    assert weights(pools[-1]) == {21: None, 22: 1}
    end = reuse_at(pools[-1].memories["192.0.2.21:80"].penalty, seconds(60))
    assert pools[-1].next_change == end
    assert "it flaps (penalty 2898): stays out another 118 s" in pools[-1].placed["192.0.2.21:80"].why
    assert states(settled(FLAPPY, before=pools[-1], now=end - 1)) == ["damped", "up"]
    assert states(settled(FLAPPY, before=pools[-1], now=end)) == ["up", "up"]


def test_damping_never_costs_the_quorum() -> None:
    pools = flapping(web(real(21), real(22), flap_damping=seconds(60), quorum=2, sorry_server=SORRY))
    assert (pools[-1].quorum_up, weights(pools[-1])) == (True, {21: 1, 22: 1})
    assert "there are not enough servers without it" in pools[-1].placed["192.0.2.21:80"].why


def test_a_damped_server_comes_in_when_the_others_fail() -> None:
    pools = flapping(FLAPPY)
    alone = settled(FLAPPY, passing(), failed(), before=pools[-1], now=seconds(8))
    assert weights(alone) == {21: 1, 22: None}


def test_restarts_in_maintenance_or_while_drained_are_no_flapping() -> None:
    for action in (MAINTENANCE, DRAIN):
        said = order(action)
        moments: list[tuple[float, t.Sequence[t.Any]]] = [(0, [])]
        for turn in range(5):
            moments += [(1 + 2 * turn, [(failed(), said)]), (2 + 2 * turn, [(passing(), said)])]
        pools = story(FLAPPY, *moments, (20, []))
        assert states(pools[-1])[0] == "up"


def test_without_flap_damping_nobody_is_kept_out() -> None:
    pools = flapping(web(real(21), real(22)), times=9)
    assert states(pools[-1]) == ["up", "up"]


def test_damping_that_was_turned_off_and_on_again_has_forgotten() -> None:
    off = settled(web(real(21), real(22)), before=flapping(FLAPPY)[-1], now=seconds(8))
    assert states(settled(FLAPPY, before=off, now=seconds(9))) == ["up", "up"]


def test_the_floor_would_rather_have_a_damped_server_than_a_failed_one() -> None:
    service = web(real(21), real(22), real(23), flap_damping=seconds(60), pool_floor=60)
    pools = flapping(service)
    pool = settled(service, passing(), failed(since=seconds(8)), before=pools[-1], now=seconds(8))
    assert (states(pool), weights(pool)) == (["damped", "down", "up"], {21: 1, 22: None, 23: 1})
    assert pool.floor_holds == ("192.0.2.21:80",)


def test_what_the_floor_brings_back_has_all_its_weight_at_once() -> None:
    service = web(real(21, 10), real(22, 10), slow_start=seconds(90), pool_floor=50)
    pools = story(service, (0, []), (10, [failed()]), (20, [failed(), (passing(), order(MAINTENANCE))]))
    assert [weights(pool) for pool in pools] == [{21: 10, 22: 10}, {21: None, 22: 10}, {21: 10, 22: None}]

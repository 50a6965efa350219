"""Numbers in the chapter's prose and answers: each is worked out here, and found in the text."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from helpers.foundations.experiment import Draws
from helpers.messaging import (
    bounded_queue,
    brokers,
    chain,
    checkpoints,
    consumer_group,
    consumers,
    daily_load,
    expired_work,
    fan_out,
    heavy_tails,
    impatience,
    index_lag,
    killed_consumers,
    load_levelling,
    outbox,
    prefetch,
    questions,
    real_bounded_queue,
    real_fan_out,
    retries,
    semantics,
    visibility,
)
from tests.messaging import (
    test_bounded_queue,
    test_brokers,
    test_chain,
    test_consumer_group,
    test_daily_load,
    test_expired_work,
    test_heavy_tails,
    test_impatience,
    test_index_lag,
    test_load_levelling,
    test_outbox,
    test_prefetch,
    test_retries,
    test_transcoding,
    test_visibility,
)
from tests.models import edited
from tests.prose import Prose, spelled

PROSE = Prose("10", questions)
said, given, shown, universal = PROSE.computed, PROSE.given, PROSE.shown, PROSE.universal
sourced = PROSE.sourced


def test_what_the_page_sets() -> None:
    said(f"change the rules of {PROSE.cells_with('model=')} models")
    given("about twenty seconds", why="a time, measured on an idle machine")
    given("what was done twice, change", "doing it twice is the same", why="what the words mean")
    given("how often a message was done twice, out", "work is done twice. A cross", why="a name")
    given("in what is done twice, in which order", "was done twice. You now", why="a name")
    given("needs every message must bear one twice", "makes work be done twice", why="a name")
    given("a product that changes twice, and", why="the example sets it")
    given("A report can be one page or ten thousand", why="an example")
    given("has hidden the second half somewhere", "second half of Sackman", why="a way of speaking")
    given("(US-EAST-1) Region", "blog, 11 May 2012", why="titles and dates")
    given("*Future Generation Computer Systems* 22", "of the ACM* 17", why="volumes")


def test_a_chain_and_a_queue() -> None:
    at = chain.Setting(services=5, failing=0.01)
    said(
        f"0.99⁵ = {100 * (1 - chain.theory(at).fail):.1f} %. For small shares that is nearly a sum"
    )
    assert chain.theory(at).fail == pytest.approx(5 * 0.01, rel=0.03)
    shown("the chances of success multiply", by=test_chain.test_times_add_up_and_successes_multiply)
    universal("All five must succeed", why="the question's request needs all of them")
    universal("no longer depends on how many services come after", why="one term, one factor")
    universal("the work no quicker", why="the work is the same, and the wait comes on top")


def test_the_brokers() -> None:
    kafka, sqs = "Apache Kafka documentation", "Amazon SQS Developer Guide"
    sourced("session timeout 45 s (since version 3.0)", source=kafka)
    rabbit = "RabbitMQ documentation"
    sourced("acknowledgement timeout 30 min", "from version 4.3 on", source=rabbit)
    sourced("300 s between polls at most, 500 records a poll", source=kafka)
    sourced("visibility 30 s, at most 12 h", source=sqs)
    shown("visibility 30 s, at most 12 h", by=test_visibility.test_the_defaults_of_sqs)
    at = brokers.Setting()
    assert (consumers.MESSAGES, consumers._KEYS, at.kill_s) == (60, 12, 9.8)
    said(
        "the same sixty messages, with twelve keys", "after nearly ten seconds kills consumer 1 in"
    )
    said("runs the sixty messages through *your*")
    given("the other two in pale blue", why="three brokers without the chosen one")
    assert at.batch == 6
    assert at.batch * at.work_s == pytest.approx(5, abs=0.25)
    said("A batch of six takes about five seconds, the timeout is three")
    lengths = [len(inspect.getsource(each).splitlines())
               for each in (semantics.RabbitMQ, semantics.Kafka, semantics.SQS)]  # fmt: skip
    assert all(25 < each < 45 for each in lengths)
    said("a class of some thirty lines")
    for broker in brokers.BROKERS:
        early = brokers.theory(at.but(broker=broker, acknowledge="before the work"))
        assert early.twice == 0
        assert early.lost > 0
    said("Nothing is ever done twice, and what the dead consumer held is lost")
    universal(
        "Nothing is ever done twice, and what the dead",
        why="what is acknowledged before the work is never handed out again; tested",
    )
    universal(
        "there is no third way",
        why="of two steps one is first; where both are one transaction there is nothing between",
    )
    universal("All three buffer. They", why="each is run")
    whatever = test_brokers.test_no_message_is_forgotten_when_it_is_acknowledged_after_the_work
    shown("no message is lost, and some are delivered more than once", by=whatever)
    universal("no message is lost, and some", why="what *at least once* means")
    universal("**SQS** never notices", why="its rule looks at the clock, not at consumers")
    universal("members who do nothing", why="a partition has one reader")
    each = test_brokers.test_committing_each_message_leaves_nothing_to_do_twice
    shown("Nothing is done twice any more", by=each)
    bold = test_brokers.test_a_new_owner_that_begins_where_the_old_one_was_loses_messages
    shown("Nothing is done twice, and what the dead consumer had fetched", by=bold)
    order = test_brokers.test_spreading_messages_without_their_key_loses_the_order
    shown("by several consumers, in no order", by=order)
    universal("this needs no accident", why="tested without a kill")
    universal(
        "none of them can see to it that work is done *exactly once*",
        why="an effect outside the broker is no part of its transactions",
    )


def test_prefetches() -> None:
    at = prefetch.Setting()
    assert (at.one_way_ms, at.work_ms) == (50, 4)
    sourced("A message takes 50 ms to the consumer, 4 ms of work", source="blog of RabbitMQ")
    sourced("its acknowledgement 50 ms back", source="blog of RabbitMQ")
    trip_ms = 2 * at.one_way_ms + at.work_ms
    said(f"So {trip_ms:.0f}/{at.work_ms:.0f} = {trip_ms / at.work_ms:.0f} fill it, as Sackman")
    said(f"4 ms of every {trip_ms:.0f} ms")
    said(f"with its {100 * prefetch.theory(at).busy:.1f} % and its {prefetch.enough(at)}")
    said(f"a prefetch of {prefetch.enough(at)} when the network")
    tenth = test_prefetch.test_acknowledging_every_tenth_needs_nine_more
    shown("**Acknowledge every tenth.**", "With 26 the consumer is no longer full", by=tenth)
    shown("with 40 it is", by=tenth)
    given("The prefetch must be 10 or more", why="before that the tenth is not yet done")
    given("**One slow message in a hundred.**", why="the change sets it")
    slow = edited(
        test_prefetch.MODEL,
        "        done = start + takes_s\n",
        "        if n % 100 == 0:\n            takes_s = 1.0\n        done = start + takes_s\n",
    )
    assert slow(at.but(prefetch=50), Draws(1))["held_ms"] > 500
    said("At a prefetch of 50 messages now lie for half a second and more")
    universal("no other consumer may take it", why="the broker has handed it out")
    universal("Nobody else can have them meanwhile", why="the broker has handed them out")


def test_groups() -> None:
    at = consumer_group.Setting()
    assert consumer_group.theory(at, 11) == consumer_group.theory(at, 6)
    one = test_consumer_group.test_one_key_is_one_reader_s_however_many_there_are
    shown("One key that has a tenth of all messages is a tenth for one reader", by=one)
    universal(
        "is a tenth for one reader, whatever you add", why="a key is in one partition; tested"
    )
    universal(
        "No group can be faster than min(*P*, *C*) readers",
        why="each partition has one reader; tested",
    )
    universal("beyond *P* consumers nothing at all", why="⌈P/C⌉ is 1 from there on")
    universal("those two are no faster than before", why="a partition has one reader")


def test_timeouts() -> None:
    at = visibility.Setting()
    assert (at.work_s, at.visibility_s, at.consumers, at.rate_rps) == (10, 30, 40, 1)
    said("Work takes 10 s on average; the default timeout of SQS is three times that")
    said("Yours are forty consumers, for one message per second of 10 s of work")
    assert visibility.theory(at.but(visibility_s=10.0, dies=0.0)).twice == pytest.approx(
        math.exp(-1), rel=1e-3
    )
    said("is begun a second time: exp(-1)")
    times = [visibility.theory(at.but(visibility_s=v)).took_s for v in (2.0, 5.0, 10.0, 30.0)]
    assert times == sorted(times)
    said("very short timeouts make messages *quicker*")
    lines = inspect.getsource(visibility.seen_again).partition("def hidden")[2]
    assert len(lines.partition("\n\n")[0].splitlines()) == 4
    said("the rule is four lines, `hidden`")
    shown(
        "Nothing is done twice at any timeout",
        by=test_visibility.test_a_heartbeat_ends_the_double_work_and_still_notices_a_death,
    )
    early = test_visibility.test_deleting_first_loses_what_its_consumer_takes_along
    shown("Again nothing is done twice", by=early)
    careful = test_visibility.test_who_looks_before_the_effect_does_nothing_twice
    shown("The work is done twice and the effect once", by=careful)
    universal(
        "Nothing is done twice at any timeout",
        why="it is put back only when nobody works on it and nobody has done it",
    )
    universal("All work that takes longer", why="nobody dies, and a consumer is always free")


def test_killed_consumers() -> None:
    trial, at = killed_consumers.Trial(), killed_consumers.Setting()
    assert trial.batch == at.batch == 10
    said("Its consumer takes ten messages, does them one by one, acknowledges the ten")
    assert (trial.messages, trial.kills) == (200, 8)
    said("200 messages, eight consumers killed, once for each rule")
    said("The four queues share nothing")
    assert len(killed_consumers.RULES) + 1 == 4
    phase = np.linspace(0, 1, 1_000, endpoint=False)
    doubled = killed_consumers._doubled(at, phase, at.batch)
    assert (doubled.min(), doubled.max(), np.ptp(np.bincount(doubled.astype(int)))) == (0, 9, 0)
    assert killed_consumers.theory(at) == doubled.mean() == 4.5
    said("Any of 0 to *b* − 1 messages", "Any of 0 to 9 are done and not yet acknowledged")
    assert f"at most {trial.kills * trial.batch})" in PROSE.printed
    said("The bound in the sentences is ten for each kill and not nine")
    keyed = killed_consumers.simulate(keyed=True)
    assert keyed.doubled_here.estimate == 0
    said("whatever was delivered twice took effect once")
    universal("No rule loses a message", why="acknowledged after the work; tested with real kills")
    universal("all equally likely if messages", why="a random moment falls evenly on equal parts")


def test_spikes() -> None:
    at = load_levelling.Setting()
    exact, fewer = load_levelling.theory(at), load_levelling.theory(at.but(workers=9))
    assert (at.usual_rps, at.capacity_rps, at.spike_s, at.spike_rps) == (6, 10, 20, 30)
    said("Usually 6 jobs come per second, and the workers can do 10")
    said("Then, for 20 seconds, 30 come")
    assert exact.gone_s == 120
    said("The spike lasts 20 s and is felt for two minutes")
    assert fewer.backlog / exact.backlog == pytest.approx(1 + 1 / 20)
    assert fewer.drain_s / exact.drain_s == pytest.approx(1 + 2 / 5)
    said("from 10 to 9: the backlog grows by a twentieth, and the drain time by two fifths")
    assert load_levelling.theory(at.but(usual_rps=9.95)).drain_s > 2 * 3_600
    said("nearly busy on an ordinary day absorbs a spike for hours")
    assert exact.wait_s == 40
    said("at the end of the spike waited for forty seconds")
    said(f"leaves (30 - 10) × 20 = {exact.backlog:.0f} jobs, and only 10 - 6 = 4 per second")
    small = at.but(workers=4, usual_rps=2.0, spike_rps=10.0, spike_s=15.0)
    assert load_levelling.theory(small).drain_s > 2 * small.spike_s
    said("with four workers a ramp up, and a longer one down")
    late = test_load_levelling.test_help_that_comes_late_shortens_the_drain_and_not_the_peak
    shown("a minute after the spike began the line is gone", by=late)
    expire = test_load_levelling.test_jobs_that_expire_cut_the_wait_and_are_lost
    shown(
        "waits longer than 15 s, and the backlog is gone within about forty-five seconds", by=expire
    )
    # The fluid's head of the line is 15 s old some time after the spike; from there on until the
    # last of the spike is so old, jobs come of age at 30 per second and 10 are done.
    oldest_s = at.spike_s * at.capacity_rps / at.spike_rps
    full_s = 15 - (at.spike_s - oldest_s)
    reached_s = oldest_s + full_s * at.capacity_rps / (at.spike_rps - at.capacity_rps)
    aged = (at.spike_s - reached_s) * (at.spike_rps - at.capacity_rps)
    assert aged > exact.backlog / 2
    said("most of it was thrown away")
    slow = test_load_levelling.test_workers_that_slow_down_never_catch_up
    shown("With ten workers the backlog now does not drain at all", by=slow)
    assert load_levelling.Setting(workers=6).capacity_rps == at.usual_rps
    said("has six workers for six jobs per second. On an ordinary day they have nothing to spare")
    universal("nothing to drain with", why="capacity less usual traffic is zero")
    universal("Only the *spare* capacity drains", why="the rest does what comes")
    universal("Nothing was refused, and no worker", why="the model has no limit, and one pace")
    universal("No job that is done waits longer than 15 s", why="the change skips them; tested")


def test_days() -> None:
    at = daily_load.Setting()
    can = at.workers / at.work_h
    assert (at.mean_rph, at.highest_rph, can, daily_load.PEAK_H) == (40, 64, 48, 14)
    said(f"a sine around 40 per hour, with the most, {at.highest_rph:.0f} per hour, at 14:00")
    said(f"The workers can do {can:.0f} per hour, at any hour", "as more than 48 come")
    assert (at.share - 1) / at.swing == pytest.approx(1 / 3)
    assert daily_load.theory(at).lag_h == pytest.approx(24 * math.acos(1 / 3) / (2 * math.pi))
    said("They are 48 again when a third of the sine's height above the mean is left")
    said(f"arccos(1/3) is {math.degrees(math.acos(1 / 3)):.1f}° of a day's 360°")
    assert float(daily_load.lag_h(at, 1 + 1e-9)) == pytest.approx(6, abs=1e-3)
    said("after the load's peak: up to six hours")
    said("sees the worst at 14:00")
    day = "hours of a day"
    given("\\frac{24\\,\\mathrm{h}}{2\\pi}", "m}{24\\,\\mathrm{h}}", why=day)
    universal("have it for any work *S*", why="their model is M(t)/G/∞")
    universal("Where there is a line all workers", why="nobody idles beside a line")
    meets = test_daily_load.test_where_the_last_worker_is_just_needed_both_lags_meet
    shown("They meet where the last worker is just needed", by=meets)
    constant = test_daily_load.test_the_mean_of_constant_work_lags_by_half_of_it
    shown("*m* if it is exponential, half of it if it is constant", by=constant)
    late = test_daily_load.test_help_at_the_load_s_peak_helps_and_help_at_the_line_s_peak_is_late
    shown("ten more workers, from 19:00 of the first day on", by=late)
    shown("more than a quarter of the peak never comes into being", by=late)
    patient = test_daily_load.test_a_third_that_can_wait_half_a_day_flattens_it
    shown("**A third can wait half a day.**", "less than half of the peak is left", by=patient)


def test_the_mean_of_spikes() -> None:
    drains = [load_levelling.theory(load_levelling.Setting(workers=n)).drain_s for n in (8, 7)]
    said(f"Eight workers drain in {drains[0]:.0f} s, seven would need {drains[1]:.0f} s")
    said(f"within the {300 - 20} s between two spikes")
    mean = (20 * 30 + 280 * 6) / 300
    assert questions.PREDICTIONS["every-five"].answer() == pytest.approx(mean)
    said(f"(20 × 30 + 280 × 6) / 300 = {mean:.1f}", f"The boundary, {mean:.1f}, is the *mean*")
    load = 0.95
    assert load**2 / (1 - load) == pytest.approx(18, abs=0.1)
    said("at 95 % of capacity an M/M/1 queue holds eighteen waiting jobs on average")
    universal("it cannot do any", why="a queue has no worker")
    universal("If the mean does not fit, it never drains", why="more comes than is done, for ever")
    universal(
        "nothing else helps but to turn jobs away",
        why="what stays must be done; there are only capacity, work and number of jobs",
    )


def test_full_queues() -> None:
    at = bounded_queue.Setting()
    assert at.load == 1.2
    over = 1 - 1 / at.load
    assert over == pytest.approx(1 / 6)
    said("At 120 % a sixth of the jobs cannot be done", "The four policies differ in *which* sixth")
    said("It is not that a sixth is late", f"At least a sixth, {100 * over:.1f} %, is too much")
    assert bounded_queue.theory(at.but(room=50)).undone == pytest.approx(over, rel=0.01)
    without = test_bounded_queue.test_a_queue_without_a_limit_is_mm1_below_one_and_late_above
    shown("the one that falls to nothing at a load of 1 is *wait for ever*", by=without)
    assert bounded_queue.theory(at, "wait for ever", load=0.9999).in_time < 0.01
    large = at.but(room=50, patience=10.0)
    for policy in ("turn away", "push back"):
        assert bounded_queue.theory(large, policy).in_time < 0.001
    said("Now make the room 50 and the patience 10. Almost nothing is in time")
    trial = real_bounded_queue.Trial()
    assert (real_bounded_queue._PAIRS, trial.work_ms, trial.room) == (8, 5, 6)
    said("Eight pairs of threads exchange jobs of 5 ms through queues with room for six")
    for policy in real_bounded_queue.MEASURED:
        assert bounded_queue.theory(at.but(room=trial.room), policy).late < 1e-4
    said("with room for six and this patience, done is in time")
    best = test_bounded_queue.test_shedding_puts_most_in_time_at_every_load
    shown("**Shed the late** does best at every load", by=best)
    universal("does best at every load", why="tested at every load, room and patience; or as well")
    universal("a sixth of the jobs cannot be done, whatever you do", why="load 1.2, one worker")
    universal("**Wait for ever** does no job in time", why="in the long run, above a load of 1")
    universal("*everybody* waits longer than anything is worth", why="the line grows without end")
    universal("is too much work whatever the room", why="one worker does at most 1 of 1.2")
    universal("in an overload without a limit everybody is late", why="the line grows without end")
    universal("everybody is late in an overload that lasts", why="the line grows without end")


def test_callers_who_give_up() -> None:
    at = impatience.Setting()
    assert (at.calls_per_h, at.call_min, at.agents, at.patience_min) == (200, 3, 14, 5)
    said("100 calls of 3 min in half an hour, 14 agents, and callers with 5 min of patience")
    exact = impatience.theory(at)
    shares = [f"{100 * each:.1f} %" for each in (exact.wait, exact.give_up, exact.utilisation)]
    said(f"With 14 agents, {shares[0]} of the callers wait, {shares[1]} give up")
    said(
        f"agents are busy {shares[2]} of the time, by the formulas that Mandelbaum and Zeltyn give"
    )
    assert at.load == 10
    said("8 agents do at most 8 of 10, so a fifth must go")
    assert impatience.theory(at.but(agents=8)).give_up > 1 / 5
    name = "test_without_patience_s_end_everybody_waits_and_overload_is_a_queue_without_end"
    endless = getattr(test_impatience, name)
    shown("with 8 agents nearly everybody waits", by=endless)
    again = test_impatience.test_those_who_call_again_undo_half_of_what_giving_up_had_mended
    shown("waits 5 min on average", "At 10 agents more callers wait and more give up", by=again)
    leaves = test_impatience.test_whoever_is_told_the_queue_is_long_leaves_at_once
    shown('**"You are number three in the line."**', "With 8 agents far fewer wait", by=leaves)
    universal(
        "an impatient queue has a steady state at any load",
        why="the longer the line, the more leave it, until as many go as come",
    )


def test_the_bad_day() -> None:
    aws = "Amazon Web Services"
    sourced("In the night to 20 October 2025", "at 2:25, the leases", source=aws)
    sourced("At 4:14 engineers throttled", "At 5:28 all leases were there", source=aws)
    clock = expired_work.clock
    times = [clock(each) for each in (expired_work.BACK_MIN, expired_work.HELP_MIN)]
    said(f"at {times[0]}, the leases", f"At {times[1]} engineers", f"was gone at {times[0]}")
    said(f"{expired_work._SERVERS:,} leases, one line of attempts")
    run = expired_work.simulate()
    assert run.wasted.max() - run.wasted.min() == pytest.approx(90, abs=5)
    assert not np.any((run.done > run.wasted.min()) & (run.done < run.wasted.max()))
    said("For an hour and a half nobody is idle and nothing gets done")
    ended = test_expired_work.test_help_is_what_ends_it
    shown("Switch the help off, and it never comes back", by=ended)
    assert run.at.good_min == 20
    limit = expired_work.theory(run.at)
    for seed in range(5):
        below = expired_work.simulate(help_=False, outage_min=0.88 * limit, seed=seed)
        assert below.over_min < 95
    assert limit + 3 * run.at.good_min == pytest.approx(90, abs=2)  # in time, in vain, in time
    said("With attempts that are good for 20 min the trouble is over")
    said("about an hour and a half after it began at the latest")
    ends = test_expired_work.test_below_the_limit_it_mends_itself_and_above_it_never_does
    shown("on the other it has no end", by=ends)
    universal("on the other it has no end", why="each round wastes as much as the last; tested")


def test_tries() -> None:
    at = retries.Setting()
    assert (at.lost, at.reply_lost) == (0.1, 0.1)
    assert retries.theory(at, 5).never == pytest.approx(1e-5)
    said("With one request in ten lost the blue dots fall by a factor of ten with each try")
    said("five tries lose one mail in a hundred thousand")
    more = [retries.theory(at, k).more for k in range(2, 11)]
    assert 0.08 < more[0] < max(more) < 0.1
    said("The orange ones rise at once to nearly a tenth and stay there")
    assert retries.theory(at).more == pytest.approx(0.1, abs=0.005)
    said("repeated if its confirmation was lost: nearly one in ten")
    long = test_retries.test_a_key_that_is_remembered_long_enough_ends_all_double_effects
    shown("Now nothing happens twice, for as long as it remembers", by=long)
    sourced("queues of the kind SQS FIFO keep keys for five minutes", source="SQS FIFO")
    universal("Now nothing happens twice", why="while the key is remembered; tested")
    universal(
        'whoever promises "exactly once" has hidden',
        why="the sender of a silent message must choose between two faults",
    )
    universal("not both", why="whether a silent message arrived cannot be known by its sender")


def test_the_outbox() -> None:
    designs = [outbox.theory(outbox.Setting(), each) for each in outbox.DESIGNS]
    assert [float(each.sum()) for each in designs] == pytest.approx([0.02 * 0.98] * 3)
    assert len({int(each.argmax()) for each in designs}) == 3
    said("The same chance in all three, *c* (1 − *c*), and three different faults")
    assert outbox.FAULTS[int(designs[2].argmax())] == "message sent twice"
    said("A message sent twice: what you have just learned to mend")
    source = inspect.getsource(outbox.orders_and_messages)
    steps = source[source.index("def take") : source.index("for order in range")]
    assert len([line for line in steps.splitlines() if line.strip()]) == 10
    assert steps.count("may_crash()") == 3
    said("Ten lines, three steps, and a crash that can come before each of them")
    swapped = test_outbox.test_marking_before_sending_loses_messages
    shown("Nothing is sent twice, and orders lose their messages", by=swapped)
    assert outbox.Trial().kills == 16
    said("Sixteen of each design are killed at random moments")
    memory = test_outbox.test_a_receiver_that_knows_the_order_already_mends_the_rest
    shown("All three diamonds fall to zero", by=memory)
    universal("All three diamonds fall to zero", why="tested")
    universal("Nothing is sent twice, and orders", why="the row is gone before it is sent; tested")
    universal("*every* message fails", why="the server they need is down")
    universal("the invoice never comes, and nobody is told why", why="no message speaks of it")


def test_reports() -> None:
    at = heavy_tails.Setting()
    theory, by_size = heavy_tails.theory, heavy_tails.by_size
    turn, first, shared = (by_size(at, name) for name in heavy_tails.DISCIPLINES[:3])
    size = heavy_tails._grid(at)[0]
    assert np.ptp(turn - size) == pytest.approx(0, abs=1e-9)
    said("the smallest job waits as long as a giant")
    sharing = test_heavy_tails.test_sharing_does_not_care_how_sizes_vary
    shown("slowed by the same factor on average, 1/(1 − ρ), however", by=sharing)
    assert first[-1] / turn[-1] == pytest.approx(3, abs=0.2)
    assert np.all(first <= shared)
    said("the largest takes three times as long as in turn, though no longer than under sharing")
    half = test_heavy_tails.test_up_to_half_load_all_can_win
    shown("At a load of one half or less, **no job of any size**", by=half)
    sourced("At a load of one half or less", source="Bansal and Harchol-Balter 2001")
    for load in (0.1, 0.5, 0.8):
        for alpha in (1.2, 2.0, 3.0):
            even = at.but(load=load, alpha=alpha, spread=1.5)
            worst = max(heavy_tails.DISCIPLINES, key=lambda name, even=even: theory(even, name))
            assert worst == "two queues"
    said("Now the two queues are the worst of all: each worker has half the speed")
    assert 7 < theory(at, "in turn") / theory(at, "shortest remaining first") < 8
    said("by a factor of seven or eight at the opening setting")
    universal("**no job of any size** fares worse", why="a theorem; tested")
    universal("everybody is slowed by the same factor", why="x/(1 − ρ) for each size x; tested")
    universal("the worst of all", why="computed at each load and tail")
    universal("Behind a giant all others wait", why="one worker, in turn")
    universal("nobody waits for a job that has more left to do", why="it is interrupted")


def test_checkpoints() -> None:
    assert 2 * math.expm1(10 / 2) / 24 == pytest.approx(12, abs=0.4)
    said("For ten hours of work and lives of two hours that is twelve days")
    at = checkpoints.Setting()
    young, daly = checkpoints.young(at), checkpoints.daly(at)
    assert young == pytest.approx(math.sqrt(2 * 2 * 120))
    said(f"the square root of 2 × 2 × 120: Young's rule says {young:.1f}, Daly's {daly:.1f}")
    example = at.but(life_min=15.0, save_min=5.0, interval_min=10.0, restart_min=10.0)
    assert checkpoints.daly(example) / checkpoints.young(example) == pytest.approx(0.75, abs=0.01)
    said("where a worker lives no longer than three saves take, his interval is a quarter shorter")
    published = test_transcoding.test_the_intervals_that_daly_published
    given(
        "5 min to save, 10 min to restart and lives of 24 h, 6 h and 15 min", why="Daly's example"
    )
    shown("Daly prints 117, 57 and 9.1", by=published)
    cheap = test_transcoding.test_saving_only_what_is_new_makes_short_intervals_cheap
    shown("your diamond at 5 min falls by a fifth and more", by=cheap)
    counts = test_transcoding.test_a_job_that_kills_its_worker_never_ends_unless_somebody_counts
    shown("no checkpoint helps, and somebody must count", by=counts)
    universal("no checkpoint helps", why="each new worker dies of the same minute; tested")


def test_chunks() -> None:
    at, trial = fan_out.Setting(), real_fan_out.Trial()
    best = min(fan_out.COUNTS, key=lambda count: fan_out.theory(at, count))
    assert best == at.workers
    said("As many chunks as workers looks best on paper, and is best if nobody dies: one round")
    run = fan_out.simulate(at)
    mean = dict(zip(fan_out.COUNTS, run.took_min.estimate, strict=True))
    assert mean[32] < mean[16] < mean[8]
    said("smaller chunks are better")
    assert (trial.chunks, trial.workers, trial.kills) == (24, 4, 5)
    said("Twenty-four chunks, four workers, and five of the workers are killed half-way")
    assert trial.chunks + trial.kills == 29
    assert "24 chunks, 5 workers killed at work. From a line" in PROSE.printed
    assert "begin 29 pieces of work, and 5 of them are lost" in PROSE.printed
    said("twenty-four chunks and five deaths make twenty-nine deliveries, always")
    given("It does so twice: with a line", why="the measurement's plan")
    said(f"under way at its {spelled(trial.workers - 1)} healthy neighbours")
    universal("from everything that is not done", why="what a broken pool does to its futures")
    universal(
        "from all that only waited",
        why="`BrokenProcessPool` is the answer of each future that had none; the pool is then dead",
    )
    given("a chunk done twice is a chunk done once", why="what idempotent means")
    universal("twenty-nine deliveries, always", why="each death at work hands one chunk out again")
    universal("No number of workers goes below the **critical path**", why="Graham's bound; tested")
    universal("everything that only reads its input", why="its output is written over by the same")


def test_the_index() -> None:
    missed = float(index_lag.theory(index_lag.Setting()))
    assert 0.4 < missed < 0.5
    said("Half a second in the queue and half a second until the next refresh make one second")
    said("nearly half of the changes take longer")
    order = test_index_lag.test_in_turn_or_with_versions_nothing_stays_stale
    shown("the whole curve falls to zero", by=order)
    row = test_index_lag.test_reading_the_row_while_indexing_mends_what_is_indexed_late
    shown("whoever indexes after the second change sees the second change", by=row)
    universal("Nothing stays stale, in any order", why="the second is indexed after it; tested")
    universal("only when it refreshes", why="what a refresh is")
    universal("only if order is kept by key or by version", why="else the older can be last")


def test_what_the_summary_says() -> None:
    given("and some of it is done twice; before", why="Section 2 computes it")
    at = prefetch.Setting()
    enough = (at.work_ms + 2 * at.one_way_ms) / at.work_ms
    assert prefetch.enough(at) == math.ceil(enough)
    said("A prefetch must fill the pipe, (W + 2D)/W")
    universal("has no more readers than partitions", why="a partition has one reader")


test_every_number_is_held = PROSE.completeness(globals())

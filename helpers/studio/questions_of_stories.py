"""What the chapter asks of models that lie, of stories and of bad days, with the answers.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from helpers.foundations.prose import percent
from helpers.foundations.questions import Goal, Prediction, Quiz
from helpers.foundations.suspects import Verdict
from helpers.studio import (
    by_address,
    daily_p99,
    latent_faults,
    let_them_in,
    more_cores,
    nearest_driver,
    never_invalidated,
    sorted_ring,
    thread_per_peer,
    timelines,
    wrong_signal,
)

#: Services that one call depends on, and how often each is up (Netflix, Hystrix wiki).
DEPENDENCIES, UP = 30, 0.9999


def _down_h() -> float:
    return (1 - UP**DEPENDENCIES) * 365.25 / 12 * 24


def _never_terminated() -> float:
    at = latent_faults.Setting()
    return float(
        latent_faults.theory(at, 1e9).outages / latent_faults.theory(at, at.every_days).outages
    )


def _not_nearest() -> float:
    return 100 * nearest_driver.theory(nearest_driver.Setting()).not_nearest


def _collect_over_copy() -> float:
    at = timelines.Setting()
    copied, collected = timelines.theory(at), timelines.theory(at, 0.0)
    return collected.reads_rps / (copied.writes_rps + copied.reads_rps)


def _more_threads() -> float:
    at = thread_per_peer.Setting()
    before = thread_per_peer.theory(at.but(added=0)).connections
    return 100 * (thread_per_peer.theory(at).connections / before - 1)


def _cores() -> str:
    run = more_cores.simulate()
    change = run.at_128 / run.at_64
    return _CORES[0 if change > 1.7 else 1 if change > 1.1 else 2 if change > 0.9 else 3]


def _largest_step() -> float:
    return 100 * let_them_in.theory(let_them_in.Setting()).largest


def _what_it_does() -> str:
    run = wrong_signal.simulate(signal="processor")
    fewer = run.at_seven < 0.9 * run.at.usual
    return "takes servers away" if fewer else "leaves them as they are"


_LAWS = (
    "Little's law",
    "what comes is done, refused or waiting",
    "servers do no more than they can",
    "none of these",
)
_CORES = ("about twice as many", "somewhat more", "about as many", "clearly fewer")


PREDICTIONS: Mapping[str, Prediction] = {
    "formula": Prediction(
        question="Requests come to eight servers, more than they can serve. A model gives each a "
        "response time by a formula of the load. Which of these can its records not obey?",
        options=_LAWS,
        answer="servers do no more than they can",
        why="Little's law holds for any record of who came and went, an invented one, too, and "
        "nobody gets lost. But the time that servers worked is more than there was.",
    ),
    "ring": Prediction(
        question="Eight servers hold keys, and a ninth joins. A placement called consistent moves "
        "88 % of the keys. Which share did it have to move, so that the ninth gets its part?",
        answer=lambda: 100 * sorted_ring.theory(sorted_ring.Setting()).least,
        unit="%",
        axis="y",
        scale=0.01,
        why="A ninth of the keys, and those to the newcomer. Whatever else moves, moves for "
        "nothing.",
    ),
    "address": Prediction(
        question="An office sends 20 % of the requests from one address, to ten servers that are "
        "chosen by address. What share does the busiest server get in any case, wherever the "
        "other addresses go?",
        answer=lambda: 100 * by_address.Setting().office,
        unit="%",
        axis="y2",
        scale=0.01,
        tolerance=0.05,
        why="One address goes to one server: no hash, however good, cuts it in two. What that "
        "server gets of the other requests comes on top.",
    ),
    "leak": Prediction(
        question="Jobs come faster than they are done, the line is bounded, and the report says: "
        "short waits, nobody refused. Which of these can it not obey?",
        options=_LAWS,
        answer="what comes is done, refused or waiting",
        why="Beyond what is done, work must wait or be refused. Where it is neither, it is lost.",
    ),
    "report": Prediction(
        question="The report for an hour says that the 99th percentile was 101 ms. It is the "
        "mean of sixty percentiles, and four of its minutes were busy: ten times the requests, and "
        "each took twenty times as long. What share of the hour's requests took longer?",
        answer=lambda: 100 * daily_p99.simulate().beyond,
        unit="%",
        tolerance=0.3,
        why="In four busy minutes came two fifths of all requests, and most of those were slower. "
        "In the mean they count four sixtieths.",
    ),
    "tester": Prediction(
        question="A tester reports a mean response time of 12 ms at 100 requests per second. "
        "Meanwhile 7.6 users were waiting on average. Which of these does the report not obey?",
        options=_LAWS,
        answer="Little's law",
        why="100 per second times 0.012 s makes 1.2 who wait. Somebody's waiting is not in the "
        "mean.",
    ),
    "fresh": Prediction(
        question="A value is read ten times as often as it is updated, at random. Which hit ratio "
        "can a cache not exceed that is filled by reads alone and never gives an old value?",
        answer=lambda: 100 * never_invalidated.theory(0.1),
        unit="%",
        axis="y",
        scale=0.01,
        tolerance=0.04,
        why="The first read after an update must miss, and one event in eleven is an update: 10 / "
        "11 of the reads come after a read.",
    ),
    "thirty": Prediction(
        question="A call depends on 30 services, each up 99.99 % of the time, and on all of them. "
        "For how many hours a month is something down?",
        answer=_down_h,
        unit="h",
        tolerance=0.25,
        why="0.9999 to the thirtieth is 99.7 %, and a month has 730 hours.",
    ),
    "chaos": Prediction(
        question="A program terminates an instance of each group every two work days, and whoever "
        "cannot bear it finds out by day. A fifth of the faults it cannot find. How many times as "
        "many outages outside office hours are there without it?",
        answer=_never_terminated,
        unit="times",
        tolerance=0.25,
        why="Without it, every latent fault waits for a real failure, mostly at night. With it, a "
        "fifth still do, and a few of the others.",
    ),
    "border": Prediction(
        question="Free drivers, two for each km², and cells of 2 km by 2 km, each on its shard. A "
        "request asks only the rider's cell. What share of the riders do not get the nearest "
        "driver?",
        answer=_not_nearest,
        unit="%",
        axis="y2",
        scale=0.01,
        tolerance=0.25,
        why="The nearest is 350 m away on average, and a line is seldom much farther.",
    ),
    "collect": Prediction(
        question="4,630 tweets and 300,000 timeline reads per second, 75 followers and as many "
        "followed. How many times as much work per second is it to collect all tweets when "
        "somebody reads, instead of copying them when they are written? A copy that is written is "
        "work, and so is each list that is read, the reader's own timeline among them.",
        answer=_collect_over_copy,
        unit="times",
        tolerance=0.3,
        why="300,000 reads of 76 lists are 22.8 million per second; 347,000 copies and 300,000 "
        "reads are 0.65 million.",
    ),
    "peers": Prediction(
        question="Each of 3,600 servers keeps a thread for each other one. 150 are added, 4.2 % "
        "more. By how much does the number of threads in the fleet grow?",
        answer=_more_threads,
        unit="%",
        tolerance=0.1,
        why="n (n - 1): about twice as much, in per cent, as the servers.",
    ),
    "cores": Prediction(
        question="All of 64 busy cores queue for one channel. They are replaced by 128 on two "
        "sockets. How many writes per second go through?",
        options=_CORES,
        answer=_cores,
        why="The channel was the bottleneck, so that more cores only wait; and each that waits "
        "makes the channel slower, from the other socket more so.",
    ),
    "step": Prediction(
        question="With warm caches, all players are half of what the database can do; with cold "
        "ones, three times as much as it can. What is the largest part of the players that can be "
        "let in at once, if the others are in and warm?",
        answer=_largest_step,
        unit="%",
        tolerance=0.15,
        why="Half of (1 - step) and three times the step must fit into 1.",
    ),
    "signal": Prediction(
        question="The network loses packets, and the threads of the web servers wait five times as "
        "long for their backends. What does an autoscaler do that watches the processor?",
        options=("adds servers", "leaves them as they are", "takes servers away"),
        answer=_what_it_does,
        why="Who waits computes nothing. The processors are less busy, and it looks as if there "
        "were too many of them.",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "which-law": Quiz(
        question="A simulator's queue times come from a random number generator. You have its "
        "record of arrivals and departures. Which check can tell you nothing?",
        options={
            "Little's law over the record": "It follows from counting alone. It holds for any "
            "record in which all who came have left, invented or not.",
            "Busy time against the time that there was": "An invented time may need more servers "
            "than there are. This one can tell.",
            "More load than the servers can do": "At a limit an invented formula goes on as if "
            "nothing were; this one can tell.",
        },
        answer="Little's law over the record",
    ),
    "what-it-misses": Quiz(
        question="Instances are terminated at random, one in each group every two days, and for a "
        "year nothing has broken. What has been shown?",
        options={
            "The site survives the loss of an instance.": "That, and while changes go on it has to "
            "be shown again every day.",
            "The site survives slow dependencies, too.": "A terminated instance is gone at once. "
            "One that answers after a minute takes threads with it.",
            "The site survives the loss of a region.": "Nobody has tried: one instance of a group "
            "at a time is not all of them.",
        },
        answer="The site survives the loss of an instance.",
    ),
    "watch-what": Quiz(
        question="A web tier waits on others for most of a request's time. What should its "
        "autoscaler watch?",
        options={
            "The processor.": "It falls when the others get slow, which is when more servers are "
            "needed.",
            "Busy threads, as a share.": "Little's law: they grow with rate and with time, "
            "whichever it is. What runs out is what should be watched.",
            "The number of requests answered.": "It stops growing when threads run out, and then "
            "says that all is as usual.",
        },
        answer="Busy threads, as a share.",
    ),
}


def _fault(text: str) -> Callable[[Verdict], str]:
    return lambda _: text


def _exposed(asked: str, fault: str) -> Goal:
    return Goal(asked=asked, reached=lambda verdict: verdict.exposed, boundary=_fault(fault))


def _largest_found(run: let_them_in.Return) -> bool:
    return run.over_min == 0 and run.at.step >= let_them_in.theory(run.at).largest - 0.025


def _where_it_fits(run: let_them_in.Return) -> str:
    largest = percent(let_them_in.theory(run.at).largest)
    return f"a step of {largest} beside players who are warm just fills the database."


GOALS: Mapping[str, Goal] = {
    "formula": _exposed(
        "a law that no record of real servers breaks, and this one does.",
        "the service times that were served add up to more than the servers' time. A formula of "
        "the load knows no servers.",
    ),
    "ring": _exposed(
        "a law of a consistent placement that this one breaks.",
        "keys move between servers that were there before. A hash modulo n is a new hash for each "
        "n, whatever it is called.",
    ),
    "address": _exposed(
        "a law of balancing by address that these records break.",
        "the busiest server gets less than the office sends from its one address. The traffic had "
        "no office in it: each request came from an address of its own.",
    ),
    "leak": _exposed(
        "a law of queues that this one breaks.",
        "jobs came that are neither done nor waiting nor refused. A container of limited length "
        "drops its oldest without a word.",
    ),
    "report": _exposed(
        "a law of 99th percentiles that this one breaks.",
        "far more than a hundredth of the requests are slower. A mean of percentiles counts "
        "minutes, and requests come in some minutes more than in others.",
    ),
    "tester": _exposed(
        "a law that links what the tester reports with the users who were seen waiting.",
        "rate times mean time is not the number of those who wait. The clock starts when a thread "
        "is free to send, and the wait for that is in nobody's time.",
    ),
    "fresh": _exposed(
        "a law of caches that are filled by reads alone and never give an old value.",
        "there are fewer misses than times at which a read followed an update. The hits in between "
        "gave old values.",
    ),
    "largest-step": Goal(
        asked="the largest step, to two per cent, at which the database is never asked for more "
        "than it can do.",
        reached=_largest_found,
        boundary=_where_it_fits,
        before="step",
    ),
}

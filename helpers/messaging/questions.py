"""What the chapter asks, with the answers out of sight of the page that asks.

Every answer that is a number is worked out by the theory or the simulation it belongs to, so that
none can disagree with the chapter.
"""

from __future__ import annotations

from collections.abc import Mapping

from helpers.foundations.questions import Prediction, Quiz
from helpers.messaging import (
    bounded_queue,
    chain,
    checkpoints,
    consumer_group,
    daily_load,
    heavy_tails,
    impatience,
    index_lag,
    killed_consumers,
    load_levelling,
    outbox,
    prefetch,
    retries,
    visibility,
)

CHAPTER = "10"


def _eleventh_reader() -> str:
    at = consumer_group.Setting(partitions=12)
    faster = consumer_group.theory(at, 11) / consumer_group.theory(at, 6)
    return "not at all" if faster == 1 else "by five sixths"


def _spike_s_workers() -> float:
    """The mean of the traffic: a spike of 20 s in every 300 s, and the usual between them."""
    at = load_levelling.Setting()
    return (at.spike_rps * at.spike_s + at.usual_rps * (300 - at.spike_s)) / 300 * at.work_s


def _gain() -> float:
    at = heavy_tails.Setting()
    first = heavy_tails.theory(at, "in turn")
    return first / heavy_tails.theory(at, "shortest remaining first")


def _outbox_fault() -> str:
    kind = int(outbox.theory(outbox.Setting(), "outbox").argmax())
    return ("an order without its message", "a message without its order", "a message sent twice")[
        kind
    ]


PREDICTIONS: Mapping[str, Prediction] = {
    "chain": Prediction(
        question="A request needs five services that call each other. One call in a hundred "
        "fails. What share of the requests fails?",
        answer=lambda: 100 * chain.theory(chain.Setting(services=5, failing=0.01)).fail,
        unit="%",
        tolerance=0.1,
        why="All five must succeed, 0.99⁵ = 95.1 %. For small shares that is nearly a sum.",
        axis="y2",
    ),
    "prefetch": Prediction(
        question="A message takes 50 ms to the consumer and its acknowledgement 50 ms back; the "
        "work takes 4 ms. The broker sends the next message when the last one is acknowledged. "
        "What share of the time does the consumer work?",
        answer=lambda: 100 * prefetch.theory(prefetch.Setting()).busy,
        unit="%",
        tolerance=0.1,
        why="4 ms of every 104 ms. The rest of the time it waits for the network.",
        axis="y",
    ),
    "readers": Prediction(
        question="A log has 12 equally full partitions and 6 consumers, and it falls behind. You "
        "start 5 more. By how much can the group as a whole keep up with more?",
        options=("by five sixths", "by a half", "by a quarter", "not at all"),
        answer=_eleventh_reader,
        why="One of the eleven still has two partitions, and those two are no faster than before.",
    ),
    "visibility": Prediction(
        question="Work takes 10 s on average (exponential), the visibility timeout is 10 s, no "
        "consumer ever dies, and one is always free. What share of the messages is done more than "
        "once?",
        answer=lambda: (
            100 * visibility.theory(visibility.Setting(visibility_s=10.0, dies=0.0)).twice
        ),
        unit="%",
        why="All work that takes longer than the timeout is begun a second time: exp(-1).",
    ),
    "killed": Prediction(
        question="A consumer does messages one by one and acknowledges ten together. It is killed "
        "at a random moment. How many messages are done twice, on average?",
        answer=lambda: killed_consumers.theory(killed_consumers.Setting(batch=10)),
        unit="messages",
        why="Any of 0 to 9 are done and not yet acknowledged, all equally likely if messages take "
        "the same.",
        axis="y",
    ),
    "drain": Prediction(
        question="Usually 6 jobs come per second. For 20 s it is 30 per second. The workers can "
        "do 10 per second. How long after the spike is the queue empty again?",
        answer=lambda: load_levelling.theory(load_levelling.Setting()).drain_s,
        unit="s",
        why="The spike leaves (30 - 10) × 20 = 400 jobs, and only 10 - 6 = 4 per second are spare.",
    ),
    "line-peak": Prediction(
        question="Jobs come in a sine around 40 per hour, the most, 64 per hour, at 14:00. The "
        "workers can do 48 per hour, at any hour. How long after 14:00 is the line longest?",
        answer=lambda: daily_load.theory(daily_load.Setting()).lag_h,
        unit="h",
        tolerance=0.15,
        why="The line grows as long as more than 48 come. They are 48 again when a third of the "
        "sine's height above the mean is left: arccos(1/3) is 70.5° of a day's 360°.",
        axis="y2",
    ),
    "every-five": Prediction(
        question="Now such a spike comes every five minutes. What is the least number of jobs per "
        "second that the workers must be able to do, for the queue not to grow for ever?",
        answer=_spike_s_workers,
        unit="jobs/s",
        tolerance=0.05,
        why="The mean: (20 × 30 + 280 × 6) / 300 = 7.6. A queue moves work, and removes none.",
    ),
    "full": Prediction(
        question="A worker is offered 1.2 times what it can do, and there is room for 10 jobs. "
        "What share of the jobs must be turned away?",
        answer=lambda: 100 * bounded_queue.theory(bounded_queue.Setting()).undone,
        unit="%",
        why="At least a sixth, 16.7 %, is too much work whatever the room; chance takes the rest.",
    ),
    "patience": Prediction(
        question="100 calls of 3 min come in half an hour: work for 10 agents. There are 8. "
        "Callers have 5 min of patience on average. What share gives up?",
        answer=lambda: 100 * impatience.theory(impatience.Setting(agents=8)).give_up,
        unit="%",
        why="8 agents do at most 8 of 10, so a fifth must go; chance lets agents be idle at times.",
        axis="y2",
    ),
    "twice": Prediction(
        question="One request in ten is lost, and one confirmation in ten. A mail service tries "
        "up to three times until it hears a confirmation. What share of the mails goes out more "
        "than once?",
        answer=lambda: 100 * retries.theory(retries.Setting()).more,
        unit="%",
        why="A mail that went out is repeated if its confirmation was lost: nearly one in ten.",
    ),
    "outbox": Prediction(
        question="A service writes an order and the message about it in one transaction, into an "
        "outbox; a relay sends what stands there and then deletes the row. It may crash at any "
        "step. What can still go wrong?",
        options=(
            "an order without its message",
            "a message without its order",
            "a message sent twice",
            "nothing",
        ),
        answer=_outbox_fault,
        why="The relay can crash between sending and deleting, and sends again. That is the fault "
        "a receiver can mend.",
    ),
    "shortest": Prediction(
        question="Reports of very different length wait for one worker, which is busy 70 % of the "
        "time; the longest hundredth has 19 % of the work. Instead of in turn you do the shortest "
        "remaining first. By what factor does the mean time fall?",
        answer=_gain,
        unit="times",
        tolerance=0.35,
        why="In turn, everybody waits for the giants. Shortest first, nobody waits for a job that "
        "has more left to do.",
    ),
    "save": Prediction(
        question="A worker lives 2 h on average and saving takes 2 min. After how many minutes of "
        "work should a long job save?",
        answer=lambda: checkpoints.daly(checkpoints.Setting()),
        unit="min",
        tolerance=0.3,
        why="About the square root of 2 × 2 × 120: Young's rule says 21.9, Daly's 20.6.",
        axis="x",
    ),
    "own-change": Prediction(
        question="A change takes half a second to reach the index, on average, and the index shows "
        "new things once a second. You search one second after your change. How likely is it that "
        "you do not find it?",
        answer=lambda: 100 * float(index_lag.theory(index_lag.Setting())),
        unit="%",
        why="Half a second in the queue and half a second until the next refresh make one second "
        "on average, and nearly half of the changes take longer.",
        axis="y",
    ),
}

QUIZZES: Mapping[str, Quiz] = {
    "behind": Quiz(
        question="One partition of your log falls further behind every hour. The other eleven are "
        "up to date. What helps?",
        options={
            "More consumers in the group.": "The partition has one reader already, and cannot "
            "have two. The new ones take partitions that had no need.",
            "Another key, so that the busy one's messages spread.": "The load of a partition is "
            "that of its keys. What you spread loses its order.",
            "A longer session timeout.": "That is for consumers that die, or seem to. This one "
            "works without a break.",
        },
        answer="Another key, so that the busy one's messages spread.",
    ),
    "invoice": Quiz(
        question="A customer got the same invoice twice. The queue promises delivery at least "
        "once. Where is the fault?",
        options={
            "In the queue: it delivered twice.": "It is allowed to. Whoever needs every message "
            "must bear one twice, because an acknowledgement can be lost.",
            "In the consumer: it did not remember what it had done.": "A key that is stored with "
            "the effect, in one transaction, makes the second delivery harmless.",
            "In the producer: it should send only once.": "Then a lost request is a lost invoice, "
            "and nobody notices.",
        },
        answer="In the consumer: it did not remember what it had done.",
    ),
    "bigger": Quiz(
        question="The backlog grows from day to day, a little more each week. Which of these "
        "brings it down?",
        options={
            "A broker with more disk.": "It makes room for more of what nobody will do.",
            "More workers, or less work per job.": "If the mean does not fit, nothing else helps "
            "but to turn jobs away.",
            "A shorter visibility timeout.": "It makes work be done twice, and the mean larger.",
        },
        answer="More workers, or less work per job.",
    ),
}

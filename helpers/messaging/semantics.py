"""Three brokers as three small classes: when a message is handed out, and when it is forgotten.

What they are asked, by :func:`helpers.messaging.consumers.follow`:

- ``publish(message)``: a message has come.
- ``fetch(consumer, holding, now)``: what the consumer gets now, holding so many already.
- ``done(consumer, message, now)``: it has done one; ``emptied(consumer)``: it has done all it held.
- ``killed(consumer, now)``: it is no more; returns when the broker notices.
- ``noticed(consumer)``: the broker has noticed.
"""

from __future__ import annotations

from helpers.messaging.consumers import follow, told

# The page shows these classes, so they are written as a page is read: without annotations.


class RabbitMQ:
    """Pushes up to `batch` unacknowledged messages; a lost connection requeues them in place."""

    def __init__(self, at):
        self.at = at
        self.ready, self.unacknowledged = [], {}

    def publish(self, message):
        self.ready.append(message)

    def fetch(self, consumer, holding, now):
        if holding >= self.at.batch or not self.ready:
            return []
        message = self.ready.pop(0)
        if self.at.acknowledge == "after the work":
            self.unacknowledged[message] = consumer
        return [message]

    def done(self, consumer, message, now):
        self.unacknowledged.pop(message, None)

    def emptied(self, consumer):
        pass

    def killed(self, consumer, now):
        return now  # its connection breaks

    def noticed(self, consumer):
        back = [message for message, who in self.unacknowledged.items() if who == consumer]
        for message in back:
            del self.unacknowledged[message]
        self.ready = sorted(back + self.ready)


class SQS:
    """Hides what it hands out for `visibility_s`; what is not deleted by then is seen again."""

    def __init__(self, at):
        self.at = at
        self.visible, self.hidden_until = [], {}

    def publish(self, message):
        self.visible.append(message)

    def fetch(self, consumer, holding, now):
        for message in [each for each, until in self.hidden_until.items() if until <= now]:
            del self.hidden_until[message]
            self.visible.append(message)
        if holding:
            return []  # it polls again when it has nothing left
        batch, self.visible = self.visible[: self.at.batch], self.visible[self.at.batch :]
        if self.at.acknowledge == "after the work":
            self.hidden_until |= dict.fromkeys(batch, now + self.at.visibility_s)
        return batch

    def done(self, consumer, message, now):
        self.hidden_until.pop(message, None)
        if message in self.visible:
            self.visible.remove(message)

    def emptied(self, consumer):
        pass

    def killed(self, consumer, now):
        return now  # and nothing follows from it: only time brings its messages back

    def noticed(self, consumer):
        pass


class Kafka:
    """A log in partitions, each read by one consumer, which commits how far it has come."""

    def __init__(self, at):
        self.at, self.log = at, [[] for _ in range(at.partitions)]
        self.position = [0] * at.partitions  # up to where it was handed out
        self.committed = [0] * at.partitions  # from where a new owner begins
        self.owner = [partition % at.consumers for partition in range(at.partitions)]

    def publish(self, message):
        self.log[message.key % self.at.partitions].append(message)

    def fetch(self, consumer, holding, now):
        batch = []
        behind = mine = [p for p, owner in enumerate(self.owner) if owner == consumer]
        while behind and not holding and len(batch) < self.at.batch:
            behind = [p for p in mine if self.position[p] < len(self.log[p])]
            for p in behind[: self.at.batch - len(batch)]:
                batch.append(self.log[p][self.position[p]])
                self.position[p] += 1
        if self.at.acknowledge == "before the work":
            self.emptied(consumer)
        return batch

    def done(self, consumer, message, now):
        pass  # an offset is committed for all of a batch

    def emptied(self, consumer):
        for partition, owner in enumerate(self.owner):
            if owner == consumer:
                self.committed[partition] = self.position[partition]

    def killed(self, consumer, now):
        return now + self.at.session_s  # until then its heartbeats are only late

    def noticed(self, consumer):
        others = [each for each in range(self.at.consumers) if each != consumer]
        for partition, owner in enumerate(self.owner):
            if owner == consumer:
                self.owner[partition] = others[partition % len(others)]
                self.position[partition] = self.committed[partition]


def your_group(at):
    """Send the messages through the consumer group above, and count what went wrong."""
    what = told(follow(at, Kafka(at)))
    return {
        "done_twice": what.twice,
        "out_of_order": int(what.older.sum()),
        "never_done": what.lost,
        "finished_s": what.finished_s,
    }

"""For each brief a design that passes, and the one that most people draw first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from helpers.blueprint import AppServers, Design, HealthCheck
from helpers.blueprint.components import Path
from helpers.studio.deck import Brief

_LOOKS = HealthCheck(interval_s=1.0, threshold=2)


def naive(brief: Brief) -> Design:
    """Return what works on a laptop: a server and a database, and whoever works does so at once."""
    app = brief.app()
    design = Design("first idea", brief.clients() >> app >> brief.db())
    return design.wire(app >> brief.workers()) if brief.jobs and not brief.later else design


def usual(brief: Brief) -> Design:
    """Return what a week of load tests leads to: it passes every trace that can be seen."""
    return _USUAL[brief.key](brief)


def checklist(brief: Brief) -> Design:
    """Return everything that slides recommend, in the amounts that they show, whatever is asked.

    A CDN, a balancer with health checks, three servers, a cache, a replica, a queue with workers,
    timeouts of half a second and three retries on every call.
    """
    careful: dict[str, Any] = {"timeout_s": 0.5, "retries": 3}
    balancer = brief.balancer(count=2, **careful)
    app, db = brief.app(count=3, **careful), brief.db(replicas=1)
    front = brief.clients(**careful) >> brief.cdn() >> balancer >> app
    later = app >> brief.queue() >> brief.workers(count=3)
    if brief.later:
        return Design("checklist", front >> brief.queue() >> brief.workers(count=3) >> db)
    paths = [front >> brief.cache(), app >> db]
    return Design("checklist", *paths, *([later] if brief.jobs else []))


def reference(brief: Brief) -> Design:
    """Return a design that does what the brief asks, also on the traces that nobody saw."""
    return _BUILT[brief.key](brief)


# --- what the traces that can be seen lead to -----------------------------------------------------


def _front(brief: Brief, servers: int, **balancer: Any) -> tuple[Path, AppServers]:
    """Return clients and a pair of balancers, and the servers behind them."""
    pair = {"count": 2, "health_check": _LOOKS, "retries": 2, **balancer}
    return brief.clients() >> brief.balancer(**pair), brief.app(count=servers)


def _usual_shortener(brief: Brief) -> Design:
    """All reads go through the cache, and without it nowhere."""
    front, app = _front(brief, 4)
    return Design("usual", front >> app >> brief.cache() >> brief.db(replicas=1))


def _usual_feed(brief: Brief) -> Design:
    """As many servers as the busiest hour takes."""
    front, app = _front(brief, 3)
    later = app >> brief.queue() >> brief.workers(count=3)
    return Design("usual", front >> app >> brief.cache(), app >> brief.db(replicas=1), later)


def _usual_rides(brief: Brief) -> Design:
    """Nobody has a timeout."""
    front, app = _front(brief, 4)
    return Design("usual", front >> app >> brief.db(replicas=1))


def _usual_video(brief: Brief) -> Design:
    """The queue is in memory."""
    app = brief.app(count=2)
    balancer = brief.balancer(count=2, health_check=_LOOKS, timeout_s=0.6, retries=2)
    front = brief.clients() >> brief.cdn() >> balancer >> app
    later = app >> brief.queue(durable=False) >> brief.workers(count=5)
    return Design("usual", front >> brief.db(replicas=1), later)


def _usual_sale(brief: Brief) -> Design:
    """Everybody may wait."""
    front, app = _front(brief, 5)
    return Design("usual", front >> app >> brief.cache(), app >> brief.db(replicas=1))


def _usual_chat(brief: Brief) -> Design:
    """One database, which has never died yet."""
    front, app = _front(brief, 3)
    return Design("usual", front >> app >> brief.db())


def _usual_metrics(brief: Brief) -> Design:
    """A sample is written before it is acknowledged."""
    front, app = _front(brief, 3)
    return Design("usual", front >> app >> brief.db(replicas=1))


def _usual_payments(brief: Brief) -> Design:
    """Every layer asks again, soon."""
    eager: dict[str, Any] = {"timeout_s": 0.5, "retries": 3}
    app = brief.app(count=3, **eager)
    balancer = brief.balancer(count=2, health_check=_LOOKS, **eager)
    path = brief.clients(**eager) >> balancer >> app >> brief.db(replicas=1)
    return Design("usual", path)


# --- what all of them lead to ---------------------------------------------------------------------


def _shortener(brief: Brief) -> Design:
    """A cache aside, and replicas that stand its loss."""
    app = brief.app(count=4, queue_capacity=60)
    balancer = brief.balancer(count=2, health_check=_LOOKS, retries=2)
    db = brief.db(replicas=1)
    return Design("reference", brief.clients() >> balancer >> app >> brief.cache(), app >> db)


def _feed(brief: Brief) -> Design:
    app = brief.app(count=5, queue_capacity=60)
    balancer = brief.balancer(count=2, health_check=_LOOKS, retries=2)
    db = brief.db(replicas=1)
    front = brief.clients(retries=2, backoff_s=0.5) >> balancer >> app >> brief.cache()
    later = app >> brief.queue() >> brief.workers(count=3)
    return Design("reference", front, app >> db, later)


def _rides(brief: Brief) -> Design:
    """Nobody waits for the silent: timeouts, another server, and a quick look at all."""
    app = brief.app(count=4, queue_capacity=60)
    balancer = brief.balancer(count=2, health_check=_LOOKS, timeout_s=0.5, retries=2)
    return Design("reference", brief.clients() >> balancer >> app >> brief.db(replicas=1))


def _video(brief: Brief) -> Design:
    app = brief.app(count=2, queue_capacity=60)
    balancer = brief.balancer(count=2, health_check=_LOOKS, timeout_s=0.6, retries=2)
    front = brief.clients(retries=2, backoff_s=0.4) >> brief.cdn() >> balancer >> app
    later = app >> brief.queue() >> brief.workers(count=5)
    return Design("reference", front >> brief.db(replicas=1), later)


def _sale(brief: Brief) -> Design:
    """A short line: whoever cannot be served in time hears so at once."""
    app = brief.app(count=4, queue_capacity=8)
    balancer = brief.balancer(count=2, health_check=_LOOKS, retries=1)
    front = brief.clients() >> brief.cdn() >> balancer >> app >> brief.cache()
    return Design("reference", front, app >> brief.db(replicas=1))


def _chat(brief: Brief) -> Design:
    app = brief.app(count=3, queue_capacity=60)
    balancer = brief.balancer(count=2, health_check=_LOOKS, retries=2)
    return Design("reference", brief.clients() >> balancer >> app >> brief.db(replicas=1))


def _metrics(brief: Brief) -> Design:
    app = brief.app(count=2, queue_capacity=60)
    balancer = brief.balancer(count=2, health_check=_LOOKS, retries=2)
    front = brief.clients(retries=2, backoff_s=0.3) >> balancer >> app >> brief.queue()
    return Design("reference", front >> brief.workers(count=3, retries=4) >> brief.db(replicas=1))


def _payments(brief: Brief) -> Design:
    app = brief.app(count=3, queue_capacity=30, retries=2, backoff_s=0.5)
    balancer = brief.balancer(count=2, health_check=_LOOKS, retries=1)
    front = brief.clients(retries=1, backoff_s=1.0, jitter=True) >> balancer >> app
    return Design("reference", front >> brief.db(replicas=1))


_USUAL: Mapping[str, Callable[[Brief], Design]] = {
    "shortener": _usual_shortener, "feed": _usual_feed, "rides": _usual_rides,
    "video": _usual_video, "sale": _usual_sale, "chat": _usual_chat, "metrics": _usual_metrics,
    "payments": _usual_payments,
}  # fmt: skip
_BUILT: Mapping[str, Callable[[Brief], Design]] = {
    "shortener": _shortener, "feed": _feed, "rides": _rides, "video": _video, "sale": _sale,
    "chat": _chat, "metrics": _metrics, "payments": _payments,
}  # fmt: skip

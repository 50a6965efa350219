"""The same experiments on real components; bounded in time, nothing left running."""

from helpers.why.measurement.books import Book, MeasuredBooks, measure_books
from helpers.why.measurement.concurrency import MeasuredConcurrency, measure_concurrency
from helpers.why.measurement.durability import KilledWriter, MeasuredDurability, measure_durability
from helpers.why.measurement.traffic import MeasuredTraffic, measure_traffic
from helpers.why.measurement.users import MeasuredUsers, measure_users

__all__ = [
    "Book",
    "KilledWriter",
    "MeasuredBooks",
    "MeasuredConcurrency",
    "MeasuredDurability",
    "MeasuredTraffic",
    "MeasuredUsers",
    "measure_books",
    "measure_concurrency",
    "measure_durability",
    "measure_traffic",
    "measure_users",
]

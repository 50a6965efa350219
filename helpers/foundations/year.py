"""One length of the year for outages, bills and sentences: the Julian year, 365.25 days."""

YEAR_S = 365.25 * 86_400

#: A mean month.
MONTH_S = YEAR_S / 12

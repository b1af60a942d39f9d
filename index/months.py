"""Months: their names in English and in German, by which a date is told from other words."""

from __future__ import annotations

from itertools import chain

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
GERMAN_MONTHS = (
    *(("Januar", "Jänner"), ("Februar", "Feber"), ("März",), ("April",), ("Mai",), ("Juni",)),
    *(("Juli",), ("August",), ("September",), ("Oktober",), ("November",), ("Dezember",)),
)
"""Of each month the German name, and the one that Austria has beside it."""
SHARED_MONTHS = tuple(name for name in chain(*GERMAN_MONTHS) if name in MONTHS)
"""Those that English and German write alike."""
ONLY_GERMAN_MONTHS = tuple(name for name in chain(*GERMAN_MONTHS) if name not in MONTHS)

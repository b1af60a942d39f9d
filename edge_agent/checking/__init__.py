"""Checking: whether a text bears out what is said, by its words, names, dates and numbers.

`claims` checks an answer, `citing` finds the passages that it rests on; `comparisons` and
`computations` work out what no passage spells out.
"""

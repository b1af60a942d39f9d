"""Evaluation: sets of questions answered under conditions, scored, kept and compared.

`sets` reads questions, `conditions` says how they are answered, `respondent` answers one of them,
`drivers` hands many out, `store` keeps what came of it, `figures` and `comparison` sum it up.
"""

"""Rules: from events, counts and health to alerts, messages and files.

What operators and councils write is a `spec.RuleSpec`: a condition in CEL (`conditions`) over named
values (`variables`), a window (`windows`), and actions. `worker` reads what is new (`feed`), lets
`evaluation` judge it and `ledger` write what follows, in the transaction that moves the position:
neither a crash nor a repetition loses or doubles a firing. What leaves the database waits in an
outbox, which `delivery` empties. The rules that the service brings are data too (`shipped`), judged
by `builtin`; what lasts is read by `states`.
"""

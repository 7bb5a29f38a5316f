"""People, their roles by tenant, how they prove who they are, and what they did.

What a role allows is decided in `cloud_app.api.policy` alone. Here stand the facts that it decides
on, and the rules that hold whoever asks: the last administrator stays, a stale change is refused, a
secret is kept as its digest only.

Every function that changes something takes the transaction and the `Actor`, and writes the change
and its line of the audit log in that one transaction.
"""

"""Bay sensors and gates: from their bytes to readings, from readings to counts and to one truth.

What a box and the cloud share of the inputs that are no camera: decoders of the makers' payloads,
envelopes of the networks that carry them, messages of gates and plate readers, the count of a lot,
and the reconciliation of several sources that tell of one bay. Pure functions and frozen values:
how the bytes arrive is the business of `edge_app` and `cloud_app`.
"""

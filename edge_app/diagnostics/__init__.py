"""Finding out what is wrong with a box, at the box or from afar.

`checks` tries its parts one by one. `bundle` packs all that a technician far away needs, from
`service_client` (the service that runs), `store_reader` (its store while it does not) and `offline`
(whatever can be had).
"""

"""Alerts as people deal with them: their acts, and who is notified of what.

`cloud_app.rules`, which stands above, opens and closes alerts; `planning` then decides, in the same
transaction, who is to be told, and `courier` tells them, by mail (`letters`), webhook (`webhook`)
or the log.
"""

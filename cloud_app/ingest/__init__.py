"""From the broker to the tables: link, decoding, batches, holes."""

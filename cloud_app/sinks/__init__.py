"""Where events go besides the tables and the lake: Kafka."""

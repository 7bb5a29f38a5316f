"""Where events go besides the tables: files by day, Kafka."""

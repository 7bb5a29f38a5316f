"""What bay sensors and counters send, from brokers and webhooks into the tables."""

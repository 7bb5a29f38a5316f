"""Gates into the cloud: by HTTP, MQTT, as counters of a sensor network, and through boxes."""

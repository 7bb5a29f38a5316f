"""What pages show of the city: the store's states and counts beside the registry's places."""

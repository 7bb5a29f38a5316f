"""What if bays were added, closed, or priced otherwise."""

"""Labels by people: what to ask, the page that asks, and what becomes of the answers."""

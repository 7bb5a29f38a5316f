"""Read API, live updates and the page."""

"""What is made of the past: forecasts."""

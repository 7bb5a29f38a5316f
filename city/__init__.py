"""A small city in one command: `scripts/city`.

It stands above both halves, which know nothing of each other: lots watched by the real pipeline on
simulated cameras, a district of scripted boxes, the real cloud, twelve weeks of history, and a
score of what the API says against the truth. It is of the checkout only and not in the wheel.
"""

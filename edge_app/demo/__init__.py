"""`lotsight demo`: a simulated lot through the real pipeline to a real broker, and a score."""

from edge_app.demo.run import DemoSettings, run_demo
from edge_app.demo.score import Claim, Score, score_claims

__all__ = ["Claim", "DemoSettings", "Score", "run_demo", "score_claims"]

"""Campaigns: a job rolled out to many boxes, a few first, and stopped before it does harm."""

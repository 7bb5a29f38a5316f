"""Reports that a tenant gets by mail every week or month."""

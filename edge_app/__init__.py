"""The service on an edge box; `edge_app.assembly` shows its parts and how they hang together."""

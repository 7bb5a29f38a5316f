"""What both HTTP servers share, the box's and the cloud's: limits on clients.

It knows nothing of parking. `serving.ServerConfig` makes uvicorn end connections that stand still
and bounds their number; `guard.PageGuard` stands before an application and checks the host name,
where a change comes from, and what the application adds; `bodies.BodyGuard` bounds bodies and reads
JSON strictly. Nothing is exported here: a configuration that needs an address type from `hosts`
must not load uvicorn.
"""

__all__: list[str] = []

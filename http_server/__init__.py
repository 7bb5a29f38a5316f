"""What both HTTP servers share, the box's and the cloud's: bounds on whoever connects.

It knows nothing of parking. `server_config` makes uvicorn end connections that stand still and
bounds their number; `PageGuard` stands before an application and checks the host name, where a
change comes from, and what the application adds; `BodyGuard` bounds bodies and reads JSON strictly.
"""

from http_server.bodies import BodyGuard, JsonFault, strict_json
from http_server.connections import BoundedConnection, ConnectionLimits
from http_server.guard import PageGuard
from http_server.hosts import HostNames
from http_server.serving import ServerConfig, TrustedProxy

__all__ = [
    "BodyGuard",
    "BoundedConnection",
    "ConnectionLimits",
    "HostNames",
    "JsonFault",
    "PageGuard",
    "ServerConfig",
    "TrustedProxy",
    "strict_json",
]

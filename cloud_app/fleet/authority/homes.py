"""Where a box belongs: its site's broker, and the cloud that it asks for its next certificate."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_app.config import CloudConfig
from telemetry.provisioning import Home


@dataclass(frozen=True, slots=True)
class Homes:
    """Tells each box its home.

    Attributes:
        config: of the whole service.
        cloud_url: the API as people reach it, if nothing is said of boxes.
    """

    config: CloudConfig
    cloud_url: str

    def of(self, edge: str, site: str) -> Home:
        """The home of a box: that of its site's region, or the general one."""
        given, broker = self.config.provisioning, self.config.broker
        region = next((each for each in given.region if site in each.sites), None)
        cloud = (region.cloud_url if region else None) or given.cloud_url or self.cloud_url
        return Home(
            edge=edge,
            site=site,
            host=region.broker_host if region else given.broker_host or broker.host,
            port=region.broker_port if region else given.broker_port,
            prefix=broker.prefix,
            aws_root=self.config.shadow.root,
            cloud=cloud.rstrip("/"),
        )

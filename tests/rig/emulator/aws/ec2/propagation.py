"""Routes that a virtual private gateway adds, and the way back of a local route."""

from moto.core.responses import ActionResult
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.responses.route_tables import RouteTables

from ..patching import AwsError, adds, wraps


@property
def propagating_vgws(self):
    return [{"GatewayId": gateway} for gateway in self.__dict__.get("propagating", [])]


RouteTable.propagating_vgws = propagating_vgws


gateway_id = Route.gateway_id.fget
#: A local route that leads to an interface has no gateway.
Route.gateway_id = property(lambda self: None if self.local and self.interface else gateway_id(self))


@adds(RouteTables)
def enable_vgw_route_propagation(self):
    """The gateway has to be attached to the table's VPC."""
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    gateway = self.ec2_backend.get_vpn_gateway(self._get_param("GatewayId"))
    attachment = gateway.attachments.get(table.vpc_id)
    if attachment is None or attachment.state != "attached":
        raise AwsError("Gateway.NotAttached", f"resource {gateway.id} is not attached to {table.vpc_id}")
    gateways = table.__dict__.setdefault("propagating", [])
    if gateway.id not in gateways:
        gateways.append(gateway.id)
    return ActionResult({})


@adds(RouteTables)
def disable_vgw_route_propagation(self):
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    gateways = table.__dict__.setdefault("propagating", [])
    if self._get_param("GatewayId") in gateways:
        gateways.remove(self._get_param("GatewayId"))
    return ActionResult({})


@wraps(RouteTables)
def replace_route(original, self):
    """LocalTarget leads a route back into the VPC; only the local route has such a target."""
    if not self._get_bool_param("LocalTarget", False):
        return original(self)
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    for route in table.routes:
        if route.local and route.destination_cidr_block == self._get_param("DestinationCidrBlock"):
            route.interface = route.instance = None
            return ActionResult({})
    raise AwsError("InvalidParameterValue", "The local target is for the local route only.")

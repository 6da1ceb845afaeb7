"""Load balancers: an interface in every subnet, named after the load balancer."""

from moto.ec2.models import ec2_backends
from moto.elbv2.models import ELBv2Backend

from .ec2.interfaces import service_interface
from .patching import wraps

#: How ARNs and interfaces call the types.
WORDS = {"application": "app", "gateway": "gwy", "network": "net"}


@wraps(ELBv2Backend)
def create_load_balancer(original, self, *args, **kwargs):
    """moto makes no interfaces, and gives every type the ARN of an application's."""
    balancer = original(self, *args, **kwargs)
    made = balancer.arn
    del self.load_balancers[made]
    end = f"{WORDS[balancer.type]}/{balancer.name}/{balancer.arn.rpartition('/')[2]}"
    balancer.arn = f"{balancer.arn.partition(':loadbalancer/')[0]}:loadbalancer/{end}"
    self.load_balancers[balancer.arn] = balancer
    self.tagging_service.copy_tags(made, balancer.arn)
    backend = ec2_backends[self.account_id][self.region_name]
    for subnet in balancer.subnets:
        groups = balancer.security_groups or []
        service_interface(backend, subnet.id, groups, f"{balancer.type}_load_balancer", f"ELB {end}")
    return balancer

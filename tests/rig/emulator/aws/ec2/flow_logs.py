"""Flow logs: to a log group by ARN, and to a folder of a bucket."""

from moto.ec2.models import EC2Backend

from ..patching import wraps


@wraps(EC2Backend)
def create_flow_logs(original, self, **asked):
    """moto takes a folder for part of the bucket's name, and knows groups by name only."""
    destination = asked.get("log_destination") or ""
    kind = asked.get("log_destination_type") or "cloud-watch-logs"
    if kind == "s3" and destination.count("/"):
        logs, failed = original(self, **{**asked, "log_destination": destination.partition("/")[0]})
        for log in logs:
            log.log_destination = destination
        return logs, failed
    if kind == "cloud-watch-logs" and destination and not asked.get("log_group_name"):
        name = destination.split(":log-group:")[-1].removesuffix(":*")
        logs, failed = original(self, **{**asked, "log_group_name": name})
        for log in logs:
            log.log_group_name = name
        return logs, failed
    return original(self, **asked)

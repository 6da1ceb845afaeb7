"""EC2: networks, security groups and VPC endpoints."""

"""CodeArtifact: a service moto does not have."""

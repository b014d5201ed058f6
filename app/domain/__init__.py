"""The domain: services, deployments, steps and their rules, without I/O."""

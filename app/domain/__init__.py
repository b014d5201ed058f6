"""What a service, a deployment and a step are, and the rules they obey; no I/O."""

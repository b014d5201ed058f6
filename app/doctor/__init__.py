"""The doctor: checks this host and its services and suggests fixes."""

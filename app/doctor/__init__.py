"""The doctor: examines this host and its services, and says how to fix problems."""

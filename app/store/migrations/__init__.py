"""The schema's history, one straight line."""

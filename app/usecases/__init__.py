"""The use cases: one function for each; each owns its transactions."""

"""The migrations of the schema, without branches."""

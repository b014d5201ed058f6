"""The store: all queries of the PostgreSQL database."""

"""The web process: pages, the API and event streams over HTTP."""

"""HTTP in; HTML, JSON and server-sent events out."""

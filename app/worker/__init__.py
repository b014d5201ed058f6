"""The worker: launches runs, follows their journals and records their events."""

"""Launches runs, follows their journals and records what they said."""

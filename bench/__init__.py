"""Measurements: each row sets FastDeploy beside something else, in the same run."""

"""Benchmarks: each row compares FastDeploy with a baseline in the same run."""

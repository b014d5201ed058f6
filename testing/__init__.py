"""What the tests, the benchmarks and the tools share. It isn't part of the wheel."""

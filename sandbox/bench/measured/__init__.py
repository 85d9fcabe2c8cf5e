"""The figures of docs/benchmarks.md, one file for those that one play brings."""

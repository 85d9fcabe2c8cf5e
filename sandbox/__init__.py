"""The neighbours, simulated, and embedded servers: for the demo, the tests and the benchmarks."""

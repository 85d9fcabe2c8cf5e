"""Measurements on the embedded servers and the sandbox: ratios in one run, asserted by no test."""

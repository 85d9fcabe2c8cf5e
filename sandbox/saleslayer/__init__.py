"""A simulated Sales Layer connector API (1.17 and 1.18).

The core is one synchronous function, `Sandbox.handle(Request) -> Answer`; `transport.py` and `server.py` are two thin
doors to it. What it imitates is described in the API facts; comments name the paragraph.
"""

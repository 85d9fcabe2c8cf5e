"""Plausible catalogues of any size, the same for the same seed.

`catalogue.generate` makes one in the shape that the simulated Sales Layer serves; `dirt.Dirt` says how much of what is
wrong in it; `description.describe` finds what is wrong in any catalogue of that shape.
"""

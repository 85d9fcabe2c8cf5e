"""`python -m sandbox.generator`: a catalogue on standard output.

    python -m sandbox.generator --seed 1 --products 1000 --categories 100 --variants 5 --dirt 0.02 > catalogue.json

`--variants` takes a number (2.5 is possible) or a range (0-12).
"""

import argparse
import json
import sys

from sandbox.generator.catalogue import COMPANY_ID, IMAGE_HOST, Number, generate
from sandbox.generator.dirt import Dirt


def number_or_range(text: str) -> Number:
    """5, 2.5 or 0-12."""
    fewest, dash, most = text.partition("-")
    return (int(fewest), int(most)) if dash else float(text)


def main() -> None:
    """Writes the catalogue that the command line describes."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.generator", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--categories", type=int, default=100)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--variants", type=number_or_range, default=5.0, help="for each product: 5, 2.5 or 0-12")
    parser.add_argument("--dirt", type=float, default=0.0, help="share of each kind of dirt")
    parser.add_argument("--languages", nargs="+", default=["en"])
    parser.add_argument("--company-id", type=int, default=COMPANY_ID)
    parser.add_argument("--image-host", default=IMAGE_HOST)
    given = parser.parse_args()
    catalogue = generate(
        seed=given.seed,
        categories=given.categories,
        products=given.products,
        variants_per_product=given.variants,
        dirt=Dirt.everywhere(given.dirt),
        languages=given.languages,
        company_id=given.company_id,
        image_host=given.image_host,
    )
    json.dump(catalogue, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()

"""The words that names and texts are made of."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DEPARTMENTS = _words("""
    Apparel Bags Balance Bikes Blankets Bottles Camping Climbing Cookware Cycling Decor Fishing Fitness Footwear
    Furniture Games Garden Gifts Gloves Golf Hats Hiking Jackets Kids Kitchen Lamps Lighting Linen Luggage Men
    Office Optics Outdoor Outlet Pants Pets Running Sailing Scarves Shirts Shoes Shorts Skiing Sleep Socks Storage
    Surf Swim Tables Tents Tools Towels Toys Training Travel Wallets Watches Winter Women Workshop Yoga
""")

QUALITIES = _words("""
    Active Alpine Arctic Basic Bold Bright Classic Coastal Compact Cozy Daily Dark Deluxe Desert Eco Essential Fine
    Fresh Grand Heavy Heritage Hidden Light Little Lunar Modern Natural Nordic Open Organic Original Pacific Plain
    Premium Pure Quick Quiet Rapid Rugged Rustic Sharp Silent Simple Smart Soft Solar Solid Summer Swift Tall Urban
    Vintage Vivid Warm Wide Wild Winter Young
""")

COLLECTIONS = _words("""
    Aero Alder Amber Aspen Atlas Aurora Beacon Birch Bolt Breeze Canyon Cedar Cinder Cirrus Clover Cobalt Comet
    Copper Coral Crest Delta Drift Dune Echo Ember Falcon Fern Fjord Flint Gale Glacier Harbor Hazel Heron Hollow
    Horizon Iris Jasper Juniper Kestrel Lagoon Larch Linden Maple Meadow Mesa Mistral Nimbus Oak Onyx Orion Osprey
    Pebble Pine Quartz Raven Ridge Sable Sierra Sparrow Summit Tundra Vega Willow Zephyr
""")

THINGS = _words("""
    Backpack Ball Beanie Belt Bench Blanket Boot Bottle Bowl Cap Chair Coat Cup Desk Duffel Fleece Glove Grill
    Hammock Helmet Hoodie Jacket Jar Jersey Knife Lamp Lantern Legging Mat Mug Pan Pillow Plate Polo Pullover Rack
    Robe Rope Rug Sandal Scarf Shelf Shirt Short Skirt Sneaker Sock Stool Strap Sweater Tank Tee Tent Towel Tray
    Vest Watch Wallet
""")

SENTENCES = (
    "Made for long days and short nights, it keeps its shape wash after wash.",
    "A quiet companion that does its work &amp; stays out of the way.",
    "Seams are taped, edges are bound, and nothing rattles.",
    "Whether at home or on the road, it packs small and opens wide.",
    "The finish wears in, not out.",
    "Tested in rain, dust and a family of five.",
)

BRANDS = (
    "Alderway",
    "Brightmoor",
    "Calder & Sons",
    "Dovetail",
    "Everline",
    "Fernhill",
    "Gullwing",
    "Luma",
    "Northpeak",
)
FABRICS = ("Canvas", "Cotton", "Fleece", "Hemp", "Linen", "Lycra", "Nylon", "Organic Cotton", "Polyester", "Wool")
CLIMATES = ("All-weather", "Cold", "Cool", "Hot", "Indoor", "Mild", "Rainy", "Spring", "Warm", "Windy")
ACTIVITIES = ("Climbing", "Gym", "Hiking", "Leisure", "Office", "Outdoor", "Running", "Travel", "Yoga")
PATTERNS = ("Checked", "Color-Blocked", "Graphic Print", "Solid", "Striped")

SIZES = ("XS", "S", "M", "L", "XL", "XXL", "3XL", "28", "30", "32", "34", "36")
MATERIALS = ("Bamboo", "Cotton", "Leather", "Linen", "Steel", "Wool")
COLOURS = _words("""
    Black#000000 Blue#1857F7 Brown#945454 Gray#8F8F8F Green#53A828 Lavender#CE64D4 Orange#EB6703 Purple#EF3DFF
    Red#FF0000 White#FFFFFF Yellow#FFD500 Navy#14213D Olive#6B8E23 Teal#008080 Sand#D8C3A5#B09A7A
    Sunset#FF7E5F#FEB47B
""")

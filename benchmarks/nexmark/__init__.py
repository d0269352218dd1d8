"""Nexmark: an auction site's persons, auctions and bids, and queries over them as job specs.

The generator follows the public definition (Tucker et al., "NEXMark - A Benchmark for Queries over
Data Streams", 2002, and the generator of Apache Beam that others copy): of 50 events one is a
person, three are auctions and 46 are bids; half the bids go to one hot auction in a hundred, three
quarters of bids and auctions come from one hot person in a hundred, prices are log-uniform.

``python -m benchmarks.nexmark FOLDER`` writes the three streams and the side input there;
``q0.yaml`` … ``q22.yaml`` read them.
"""

from benchmarks.nexmark.generator import Nexmark, side_input
from benchmarks.nexmark.queries import QUERIES, spec_path

__all__ = ["QUERIES", "Nexmark", "side_input", "spec_path"]

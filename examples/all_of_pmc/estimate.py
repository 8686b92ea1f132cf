"""Hours, cost and storage of a run over many articles, from measured rates.

    python estimate.py --articles 4000000 --rate 9 --cores 256 --price 0.04 --pairs-kb 400

articles: how many. rate: articles a second and core, pairs-kb: kB of pairs an article, both as
measure.py prints them. cores: of all nodes. price: of a core and hour, in any currency.
efficiency: of that many cores, the share that the run gets (measured/cores*rate of a small run of
the real command: the network and the slowest chunk are in it). read-kb: kB read an article, for the
network's share: needed is articles/s times this.
"""

from __future__ import annotations

import argparse

__all__: list[str] = []

CHUNK_ARTICLES = 256  # what domainclip makes one part of; a killed worker costs at most this


def main() -> None:
    """Print the estimate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--articles", type=int, required=True)
    add("--rate", type=float, required=True, help="articles a second and core")
    add("--cores", type=int, required=True)
    add("--price", type=float, required=True, help="of a core and hour")
    add("--pairs-kb", type=float, required=True, help="kB of pairs an article")
    add("--read-kb", type=float, default=0.0, help="kB read an article")
    add("--efficiency", type=float, default=0.8)
    o = parser.parse_args()
    per_second = o.rate * o.cores * o.efficiency
    hours = o.articles / per_second / 3600
    chunk_s = CHUNK_ARTICLES / o.rate
    print(f"articles/s   {per_second:12,.0f}")
    print(f"hours        {hours:12,.1f}")
    print(f"cost         {hours * o.cores * o.price:12,.0f}")
    print(f"pairs        {o.articles * o.pairs_kb / 1e9:12,.2f} TB")
    print(f"parts        {-(-o.articles // CHUNK_ARTICLES):12,}")
    if o.read_kb:
        print(f"to be read   {o.articles * o.read_kb / 1e9:12,.2f} TB")
        print(f"network      {per_second * o.read_kb * 8 / 1e6:12,.1f} Gbit/s")
    print(f"a killed worker costs at most {chunk_s:,.0f} s of one core, a node that of its cores")


if __name__ == "__main__":
    main()

"""tests/lib/random_sql - random schemas, rows, changes and queries, each query in two spellings: ours,
and PostgreSQL's over a mirror of the same rows.

    world.py       relations, their rows so far, the watermark W before every row; the mirror
    expression.py  typed random expressions that mean the same on both sides and never fail
    compose.py     random SELECTs put together freely, alike on both sides
    query.py       random SELECTs of the grammar, with what the windows and late rows mean in each

Everything follows from one random.Random; nothing else decides.
"""
from .compose import KINDS, Maker
from .query import Partition, Query, random_partition, random_query
from .world import World

__all__ = ["KINDS", "Maker", "Partition", "Query", "World", "random_partition", "random_query"]

"""Many real tables: the same comparison on each, and what they say together."""

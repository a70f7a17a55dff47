"""Your table: does classification help on these data?"""

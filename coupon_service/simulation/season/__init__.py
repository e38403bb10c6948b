"""A season as data files, and what checks them."""

"""Where point-of-sale systems are tried out: a district of play money beside the real one."""

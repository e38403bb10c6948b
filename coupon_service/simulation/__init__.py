"""Demo seasons as data files, and the actors that drive the service with them."""

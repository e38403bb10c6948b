"""The demo: a season in the database, the people who may sign in, and how to be them."""

"""What every package stands on: money, clock, errors, database, jobs, web, sign-in, settings."""

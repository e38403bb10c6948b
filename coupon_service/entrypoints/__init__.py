"""The only place that knows everyone: application, worker, ticker, command line."""

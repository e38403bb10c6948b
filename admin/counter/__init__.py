"""The counter: officials claim for residents who are there in person."""

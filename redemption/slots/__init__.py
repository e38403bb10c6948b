"""Time slots: how many vouchers of a campaign a store takes in a window of a day."""

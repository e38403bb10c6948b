"""Lists of residents: imported from officials' files, for eligibility and for grants."""

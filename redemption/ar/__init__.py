"""The AR hook: a signed, one-time presence proof grants a claim or redeems at a virtual store."""

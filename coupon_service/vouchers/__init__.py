"""The voucher: its lifecycle, its signed token, its QR and typed code."""

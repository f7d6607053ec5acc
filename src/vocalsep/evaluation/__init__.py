"""How good a separation is, in numbers."""

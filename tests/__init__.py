"""What Parley promises, as sentences that can fail."""

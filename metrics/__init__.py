"""What Parley tells of itself: counts, times and log lines. Knows no rule of chat."""

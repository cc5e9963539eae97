"""Who you are: people, logins, tokens. Knows nothing of rooms and messages."""

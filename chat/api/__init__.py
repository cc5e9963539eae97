"""Owns the REST edge of the chat: `bodies` are its shapes, `views` its calls."""

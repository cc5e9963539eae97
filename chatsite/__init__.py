"""The frame around the house: settings, server, start and stop. Knows no rule of chat."""

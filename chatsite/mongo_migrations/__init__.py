"""Migrations of Django's own apps, made for ObjectId keys. Made by `makemigrations`."""

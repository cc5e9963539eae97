"""Commands of the house for `manage.py`."""

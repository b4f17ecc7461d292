"""Django's PostgreSQL backend with what every small question needs: see `base`."""

"""Fuzz targets: one for each parser, run by `make fuzz`, never by the tests."""

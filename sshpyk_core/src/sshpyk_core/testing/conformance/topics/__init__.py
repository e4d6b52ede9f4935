"""The standard tests, one module for each thing that they are about."""

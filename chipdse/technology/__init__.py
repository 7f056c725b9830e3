"""Cell libraries and tables of constants, each with its source."""

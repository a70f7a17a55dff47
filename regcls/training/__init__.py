"""Training of the shipped pairs: data sets, networks, fit, evaluation, export. Needs torch."""

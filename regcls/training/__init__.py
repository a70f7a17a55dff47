"""Making the shipped pairs: networks, data sets, fit, export. Needs torch; no page imports it."""

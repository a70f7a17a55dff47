"""Running exported models: contract, engines, providers and memory."""

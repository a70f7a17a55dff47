"""Images, videos and tables from anyone, read safely."""

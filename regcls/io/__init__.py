"""Read images, videos and tables from untrusted files."""

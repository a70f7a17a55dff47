"""What several tests share: made models, videos and studies, and pages without a browser."""

"""What the shipped pairs are asked: photo in, answers with their expected error out."""

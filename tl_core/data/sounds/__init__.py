"""Recordings on their way in: decoding, facts, likeness, pictures of them."""

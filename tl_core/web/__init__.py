"""What the page server says over HTTP beside the pages: sign-in, health, who may ask for what."""

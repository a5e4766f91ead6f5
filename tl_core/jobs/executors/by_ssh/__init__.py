"""The executor `ssh`: an attendant here, a studio of its own over there, files between."""

"""What belongs to one place of the studio and is drawn by its pages."""

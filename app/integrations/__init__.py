"""What the product speaks with outside itself: one folder per outside system."""

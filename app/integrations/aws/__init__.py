"""Amazon Web Services: how they are reached, what the product made there, and what that costs."""
